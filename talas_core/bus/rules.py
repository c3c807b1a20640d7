"""What every bus adapter refuses, and how a subject is matched: pure, shared by all of them.

Does:        check a subject and a payload before they reach a wire; match wildcard subscriptions.
Never:       sends anything.
Guarantees:  both adapters refuse the same input with the same error.
"""

from __future__ import annotations

import re

from talas_core.bus.port import MAX_PAYLOAD
from talas_core.errors import BadInput

ONE = "*"
REST = ">"
_WORD = r"[^\s.*>\x00-\x20]+"
_LITERAL = re.compile(rf"{_WORD}(\.{_WORD})*")
_PATTERN = re.compile(rf"({_WORD}|\*)(\.({_WORD}|\*))*(\.>)?|>")


def check_subject(subject: str) -> None:
    """Raises BadInput unless something may be published to `subject`."""
    if not _LITERAL.fullmatch(subject):
        raise BadInput(f"{subject!r} is not a subject to publish to")


def check_pattern(subject: str, queue: str) -> None:
    """Raises BadInput unless `subject` may be listened to, alone or as one of group `queue`.

    `*` stands for one token of a subject, a last `>` for all that remain.
    """
    if not _PATTERN.fullmatch(subject):
        raise BadInput(f"{subject!r} is not a subject to listen to")
    if queue and not _LITERAL.fullmatch(queue):
        raise BadInput(f"{queue!r} is not the name of a group")


def check_payload(payload: bytes) -> None:
    """Raises BadInput if `payload` is larger than MAX_PAYLOAD bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise BadInput(f"{len(payload)} bytes are too many for one message; {MAX_PAYLOAD} fit")


def matches(pattern: str, subject: str) -> bool:
    """Whether a subscription to `pattern` receives what is published to `subject`."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == REST:
        wanted.pop()
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(
        want in (ONE, token) for want, token in zip(wanted, given, strict=True)
    )
