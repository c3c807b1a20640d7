"""Half a surrogate pair is told from other things that are no JSON."""

import sys

import pytest

from talas_api.chat.requests.torn import Torn, torn


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (rb'{"a":"x \ud83d","ref":1}', Torn({"ref": 1}, ["a"])),
        (rb'{"a":"\ude00\ud83d"}', Torn({}, ["a"])),
        (rb'{"a":{"b":[1,"\udfff"]},"c":"\ud83d\ude00"}', Torn({"c": "\U0001f600"}, ["a"])),
        (rb'{"\ud800":1,"b":2}', Torn({"b": 2}, [])),
    ],
)
def test_member_with_half_a_surrogate_pair_is_named(raw: bytes, found: Torn) -> None:
    assert torn(raw) == found


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"x"}', rb'{"a":"\\ud83d"}', rb'{"a":"\ud83d\ude00"}', rb'{"a":"\ud83d"',
        rb'["\ud83d"]', rb'"\ud83d"', rb'{"a":"\ud83d","b":NaN}', rb'{"a":"\ud83d","b":-Infinity}',
        b"", b"[" * 60_000, b'{"a":' * 12_000, b'{"a":' + b"9" * 10_000 + rb',"b":"\ud83d"}',
    ],
)  # fmt: skip
def test_text_without_half_a_surrogate_pair_names_no_member(raw: bytes) -> None:
    assert torn(raw) is None


def test_nesting_of_any_depth_raises_nothing() -> None:
    """Python writes a little less deep than it reads."""
    for depth in range(900, sys.getrecursionlimit() + 10):
        torn(b'{"type":"ping","a":"\\ud83d","b":' + b"[" * depth + b"]" * depth + b"}")
