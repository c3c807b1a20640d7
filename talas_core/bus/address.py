"""The address of a NATS server that says whose process it must be: `nats://…?owner=UID`.

Does:        write such an address and read it.
Never:       looks at a server: that is client.py's work.
Guarantees:  an address that promises anything else is refused.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

_OWNER = "owner"


def owned(url: str, uid: int) -> str:
    """`url` of a server on 127.0.0.1, with the promise that a process of user `uid` is there."""
    return f"{url}?{urlencode({_OWNER: uid})}"


def promised_owner(url: str) -> int | None:
    """The user id that the address `url` promises, if it promises one. Raises ValueError."""
    query = urlsplit(url).query
    if not query:
        return None
    said = parse_qs(query, strict_parsing=True)
    if said.keys() != {_OWNER}:
        raise ValueError("an address of NATS may promise an owner, and nothing else")
    return int(said[_OWNER][0])
