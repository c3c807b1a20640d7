"""A codec job as its worker sees it: what waits to be done, and what came of it.

Does:        keep orders in sequence; carry them out by amounts of audio, so that no job's flood or
             history holds up another; leave out the oldest source frames when too much waits; give
             the last reading along with the packets.
Never:       asks a clock, or knows a process.
Guarantees:  what is left out is silence of the same length, so the clock is kept; the history that
             a job starts with is never left out; metering that fails ends alone, with one logged
             event. A job that is let go frees all it has decoded at once, however it ended.
From / to:   worker.py  ->  here  ->  stages.pipeline, stages.meter
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from talas_core.telemetry.logs import logger
from talas_stream.codec.messages import Coded, Metered
from talas_stream.codec.stages.meter import Meter, Reading
from talas_stream.codec.stages.pipeline import Opened, Pipeline
from talas_stream.codec.tools import tools
from talas_stream.kernels import Kernels
from talas_stream.media import RATE, Frame, Packet, Pcm, Rendition

SLICE = RATE // 10
"""Ticks that a job behind does at a time."""

LEAST_TICKS = RATE // 1000
"""What a frame counts for at least: one that is shorter, or of no length, is work all the same."""

DEAREST_BIT_RATE = 25_000_000
"""Bits a second of the richest coding there is, uncompressed doubles at 192 kHz: a frame counts for
the time that its bytes would take at that rate, however short it says it is."""

_Task = tuple[Frame, Packet, int] | int | Callable[["Work"], bool | None]
"""A frame to decode with its place and weight; ticks of silence in place of frames left out; or
something else to do, which is not over while it answers True. It is given the work and does not
hold it: the two would keep each other alive."""

log = logger("codec")


class Work:
    """One job's orders and outputs. At most `backlog_ticks` of source may wait, after the start, as
    `weight` counts them."""

    def __init__(self, history_ticks: int, backlog_ticks: int, kernels: Kernels) -> None:
        self.pipeline = Pipeline(history_ticks, tools(kernels), kernels.limit_planes)
        self._kernels = kernels
        self.outputs: list[Coded | Metered] = []
        self.finished = False
        self._orders: deque[_Task] = deque()
        self._waiting = 0
        self._limit = backlog_ticks
        self._history: int | None = None
        self._meter: Meter | None = None
        self._measures = 0
        self._heard: list[Pcm] = []  # what was decoded and is to be measured
        self._reading: Reading | None = None
        self._ending = False

    @property
    def behind(self) -> bool:
        """Whether anything waits."""
        return not self.finished and (bool(self._orders) or self.pipeline.catching_up)

    @property
    def starting(self) -> bool:
        """Whether it is still at history: its own, or that of a rendition."""
        return bool(self._history) or self.pipeline.catching_up

    def feed(self, frame: Frame, packet: Packet) -> None:
        """To be done: decode `frame`, which stands at `packet`."""
        if self._ending:
            return
        ticks = weight(packet)
        self._waiting += ticks
        self._orders.append((frame, packet, ticks))

    def open(self, rendition: Rendition, ticks: int, resume: int | None = None) -> None:
        """To be done: encode `rendition`, the last `ticks` of the history first, or from `resume`
        on."""
        self._past_history()
        self._orders.append(lambda work: work.pipeline.begin(rendition, ticks, resume))

    def close(self, rendition: Rendition) -> None:
        """To be done: encode `rendition` no more."""
        self._orders.append(lambda work: work.pipeline.close(rendition))

    def meter(self) -> None:
        """To be done: measure from here on."""
        self._past_history()
        self._orders.append(Work._start_meter)

    def finish(self) -> None:
        """To be done: flush everything. Nothing is taken up afterwards."""
        self._ending = True
        self._orders.append(Work._finish)

    def run(self, ticks: int, enough: Callable[[], bool] = lambda: False) -> None:
        """Carry out orders up to about so much audio, or until it is `enough`; one at least."""
        while self._orders and ticks > 0 and not self.finished:
            order = self._orders.popleft()
            if isinstance(order, tuple):
                frame, packet, weighs = order
                ticks -= weighs
                self._gone(weighs)
                self._add(self.pipeline.feed(frame, packet))
                self._measure()
            elif isinstance(order, int):
                self.pipeline.skip(order)
            elif order(self):
                self._orders.appendleft(order)
            if enough():
                return

    def catch_up(self, enough: Callable[[], bool] = lambda: False) -> None:
        """A slice: of the history that renditions begun have to code, then of what `run` left."""
        if self.pipeline.catching_up:
            self._opened(self.pipeline.advance(SLICE))
        else:
            self.run(SLICE, enough)

    def shed(self) -> int:
        """Leave out the oldest frames if more than allowed waits; how many.

        Half of the allowance goes at once: one silence is better than a stutter.
        """
        if self._history is None or self._waiting - self._history <= self._limit:
            return 0
        kept: list[_Task] = []
        history, count = self._history, 0
        while self._waiting - self._history > self._limit // 2:
            order = self._orders.popleft()
            if isinstance(order, tuple):
                _, packet, weighs = order
                if history > 0:
                    history -= weighs
                else:
                    self._waiting -= weighs
                    count += 1
                    # One silence for all that follow each other: they may be many.
                    order = packet.duration
                    if kept and isinstance(before := kept[-1], int):
                        order += before
                        kept.pop()
            kept.append(order)
        self._orders.extendleft(reversed(kept))
        return count

    def taken(self) -> list[Coded | Metered]:
        """What was made since the last call."""
        if self._meter is not None and self._meter.reading is not self._reading:
            self._reading = self._meter.reading
            self.outputs.append(Metered(self._reading, self._measures))
        made, self.outputs = self.outputs, []
        return made

    def _past_history(self) -> None:
        """What was fed before the first order is history."""
        if self._history is None:
            self._history = self._waiting

    def _start_meter(self) -> None:
        self._meter = Meter(self._kernels.loudness_steps)
        self._measures += 1
        # A list's method, not one of ours: the pipeline is not to hold the work that holds it.
        self.pipeline.tap = self._heard.extend

    def _measure(self) -> None:
        if self._meter is None:
            return
        try:
            for pcm in self._heard:
                self._meter.feed(pcm)
        except Exception:
            log.exception("metering failed")
            self._meter = self.pipeline.tap = None
            self.outputs.append(Metered(None, self._measures))
        self._heard.clear()

    def _gone(self, ticks: int) -> None:
        self._waiting -= ticks
        if self._history:
            self._history = max(0, self._history - ticks)

    def _finish(self) -> bool:
        if self.pipeline.catching_up:
            self._opened(self.pipeline.advance(SLICE))
            return True
        self._add(self.pipeline.flush())
        self.finished = True
        return False

    def _opened(self, opened: list[Opened]) -> None:
        self.outputs += [Coded(new.rendition, new.packets, new.config) for new in opened]

    def _add(self, made: dict[Rendition, list[Packet]]) -> None:
        self.outputs += [Coded(name, packets) for name, packets in made.items() if packets]


def weight(packet: Packet) -> int:
    """The ticks that a source's packet counts for."""
    return max(packet.duration, LEAST_TICKS, len(packet.payload) * 8 * RATE // DEAREST_BIT_RATE)
