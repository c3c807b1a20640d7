"""What changes at a station, as it happens, for the pages that follow it.

Does:        make each change into one message for all followers; tell listener counts at a beat.
Never:       waits for a follower; encodes a message per follower.
Guarantees:  a follower has at most QUEUE messages waiting, and is let go beyond; there are never
             more than LIMIT followers, a quarter of them from one address, or /64 of IPv6; after
             `close` each gets what waits for it, then the end.
From / to:   station.py  ->  here  ->  pages/nowplaying.py
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque

import msgspec

from talas_core.errors import Unavailable
from talas_core.web.idle import SHARE
from talas_core.web.peer import counted
from talas_stream.codec.stages.meter import Reading
from talas_stream.station.station import Change, Station

LIMIT = 5_000
RETRY_SECONDS = 10.0
QUEUE = 16
COUNT_SECONDS = 3.0
"""Between two messages about the number of listeners."""


class Now(msgspec.Struct, frozen=True):
    """What is playing on a station. `text` is the title whole; `artist` and `title` its parts;
    `started_at` (RFC 3339) and `at` (media time, ticks of 1/48000 s) are of its beginning."""

    station: str
    name: str
    on_air: bool
    text: str
    artist: str
    title: str
    started_at: str | None
    at: int | None
    listeners: int
    loudness: Reading | None

    @classmethod
    def of(cls, station: Station) -> Now:
        """As things stand."""
        song, record = station.song, station.record
        return cls(
            station=record.slug,
            name=station.offer.name,
            on_air=station.on_air,
            text=song.text if song else "",
            artist=song.artist if song else "",
            title=song.title if song else "",
            started_at=song.started_at if song else None,
            at=song.at if song else None,
            listeners=station.count.listeners,
            loudness=station.reading,
        )


class Follower:
    """What follows a station, from an address: messages wait here until they are taken."""

    def __init__(self, station: Station, address: str) -> None:
        self.station = station
        self.address = address
        self._waiting: deque[bytes] = deque()
        self._stirred = asyncio.Event()
        self._ended = False

    def put(self, message: bytes) -> None:
        """A message for it; one too many ends it."""
        if len(self._waiting) >= QUEUE:
            self._waiting.clear()
            self.end()
        elif not self._ended:
            self._waiting.append(message)
            self._stirred.set()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._stirred.set()

    async def take(self) -> bytes | None:
        """What waits, as soon as something does; None at the end."""
        await self._stirred.wait()
        if not self._waiting:
            return None
        messages = b"".join(self._waiting)
        self._waiting.clear()
        if not self._ended:
            self._stirred.clear()
        return messages


class Events:
    """Followers by station."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._limit_each = max(1, limit // SHARE)
        self._addresses: Counter[str] = Counter()
        self._followers: dict[Station, set[Follower]] = {}
        self._told: dict[Station, int] = {}
        self._number = 0
        self._closed = False

    def follow(self, station: Station, address: str) -> Follower:
        """Follow a station, told at once how things stand. Raises Unavailable when too many do, in
        all or from `address`, or the service is stopping."""
        if self._closed or self._number >= self._limit:
            raise Unavailable("nobody more can follow now", RETRY_SECONDS)
        address = counted(address)
        if self._addresses[address] >= self._limit_each:
            raise Unavailable("too many follow from this address", RETRY_SECONDS)
        self._number += 1
        self._addresses[address] += 1
        follower = Follower(station, address)
        self._followers.setdefault(station, set()).add(follower)
        station.watchers.add(self)
        self._told.setdefault(station, station.count.listeners)
        follower.put(message("now", Now.of(station)))
        return follower

    def leave(self, follower: Follower) -> None:
        """It follows no longer. To be called once for each."""
        self._number -= 1
        self._addresses[follower.address] -= 1
        if not self._addresses[follower.address]:
            del self._addresses[follower.address]
        station = follower.station
        remaining = self._followers[station]
        remaining.discard(follower)
        if not remaining:
            del self._followers[station], self._told[station]
            station.watchers.discard(self)

    def changed(self, station: Station, change: Change) -> None:
        """A station tells what happened."""
        self._tell(station, change.value)

    def count(self) -> None:
        """Tell the number of listeners where it has changed. Call every COUNT_SECONDS."""
        for station, told in tuple(self._told.items()):
            if station.count.listeners != told:
                self._tell(station, "listeners")

    def close(self) -> None:
        """The service is stopping."""
        self._closed = True
        for followers in self._followers.values():
            for follower in followers:
                follower.end()

    def _tell(self, station: Station, event: str) -> None:
        self._told[station] = station.count.listeners
        text = message(event, Now.of(station))
        for follower in self._followers[station]:
            follower.put(text)


def message(event: str, now: Now) -> bytes:
    """A server-sent event. JSON has no line breaks, so the data is one line."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(now))
