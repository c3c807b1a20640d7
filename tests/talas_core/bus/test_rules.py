from __future__ import annotations

import pytest

from talas_core.bus.port import MAX_PAYLOAD
from talas_core.bus.rules import check_pattern, check_payload, check_subject, matches
from talas_core.errors import BadInput


@pytest.mark.parametrize("subject", ["a", "a.b", "talas.station.find", "$JS.x", "é.b", "_INBOX.1"])
def test_right_subject_is_taken(subject: str) -> None:
    check_subject(subject)
    check_pattern(subject, "")


@pytest.mark.parametrize("subject", ["", ".", "a.", ".a", "a b", "a\n", "a\0", "*", "a.>", "a*"])
def test_malformed_subject_is_refused(subject: str) -> None:
    with pytest.raises(BadInput):
        check_subject(subject)


@pytest.mark.parametrize("pattern", ["*", ">", "a.*", "*.b", "a.*.c", "a.>", "*.>"])
def test_right_pattern_is_taken(pattern: str) -> None:
    check_pattern(pattern, "group-1")


@pytest.mark.parametrize("pattern", ["", "a.>.b", ">.a", "a*.b", "a>", "a..b", "a b", ">>"])
def test_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput):
        check_pattern(pattern, "")


@pytest.mark.parametrize("queue", ["a b", "*", "a.", "a\r\n"])
def test_malformed_group_is_refused(queue: str) -> None:
    with pytest.raises(BadInput, match="group"):
        check_pattern("a", queue)


def test_payload_over_the_limit_is_refused() -> None:
    check_payload(b"x" * MAX_PAYLOAD)
    with pytest.raises(BadInput):
        check_payload(b"x" * (MAX_PAYLOAD + 1))


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a", "a", True), ("a", "b", False), ("a.b", "a", False), ("a", "a.b", False),
        ("*", "a", True), ("*", "a.b", False), ("a.*", "a.b", True), ("a.*", "a", False),
        ("a.*.c", "a.b.c", True), ("a.*.c", "a.b.d", False), (">", "a", True), (">", "a.b", True),
        ("a.>", "a", False), ("a.>", "a.b", True), ("a.>", "a.b.c", True), ("a.>", "b.c", False),
        ("*.>", "a", False), ("*.>", "a.b", True),
    ],
)  # fmt: skip
def test_pattern_matches_its_subjects_alone(pattern: str, subject: str, expected: bool) -> None:
    assert matches(pattern, subject) is expected
