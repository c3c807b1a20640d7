"""What text people may give things: patterns that values share.

Does:        keep out control characters, NUL among them, and marks that turn the direction of the
             text around them.
Never:       limits the script or the length; each field states its own.
"""

from __future__ import annotations

_UNSEEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"

LINE = rf"\A(?=.*\S)[^{_UNSEEN}\t\n]+\Z"
"""One line, not blank."""

LINES = rf"\A[^{_UNSEEN}]*\Z"
"""Any number of lines; tabs and line ends are text here."""
