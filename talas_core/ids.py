"""Identifiers: UUID version 7 (RFC 9562, section 5.7), made by the application.

Does:        make ids that sort by their time of birth, so indexes grow at one end.
Never:       serves as a secret: the time half is public.
Guarantees:  ids of one process rise strictly, even within one millisecond.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

_RANDOM_BITS = 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_lock = threading.Lock()
_last = 0


def lowest_id(moment: datetime) -> uuid.UUID:
    """Not above any id made at `moment` or later, above every one made a millisecond before."""
    milliseconds = max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
    return uuid.UUID(bytes=milliseconds.to_bytes(6) + bytes(10))


def uuid7() -> uuid.UUID:
    """A new id. 48 bits of Unix milliseconds, 12 bits of counter or fraction, 62 random bits."""
    global _last  # noqa: PLW0603 - the strictly rising counter is this module's whole state
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = milliseconds << 12 | rest * 4096 // 1_000_000
    with _lock:
        stamp = max(stamp, _last + 1)
        _last = stamp
    high = stamp >> 12
    low = stamp & 0xFFF
    value = high << 80 | 0x7 << 76 | low << 64 | 0b10 << 62 | secrets.randbits(_RANDOM_BITS)
    return uuid.UUID(int=value)
