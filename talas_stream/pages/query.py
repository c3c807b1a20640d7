"""Queries as encoders send them: in UTF-8, or in what their age or country wrote.

Does:        decode the query, in the charset it names, else UTF-8 where it is, else Latin-1.
Never:       lets control characters or lone surrogates through.
Guarantees:  the first of two values counts; length and number are bounded.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from talas_core.errors import BadInput
from talas_stream.ingest.credentials import clean

MAX_FIELDS = 32
CHARSETS = frozenset(
    ["utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-15", "windows-1250",
     "windows-1251", "windows-1252", "koi8-r", "shift_jis", "euc-jp", "gbk", "big5", "euc-kr"]
)  # fmt: skip
"""What `charset=` may name. Any other is passed over, as encoders also send nonsense there."""


def fields(raw_path: str) -> dict[str, str]:
    """The fields of a request's target. Raises BadInput where there are too many."""
    raw = raw_path.partition("?")[2]
    try:
        # Latin-1 is every byte as it came; what it means is found out value by value.
        pairs = parse_qsl(
            raw, keep_blank_values=True, encoding="latin-1", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise BadInput("the query has too many fields") from None
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    charset = first.get("charset", "").lower()
    return {name: clean(_decoded(value, charset)) for name, value in first.items()}


def _decoded(value: str, charset: str) -> str:
    if charset not in CHARSETS:
        return value  # `clean` reads it as UTF-8 or Latin-1
    try:
        return value.encode("latin-1").decode(charset)
    except UnicodeError:
        return value
