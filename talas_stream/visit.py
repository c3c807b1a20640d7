"""One source's visit to a station: from its first frame to its last.

Does:        place frames on the timeline; pass them on to the rendition that is coded alike; have
             a codec worker make the others, each only while somebody listens.
Never:       knows where the source or a listener is connected, or which process encodes.
Guarantees:  a listener of any rendition starts with the last seconds that the source sent.
From / to:   sources  ->  here  ->  rendition.py
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from talas_core.errors import Unavailable
from talas_stream.codec.messages import Metered, Output
from talas_stream.feed import Feed, Listener
from talas_stream.kernels import Kernels
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet, Rendition
from talas_stream.rendition import LiveRendition, Sizes
from talas_stream.stages.meter import Reading
from talas_stream.stages.timeline import Timeline

MAX_HISTORY_TICKS = 90 * RATE
"""Most that is kept of a source, however few bytes it sends: a codec job that starts decodes it
all."""

MAX_HISTORY_BYTES = 32 << 20
"""Most bytes: ten seconds of the widest WAV that is taken."""

MAX_HISTORY_FRAMES = 10_000
"""Most frames, however short: 25 seconds of the shortest that an encoder makes."""

MAX_HISTORY_FORMATS = 4
"""Most formats. Each costs whoever decodes the history a decoder, and perhaps a resampler."""

AGAIN_SECONDS = 60.0
"""Before a programme is measured again whose codec job was lost."""


class Job(Protocol):
    """A station's codec work, in some other process. Orders are carried out in sequence."""

    @property
    def full(self) -> bool:
        """Whether there is no room to open a rendition more."""
        ...

    def feed(self, frame: Frame, packet: Packet) -> None: ...
    def open(self, rendition: Rendition, ticks: int) -> None:
        """Encode it from now on, the last `ticks` of what was fed first."""
        ...

    def close(self, rendition: Rendition) -> None: ...
    def meter(self) -> None:
        """Measure what is fed from now on."""
        ...

    def finish(self) -> None:
        """Flush everything; the last output is followed by `done`."""
        ...


class Codecs(Protocol):
    """Where jobs are to be had. Both callbacks come on the loop."""

    @property
    def metering(self) -> bool:
        """Whether every visit is to be measured from its first frame to its end."""
        ...

    @property
    def full(self) -> bool:
        """Whether there is no room for a job more."""
        ...

    def job(
        self,
        history_ticks: int,
        deliver: Callable[[list[Output | Metered]], None],
        done: Callable[[], None],
    ) -> Job: ...


class Visit:
    """What one source sends, and who hears it. `start` in ticks of the station's media time;
    `renditions` are those to be ready for: enough is kept to fill the longest burst of theirs."""

    def __init__(
        self,
        start: int,
        name: str,
        title: str,
        *,
        renditions: Iterable[Rendition],
        kernels: Kernels,
        codecs: Codecs,
        sizes: Sizes,
    ) -> None:
        self._timeline = Timeline(start)
        self._name = name
        self._title = title
        self._kernels = kernels
        self._codecs = codecs
        self._sizes = sizes
        self._history: deque[tuple[Frame, Packet]] = deque()
        self._history_bytes = 0
        self._history_runs: deque[int] = deque()  # frames of each format in turn
        self._format: Format | None = None
        self._history_ticks = max(map(sizes.history_ticks, renditions), default=0)
        self._job: Job | None = None
        self._jobs = 0
        self._lost_at: float | None = None
        self._ended = False
        self._live: dict[str, LiveRendition] = {}
        self.through: Rendition | None = None
        """The rendition that the source's own packets make; None before its first frame, and where
        there is none."""
        self.reading: Reading | None = None
        """What was measured last; None where nothing is."""

    @property
    def end_at(self) -> int:
        """Media time right after the last frame."""
        return self._timeline.end

    @property
    def live(self) -> list[LiveRendition]:
        """The renditions in use."""
        return list(self._live.values())

    @property
    def listeners(self) -> int:
        """Listeners now."""
        return sum(live.listeners for live in self._live.values())

    def accept(self, frames: list[Frame]) -> None:
        """Take what the source sent, in order."""
        if self._format is None and self._codecs.metering:
            self._start_job()
        packets = []
        for frame in frames:
            packet = self._timeline.place(frame)
            self._remember(frame, packet)
            packets.append(packet)
            if self._job is not None:
                self._job.feed(frame, packet)
        if self.through is not None and self.through.name in self._live:
            self._live[self.through.name].push(packets)
        if frames and frames[-1].format is not self._format:
            self._format = frames[-1].format
            codec = self._format.codec
            self.through = LADDER[codec] if isinstance(codec, Codec) else None

    def admit(self, rendition: Rendition) -> None:
        """Raises Unavailable where `rendition` would have to be encoded and nobody has time for it.
        What is on the air already, or needs no encoder, is never refused."""
        if rendition.name in self._live or rendition is self.through:
            return
        room = self._job if self._job is not None and self._encoded else self._codecs
        if room.full:
            raise Unavailable(f"no time left to encode {rendition.name}", retry_after=10)

    def join(
        self,
        listener: Listener,
        rendition: Rendition,
        icy: bool,
        joined: Callable[[Feed], None],
        low: bool = False,
    ) -> LiveRendition:
        """Let a listener in; `joined` is told his feed. The visit must have had a frame.

        Raises Unavailable as `admit` does.
        """
        self.admit(rendition)
        live = self._live.get(rendition.name)
        if live is None:
            live = self._live[rendition.name] = self._open(rendition)
        live.join(listener, icy, joined, low)
        return live

    def retitle(self, title: str) -> None:
        """What is playing from here on."""
        self._title = title
        for live in self._live.values():
            live.retitle(title)

    def tidy(self, now: float, idle_seconds: float) -> None:
        """Close the renditions that nobody has listened to for `idle_seconds`."""
        for name, live in list(self._live.items()):
            if live.listeners:
                live.idle_since = None
            elif live.idle_since is None:
                live.idle_since = now
            elif now - live.idle_since >= idle_seconds:
                del self._live[name]
                if self._job is not None:
                    self._job.close(live.rendition)
        if self._job is not None and not self._encoded and not self._codecs.metering:
            self._stop_job()
        self._measure_again(now)

    def end(self) -> None:
        """The source has gone: send what is left, then end every listener."""
        self._ended = True
        through = self._live.pop(self.through.name, None) if self.through else None
        if through is not None:
            through.end()
        if self._job is not None:
            self._job.finish()

    def _measure_again(self, now: float) -> None:
        """Some time after the job was lost: at once, it might be lost for the same reason, and a
        worker's other stations with it."""
        if self._job is not None or self._format is None or self._ended:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = now
        elif self._codecs.metering and now - self._lost_at >= AGAIN_SECONDS:
            self._lost_at = None
            self._start_job()

    def _remember(self, frame: Frame, packet: Packet) -> None:
        if not self._history or self._history[-1][0].format is not frame.format:
            self._history_runs.append(0)
        self._history.append((frame, packet))
        self._history_runs[-1] += 1
        self._history_bytes += len(packet.payload)
        while len(self._history) > 1 and self._has_too_much(packet.end):
            _, oldest = self._history.popleft()
            self._history_bytes -= len(oldest.payload)
            self._history_runs[0] -= 1
            if not self._history_runs[0]:
                self._history_runs.popleft()

    def _has_too_much(self, end: int) -> bool:
        """Whether the history does not need its oldest frame, or may not keep it."""
        oldest = self._history[0][1]
        past = end - oldest.end
        left = self._history_bytes - len(oldest.payload)
        return (
            (past >= self._history_ticks and left >= self._sizes.burst)
            or past >= MAX_HISTORY_TICKS
            or self._history_bytes > MAX_HISTORY_BYTES
            or len(self._history) > MAX_HISTORY_FRAMES
            or len(self._history_runs) > MAX_HISTORY_FORMATS
        )

    @property
    def _encoded(self) -> list[LiveRendition]:
        """The renditions in use that the source does not make itself."""
        return [live for live in self._live.values() if live.rendition is not self.through]

    def _open(self, rendition: Rendition) -> LiveRendition:
        live = LiveRendition(
            rendition, self._kernels, self._sizes, self._name, secrets.randbits(32)
        )
        live.retitle(self._title)
        if rendition is self.through:
            live.ready(self._history[-1][0].format.config)
            live.push([packet for _, packet in self._history])
        else:
            if self._job is not None and self._job.full and not self._encoded:
                # It only measures: let one begin where there is room.
                self._stop_job()
            self._start_job().open(rendition, self._sizes.history_ticks(rendition))
        return live

    def _start_job(self) -> Job:
        if self._job is None:
            self._jobs += 1
            number = self._jobs
            self._job = self._codecs.job(
                self._history_ticks,
                lambda outputs: self._deliver(number, outputs),
                lambda: self._done(number),
            )
            for frame, packet in self._history:
                self._job.feed(frame, packet)
            if self._codecs.metering:
                self._job.meter()
        return self._job

    def _stop_job(self) -> None:
        if self._job is not None:
            self._job.finish()
            self._job = None
            # What the stopped job still delivers is nobody's: its number is no longer current.
            self._jobs += 1

    def _deliver(self, number: int, outputs: list[Output | Metered]) -> None:
        if number != self._jobs:
            return
        for output in outputs:
            if isinstance(output, Metered):
                self.reading = output.reading
                continue
            live = self._live.get(output.rendition.name)
            if live is None:
                continue
            if output.config is not None:
                live.ready(output.config)
            live.push(output.packets)

    def _done(self, number: int) -> None:
        """The job has ended: as asked, at the visit's end, or because it failed."""
        if number != self._jobs:
            return
        self._job = self.reading = None
        for live in self._encoded:
            del self._live[live.rendition.name]
            live.end()
