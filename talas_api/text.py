"""What text people may give things: patterns that values share.

Does:        keep out control characters, NUL among them, and marks that turn the direction of the
             text around them.
Never:       limits the script or the length; each field states its own.

A name is shown inside lines of others' text, where any bidirectional control may reorder what
stands beside it: names hold none, as UTS 39 (section 3.1) and PRECIS (RFC 8264, section 9.13) have
it for what identifies. Prose has a paragraph of its own: the marks that people who write from
right to left need beside a number or a sign are text there, and only what turns a whole stretch of
text is kept out. What is said in the chat is passed on as it was sent; docs/chat.md tells how to
show it.
"""

from __future__ import annotations

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
_TURNING = r"\u202a-\u202e\u2066-\u2069"
_MARKS = r"\u061c\u200e\u200f"
"""With those that turn, the whole of Unicode's property Bidi_Control (UAX 9, section 2)."""

LINE = rf"\A(?=.*\S)[^{_CONTROLS}{_TURNING}{_MARKS}\t\n]+\Z"
"""A name: one line, not blank."""

LINES = rf"\A[^{_CONTROLS}{_TURNING}]*\Z"
"""Prose, any number of lines; tabs and line ends are text here."""
