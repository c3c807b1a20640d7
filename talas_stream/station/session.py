"""One source's stay at a station, from its first word to its last.

Does:        keep which connection sends, what the source says of itself, and since when.
Never:       outlives its source: what is heard goes on without it, see outputs.py.
From / to:   station.py  ->  here
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from talas_stream.media import SourceInfo


class Source(Protocol):
    """What a station needs of its source."""

    @property
    def damage(self) -> Mapping[str, int]:
        """What was wrong with what it sent, counted by name."""
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes of its body that were taken so far."""
        ...

    @property
    def has_gone(self) -> bool:
        """Whether its source has gone, though what it sent is still heard."""
        ...

    async def read_on(self) -> None:
        """See whether it has gone, where that takes a while."""
        ...

    def close(self, reason: str) -> None:
        """Cut it off; `reason` is logged."""
        ...


class SourceSession:
    """`claimed_at` is in seconds on the monotonic clock; `started_at` is RFC 3339, empty before the
    first frame."""

    def __init__(self, source: Source, info: SourceInfo, claimed_at: float) -> None:
        self.source = source
        self.info = info
        self.claimed_at = claimed_at
        self.started_at = ""
