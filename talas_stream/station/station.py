"""A station on this server: who is sending, what they send, and what follows when they stop.

Does:        admit one source at a time; keep the station's clock across sessions; remember titles;
             hold the listeners for a while when a source has gone, in silence; tell its
             watchers what has changed.
Never:       checks a key (the front door did) or touches a socket.
Guarantees:  media time never goes back, and follows the clock while nobody sends; what a refused or
             failed source did leaves no trace; a source that comes back in time is heard by the
             listeners that there were, whatever it sends.
From / to:   ingest, egress, pages  ->  here  ->  outputs.py
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from talas_core.bucket import Bucket
from talas_core.clock import Clock
from talas_core.errors import Conflict, TalasError, Unauthorized, Unavailable
from talas_core.messages import StationRecord
from talas_stream.codec.stages.meter import Reading
from talas_stream.kernels import Kernels
from talas_stream.media import RATE, Frame, Rendition, SourceInfo
from talas_stream.output.delivery import Delivery
from talas_stream.output.feed import Feed, Listener
from talas_stream.output.output import Output
from talas_stream.output.sizes import Sizes
from talas_stream.station.coding import Codecs
from talas_stream.station.count import Count
from talas_stream.station.life import HOLDING, LIFE, Event, State
from talas_stream.station.offer import Offer
from talas_stream.station.outputs import REST_TICKS, Outputs
from talas_stream.station.session import Source, SourceSession
from talas_stream.station.titles import History, Song

TITLES_PER_SECOND, TITLES_AT_ONCE = 1.0, 30.0
"""That a station may be told beside its audio: each goes to everybody who listens or follows."""


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


class Station:
    """One station; `epoch` is the clock reading at which its media time is 0."""

    def __init__(
        self, record: StationRecord, clock: Clock, kernels: Kernels, codecs: Codecs, sizes: Sizes,
        *, hold_seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self.record = record
        self.state = State.OFF
        self.title = ""
        self.song: Song | None = None
        self.history = History()
        self._titles = Bucket(TITLES_PER_SECOND, TITLES_AT_ONCE, clock.monotonic())
        self.watchers: set[Watcher] = set()
        self.count = Count()
        self._hold_seconds = hold_seconds
        self._clock = clock
        self._kernels = kernels
        self._codecs = codecs
        self._sizes = sizes
        self._epoch = clock.monotonic()
        self._end = 0
        self._artist = ""
        self._session: SourceSession | None = None
        self._outputs: Outputs | None = None
        # When the source went, and the media time then.
        self._held_since = (0.0, 0)

    @property
    def on_air(self) -> bool:
        """Whether a source is heard."""
        return self.state is State.LIVE

    @property
    def audible(self) -> bool:
        """Whether a listener is served: a source is heard, or has gone so lately that it may come
        back."""
        return self._outputs is not None

    @property
    def held(self) -> bool:
        """Whether listeners wait for a source."""
        return self.state in HOLDING

    @property
    def source(self) -> Source | None:
        """Who holds the station."""
        return self._session.source if self._session is not None else None

    @property
    def info(self) -> SourceInfo:
        """What the source says of itself; empty without one."""
        return self._session.info if self._session is not None else SourceInfo()

    @property
    def started_at(self) -> str:
        """Since when the source is heard, RFC 3339; empty while none is."""
        return self._session.started_at if self._session is not None else ""

    @property
    def outputs(self) -> Outputs:
        """What it is heard in. Raises Unavailable while nothing is heard."""
        if self._outputs is None:
            raise Unavailable(f"{self.record.slug} is off the air", retry_after=5)
        return self._outputs

    @property
    def offer(self) -> Offer:
        """What it is offered as, as things stand."""
        return Offer(self.record, self.info, self._outputs)

    @property
    def reading(self) -> Reading | None:
        """How loud it is; None off the air, and where nothing was measured."""
        return self._outputs.reading if self._outputs is not None and self.on_air else None

    @property
    def connected_seconds(self) -> float:
        """How long the source has held the station; 0 without one."""
        session = self._session
        return self._clock.monotonic() - session.claimed_at if session is not None else 0.0

    @property
    def ahead_seconds(self) -> float:
        """How far what was sent goes beyond the clock; 0 where it does not. What one source was
        ahead, the next is not allowed again."""
        end = self._outputs.end_at if self._outputs is not None else self._end
        return max(0, end - self._elapsed()) / RATE

    def claim(self, source: Source, info: SourceInfo) -> None:
        """Take the station for `source`. Raises Conflict while another has it: one that has not
        gone."""
        if self.source is not None and self.source.has_gone:
            self.source.close("another has come in its place")
        if (self.state, Event.CLAIM) not in LIFE:
            raise Conflict(f"{self.record.slug} is in use by another source")
        self._step(Event.CLAIM)
        self._session = SourceSession(source, info, self._clock.monotonic())
        self.title = self._artist = ""
        self.count.source_came()

    def accept(self, frames: list[Frame]) -> None:
        """Frames of the source that holds the station."""
        if self.state is State.LIVE and self._outputs is not None:
            self._outputs.accept(frames)
        elif frames:
            self._begin(frames)

    def release(self, source: Source, *, hold: bool = True) -> None:
        """The source has gone; one that does not hold the station changes nothing. Without `hold`
        it will not come back, and nobody is kept waiting for it."""
        if self.source is not source:
            return
        was_live = self.on_air
        self._step(Event.RELEASE)
        self._session = None
        self.song = None
        self.count.source_went()
        if was_live:
            self._held_since = self._clock.monotonic(), self.outputs.end_at
        if self.state is State.HELD and not (hold and self._hold_seconds):
            self._expire()
        elif was_live:
            self.outputs.retitle("")
        if was_live:
            self._tell(Change.OFF_AIR)

    def rest(self) -> None:
        """While the listeners are held: let silence follow, or the end. To be called at every
        beat."""
        if not self.held:
            return
        since, _ = self._held_since
        if self._clock.monotonic() - since >= self._hold_seconds:
            self._expire()
        else:
            self.outputs.rest(self._silent_until())

    def join(
        self,
        listener: Listener,
        rendition: Rendition,
        delivery: Delivery,
        joined: Callable[[Feed], None],
    ) -> Output:
        """Let a listener in, see Outputs. Raises Unavailable while nothing is heard."""
        output = self.outputs.join(listener, rendition, delivery, joined)
        self.count.joined(output)
        return output

    def may_be_told(self) -> bool:
        """Count a title that somebody sends beside the audio; whether it is not one too many."""
        return self._titles.take(1, self._clock.monotonic())

    def retitle(self, title: str, artist: str = "") -> None:
        """What is playing from here on; `artist` is who of it, where that was told apart. A title
        told again is no news."""
        if title == self.title:
            return
        self.title, self._artist = title, artist
        if self._outputs is not None and self.on_air:
            self._outputs.retitle(title)
            self._enter(self._outputs.end_at)
            self._tell(Change.TITLE)

    def tidy(self, idle_seconds: float) -> None:
        """Close what nobody needs any more."""
        if self._outputs is not None:
            self._outputs.tidy(self._clock.monotonic(), idle_seconds)
            self.count.tidy()

    def expel(self, error: TalasError) -> None:
        """It is not what it was: nobody waits for a source of it any longer, unless all that is
        another is its key."""
        if self.held and not isinstance(error, Unauthorized):
            self._expire()

    def close(self, reason: str) -> None:
        """End the source, and with it every listener."""
        self._hold_seconds = 0.0
        if self.source is not None:
            self.source.close(reason)
        if self.held:
            self._expire()

    def _begin(self, frames: list[Frame]) -> None:
        """The first frames of a source: with them the station is live."""
        state = LIFE[self.state, Event.AUDIO]
        if self._outputs is None:
            outputs = self._opened()
        else:
            outputs = self._outputs
            outputs.rest(max(self._silent_until(), outputs.end_at + REST_TICKS))
            outputs.retitle(self.title)
        start = outputs.end_at
        outputs.accept(frames)
        self._outputs, self.state = outputs, state
        self.count.begin(outputs)
        assert self._session is not None  # noqa: S101 - the states say so
        self._session.started_at = self._clock.now().isoformat(timespec="seconds")
        self._enter(start)
        self._tell(Change.ON_AIR)

    def _opened(self) -> Outputs:
        """Outputs that begin now."""
        start, offer = max(self._end, self._elapsed()), self.offer
        return Outputs(
            start, offer.name, self.title, renditions=offer.renditions, kernels=self._kernels,
            codecs=self._codecs, sizes=self._sizes, now=self._clock.monotonic,
        )  # fmt: skip

    def _expire(self) -> None:
        """Nobody has come back: the listeners' end."""
        self._step(Event.EXPIRE)
        outputs, self._outputs = self.outputs, None
        self._end = outputs.end_at
        self.count.end()
        outputs.end()

    def _elapsed(self) -> int:
        """The station's clock, in ticks of media time."""
        return int((self._clock.monotonic() - self._epoch) * RATE)

    def _silent_until(self) -> int:
        """Media time up to which there is silence by now, since the source has gone."""
        since, end = self._held_since
        return end + int((self._clock.monotonic() - since) * RATE)

    def _enter(self, at: int) -> None:
        started_at = self._clock.now().isoformat(timespec="seconds")
        self.song = self.history.enter(self.title, self._artist, started_at, at)

    def _tell(self, change: Change) -> None:
        for watcher in tuple(self.watchers):
            watcher.changed(self, change)

    def _step(self, event: Event) -> None:
        self.state = LIFE[self.state, event]
