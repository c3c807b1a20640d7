"""A station on this server: who is sending, and what they send.

Does:        admit one source at a time; keep the station's clock across visits; remember the titles
             and what the source says of itself; tell whoever watches what has changed.
Never:       checks a key (the front door did) or touches a socket.
Guarantees:  media time never goes back, and follows the clock over the gaps between visits; what a
             refused or failed source did leaves no trace.
From / to:   sources, listeners, admin  ->  here  ->  visit.py
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from talas_core.bucket import Bucket
from talas_core.clock import Clock
from talas_core.errors import Conflict, Unavailable
from talas_core.messages import StationRecord
from talas_stream.coding import Codecs
from talas_stream.delivery import Delivery
from talas_stream.feed import Feed, Listener
from talas_stream.history import History, Song
from talas_stream.kernels import Kernels
from talas_stream.media import LADDER, RATE, Codec, Frame, Rendition, SourceInfo
from talas_stream.output import Output
from talas_stream.sizes import Sizes
from talas_stream.stages.meter import Reading
from talas_stream.visit import Visit

TITLES_PER_SECOND, TITLES_AT_ONCE = 1.0, 30.0
"""That a station may be told beside its audio: each goes to everybody who listens or follows."""

_BIT_RATE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class State(StrEnum):
    """Where a station stands."""

    OFF = "off"
    CLAIMED = "claimed"
    ON_AIR = "on air"


class Event(StrEnum):
    """What happens to it."""

    CLAIM = "claim"
    AUDIO = "audio"
    RELEASE = "release"


LIFE: dict[tuple[State, Event], State] = {
    (State.OFF, Event.CLAIM): State.CLAIMED,
    (State.CLAIMED, Event.AUDIO): State.ON_AIR,
    (State.CLAIMED, Event.RELEASE): State.OFF,
    (State.ON_AIR, Event.AUDIO): State.ON_AIR,
    (State.ON_AIR, Event.RELEASE): State.OFF,
}
"""The life cycle. A pair that is not here cannot happen; to claim twice is a Conflict."""


class Change(StrEnum):
    """What a watcher is told of."""

    ON_AIR = "on_air"
    OFF_AIR = "off_air"
    TITLE = "title"


class Watcher(Protocol):
    """Somebody who wants to know what changes."""

    def changed(self, station: Station, change: Change) -> None:
        """Called after the change, on the loop; must not wait."""
        ...


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
        """Whether nobody is behind it any more, though what it sent is still heard."""
        ...

    async def read_on(self) -> None:
        """See whether it has gone, where that takes a while."""
        ...

    def close(self, reason: str) -> None:
        """Cut it off; `reason` is logged."""
        ...


class Station:
    """One station; `epoch` is the clock reading at which its media time is 0."""

    def __init__(
        self, record: StationRecord, clock: Clock, kernels: Kernels, codecs: Codecs, sizes: Sizes
    ) -> None:
        self.record = record
        self.state = State.OFF
        self.info = SourceInfo()
        self.title = ""
        self.song: Song | None = None
        self.history = History()
        self._titles = Bucket(TITLES_PER_SECOND, TITLES_AT_ONCE, clock.monotonic())
        self.watchers: set[Watcher] = set()
        self.source: Source | None = None
        self.started_at: str = ""
        self.listener_peak = 0
        self._clock = clock
        self._kernels = kernels
        self._codecs = codecs
        self._sizes = sizes
        self._epoch = clock.monotonic()
        self._end = 0
        self._artist = ""
        self._claimed = self._epoch
        self._visit: Visit | None = None
        # The visit's renditions whose bytes may still grow, and the bytes of those that closed.
        self._heard: set[Output] = set()
        self._heard_bytes = 0
        self._looking: set[Listener] = set()

    @property
    def on_air(self) -> bool:
        """Whether there is something to hear."""
        return self.state is State.ON_AIR

    @property
    def visit(self) -> Visit:
        """The current visit. Raises Unavailable off the air."""
        if self._visit is None or not self.on_air:
            raise Unavailable(f"{self.record.slug} is off the air", retry_after=5)
        return self._visit

    @property
    def renditions(self) -> list[Rendition]:
        """What it is offered in: what its record says, and on the air what the source sends. One
        at least, whatever names the record has."""
        offered = [LADDER[name] for name in self.record.renditions if name in LADDER]
        offered = offered or [LADDER["mp3"]]
        through = self._visit.through if self._visit is not None else None
        return offered if through is None or through in offered else [*offered, through]

    @property
    def usual(self) -> Rendition:
        """The rendition for who does not say: MP3, which every player takes, where it has that."""
        usual, offered = LADDER["mp3"], self.renditions
        return usual if usual in offered else offered[0]

    @property
    def shown(self) -> Rendition:
        """The rendition for who names none, and with which it is listed: the source's own where
        that is passed on, else the usual one."""
        through = self._visit.through if self._visit is not None else None
        return through or self.usual

    @property
    def reading(self) -> Reading | None:
        """How loud it is; None off the air, and where nothing was measured."""
        return self._visit.reading if self._visit else None

    @property
    def damage(self) -> Mapping[str, int]:
        """What was wrong with what the source sent, counted by name; empty without one."""
        return self.source.damage if self.source is not None else {}

    @property
    def bytes_read(self) -> int:
        """Bytes of its body that the source's visit has brought so far; 0 without one."""
        return self.source.bytes_read if self.source is not None else 0

    @property
    def bytes_sent(self) -> int:
        """Bytes that listeners were given during the source's visit so far; 0 without one."""
        return self._heard_bytes + _bytes_out(self._heard)

    @property
    def listeners(self) -> int:
        """Listeners now, without those who only look."""
        return max(0, self._visit.listeners - len(self._looking)) if self._visit else 0

    @property
    def name(self) -> str:
        """What it is called: by its owner, or else by its source; the other way round where its
        owner prefers that."""
        return self._preferred(self.record.name, self.info.name)

    @property
    def description(self) -> str:
        """What it is about, told by the same."""
        return self._preferred(self.record.description, self.info.description)

    def _preferred(self, by_owner: str, by_source: str) -> str:
        return by_source or by_owner if self.record.prefer_source else by_owner or by_source

    def bit_rate(self, rendition: Rendition) -> int:
        """That of `rendition` in kbit/s; 0 where there is none. Of the source's own packets it is
        what the source says, where that is a number, or else what they come to."""
        if self._visit is not None and rendition is self._visit.through:
            said = self.info.bit_rate
            return int(said) if _BIT_RATE.fullmatch(said) else self._visit.bit_rate
        return 0 if rendition.codec is Codec.FLAC else rendition.bit_rate // 1000

    @property
    def connected_seconds(self) -> float:
        """How long the source has held the station; 0 without one."""
        return self._clock.monotonic() - self._claimed if self.source is not None else 0.0

    def claim(self, source: Source, info: SourceInfo) -> None:
        """Take the station for `source`. Raises Conflict while another has it: one that has not
        gone."""
        if self.source is not None and self.source.has_gone:
            self.source.close("another has come in its place")
        if (self.state, Event.CLAIM) not in LIFE:
            raise Conflict(f"{self.record.slug} is in use by another source")
        self._step(Event.CLAIM)
        self.source = source
        self.info = info
        self.title = self._artist = ""
        self.listener_peak = 0
        self._claimed = self._clock.monotonic()

    def accept(self, frames: list[Frame]) -> None:
        """Frames of the source that holds the station."""
        if self._visit is not None:  # on the air, and stays so
            self._visit.accept(frames)
        elif frames:
            self._begin(frames)

    def release(self, source: Source) -> None:
        """The source has gone; a source that does not hold the station changes nothing."""
        if self.source is not source:
            return
        self._step(Event.RELEASE)
        self.source = None
        self.info = SourceInfo()
        self.song = None
        self._heard.clear()
        self._heard_bytes = 0
        self._looking.clear()
        visit, self._visit = self._visit, None
        if visit is not None:
            self._end = visit.end_at
            visit.end()
            self._tell(Change.OFF_AIR)

    def join(
        self,
        listener: Listener,
        rendition: Rendition,
        delivery: Delivery,
        joined: Callable[[Feed], None],
    ) -> Output:
        """Let a listener in, see Visit. Raises Unavailable off the air."""
        live = self.visit.join(listener, rendition, delivery, joined)
        self._heard.add(live)
        self.listener_peak = max(self.listener_peak, self.listeners)
        return live

    def may_be_told(self) -> bool:
        """Count a title that somebody sends beside the audio; whether it is not one too many."""
        return self._titles.take(1, self._clock.monotonic())

    def looks(self, listener: Listener) -> None:
        """One that is about to join only looks, and does not count."""
        self._looking.add(listener)

    def stays(self, listener: Listener) -> bool:
        """One that looked has stayed, and counts; whether it did look at what is on."""
        if listener not in self._looking:
            return False
        self._looking.discard(listener)
        self.listener_peak = max(self.listener_peak, self.listeners)
        return True

    def left(self, listener: Listener) -> None:
        """One that has left looks no longer."""
        self._looking.discard(listener)

    def retitle(self, title: str, artist: str = "") -> None:
        """What is playing from here on; `artist` is who of it, where that was told apart. A title
        told again is no news."""
        if title == self.title:
            return
        self.title, self._artist = title, artist
        if self._visit is not None:
            self._visit.retitle(title)
            self._enter(self._visit.end_at)
            self._tell(Change.TITLE)

    def tidy(self, idle_seconds: float) -> None:
        """Close what nobody needs any more."""
        if self._visit is not None:
            self._visit.tidy(self._clock.monotonic(), idle_seconds)
            closed = self._heard.difference(self._visit.live)
            self._heard_bytes += _bytes_out(closed)
            self._heard -= closed

    def _begin(self, frames: list[Frame]) -> None:
        """The first frames of a visit: with them the station is on the air."""
        state = LIFE[self.state, Event.AUDIO]
        elapsed = int((self._clock.monotonic() - self._epoch) * RATE)
        start = max(self._end, elapsed)
        visit = Visit(
            start,
            self.name,
            self.title,
            renditions=self.renditions,
            kernels=self._kernels,
            codecs=self._codecs,
            sizes=self._sizes,
            now=self._clock.monotonic,
        )
        visit.accept(frames)
        self._visit, self.state = visit, state
        self.started_at = self._clock.now().isoformat(timespec="seconds")
        self._enter(start)
        self._tell(Change.ON_AIR)

    def _enter(self, at: int) -> None:
        started_at = self._clock.now().isoformat(timespec="seconds")
        self.song = self.history.enter(self.title, self._artist, started_at, at)

    def _tell(self, change: Change) -> None:
        for watcher in tuple(self.watchers):
            watcher.changed(self, change)

    def _step(self, event: Event) -> None:
        self.state = LIFE[self.state, event]


def _bytes_out(renditions: Iterable[Output]) -> int:
    return sum(feed.bytes_out for live in renditions for feed in live.feeds)
