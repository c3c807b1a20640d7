"""Frames whose texts hold half a surrogate pair, as programs write them that cut an emoji in two.

Does:        tell a frame that is an object but for such halves from one that is none.
Never:       reads on what was decoded well; mends a text.
Guarantees:  time linear in the bytes of one frame.
From / to:   decode.py  ->  here
"""

from __future__ import annotations

import json
from typing import NoReturn

import msgspec


class Torn(msgspec.Struct, frozen=True):
    """Such a frame: its whole members, and the names of those that are not whole."""

    whole: dict[str, object]
    torn: list[str]


def torn(raw: bytes) -> Torn | None:
    """What can be made out of `raw`, in UTF-8; None where halves are not what is wrong with it.

    JSON's grammar allows them (RFC 8259, section 8.2), but no text in UTF-8 can hold one.
    """
    try:
        members = json.loads(raw.decode(), parse_constant=_no_json)
        if not isinstance(members, dict):
            return None
        whole = {name: value for name, value in members.items() if _is_text([name, value])}
    except (ValueError, RecursionError):  # to write takes a little more depth than to read
        return None
    lacking = [name for name in members if name not in whole]
    return Torn(whole, [name for name in lacking if _is_text(name)]) if lacking else None


def _no_json(constant: str) -> NoReturn:
    """Python would take NaN and Infinity."""
    raise ValueError(f"{constant} is no JSON")


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
