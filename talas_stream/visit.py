"""One source's visit to a station: from its first frame to its last.

Does:        place frames on the timeline; keep the last of them; pass them on to the rendition that
             is coded alike; have the others made, each only while somebody listens.
Never:       knows where the source or a listener is connected, or how a rendition is made.
Guarantees:  a listener of any rendition starts with the last seconds that the source sent.
From / to:   sources  ->  here  ->  coding.py, output.py
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable

from talas_core.errors import Unavailable
from talas_stream.coding import Codecs, Coding
from talas_stream.delivery import Delivery
from talas_stream.feed import Feed, Listener
from talas_stream.kernels import Kernels
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet, Rendition
from talas_stream.output import Output
from talas_stream.sizes import Sizes
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


class Visit:
    """What one source sends, and who hears it. `start` in ticks of the station's media time;
    `renditions` are those to be ready for: enough is kept to fill the longest burst of theirs.
    `now` is the clock, in seconds, that `tidy` is told the time of."""

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
        now: Callable[[], float],
    ) -> None:
        self._timeline = Timeline(start)
        self._name = name
        self._title = title
        self._kernels = kernels
        self._sizes = sizes
        self._live: dict[str, Output] = {}
        self._history: deque[tuple[Frame, Packet]] = deque()
        self._history_bytes = 0
        self._history_runs: deque[int] = deque()  # frames of each format in turn
        self._format: Format | None = None
        self._history_ticks = max(map(sizes.history_ticks, renditions), default=0)
        self._coding = Coding(
            name, codecs, sizes, self._history_ticks,
            kept=self._history, ended=_ended_in(self._live), now=now,
        )  # fmt: skip
        self.through: Rendition | None = None
        """The rendition that the source's own packets make; None before its first frame, and where
        there is none."""

    @property
    def reading(self) -> Reading | None:
        """What was measured last; None where nothing is."""
        return self._coding.reading

    @property
    def bit_rate(self) -> int:
        """What the source's packets come to, in kbit/s, over what is kept of them."""
        ticks = self.end_at - self._history[0][1].at if self._history else 0
        return round(self._history_bytes * 8 * RATE / ticks / 1000) if ticks > 0 else 0

    @property
    def end_at(self) -> int:
        """Media time right after the last frame."""
        return self._timeline.end

    @property
    def live(self) -> list[Output]:
        """The renditions in use."""
        return list(self._live.values())

    @property
    def listeners(self) -> int:
        """Listeners now."""
        return sum(live.listeners for live in self._live.values())

    def accept(self, frames: list[Frame]) -> None:
        """Take what the source sent, in order."""
        if self._format is None:
            self._coding.measure()
        packets = []
        for frame in frames:
            packet = self._timeline.place(frame)
            self._remember(frame, packet)
            packets.append(packet)
            self._coding.feed(frame, packet)
        if self.through is not None and self.through.name in self._live:
            self._live[self.through.name].push(packets)
        if frames and frames[-1].format is not self._format:
            self._format = frames[-1].format
            codec = self._format.codec
            self.through = LADDER[codec] if isinstance(codec, Codec) else None

    def admit(self, rendition: Rendition) -> None:
        """Raises Unavailable where `rendition` would have to be encoded and nobody has time for it,
        or that has failed again and again.
        What is on the air already, or needs no encoder, is never refused."""
        if rendition.name in self._live or rendition is self.through:
            return
        if self._coding.failing:
            raise Unavailable(f"{rendition.name} cannot be encoded", retry_after=30)
        if self._coding.full:
            raise Unavailable(f"no time left to encode {rendition.name}", retry_after=10)

    def join(
        self,
        listener: Listener,
        rendition: Rendition,
        delivery: Delivery,
        joined: Callable[[Feed], None],
    ) -> Output:
        """Let a listener in; `joined` is told his feed. The visit must have had a frame.

        Raises Unavailable as `admit` does.
        """
        self.admit(rendition)
        live = self._live.get(rendition.name)
        if live is None:
            live = self._live[rendition.name] = self._open(rendition)
        live.join(listener, delivery, joined)
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
                self._coding.close(live)
        self._coding.tidy(now)

    def end(self) -> None:
        """The source has gone: send what is left, then end every listener."""
        through = self._live.pop(self.through.name, None) if self.through else None
        if through is not None:
            through.end()
        self._coding.finish()

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

    def _open(self, rendition: Rendition) -> Output:
        live = Output(rendition, self._kernels, self._sizes, self._name, secrets.randbits(32))
        live.retitle(self._title)
        if rendition is self.through:
            live.ready(self._history[-1][0].format.config)
            live.push([packet for _, packet in self._history])
        else:
            self._coding.open(live)
        return live


def _ended_in(lives: dict[str, Output]) -> Callable[[Output], None]:
    """What ends a rendition of `lives` that is encoded. It knows nothing of the visit, which would
    otherwise be kept, and its history with it, until the garbage collector looks for cycles."""

    def ended(live: Output) -> None:
        if lives.pop(live.rendition.name, None) is live:
            live.end()

    return ended
