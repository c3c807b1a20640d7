"""How a codec worker spends a machine that is short: longer quanta first, then simpler coding.

Does:        turn what a worker measured of its quanta into the next quantum and effort, and say
             whether the worker has room for one more rendition.
Never:       asks a clock or measures anything; the caller brings seconds.
Guarantees:  one step a window; a step back up is taken only after a calm time, and only from a load
             that stays below the step-down mark once its cost is added, so steps do not alternate.

    quantum        6 ms ─── 20 ms ─── 50 ms ─── 50 ms ─── 50 ms
    complexity      10        10        10         5         0      then: no room

A source's frames are longer than an Opus packet, so that some packets are complete 20 ms after
others anyway: what the first quantum adds to that is to be little. It is not nothing, since a
worker that wakes for each single frame of a few stations spends a third of its time on waking.

From / to:   codec.worker  ->  here  ->  codec.worker, stages.encode
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from talas_stream.media import Codec


class Effort(msgspec.Struct, frozen=True):
    """How much work goes into coding: libopus's complexity, 0 to 10. The other encoders have
    nothing that is worth a change."""

    complexity: int = 10


BEST = Effort()


class Mix(msgspec.Struct, frozen=True):
    """What a worker codes: how many sources, into how many renditions of each coding."""

    sources: int
    renditions: Mapping[Codec, int]


TYPICAL = Mix(1, {Codec.OPUS: 1, Codec.AAC: 1})

# Percents of one processor, measured on music as benchmarks/test_encoders.py does.
SOURCE_COST = 0.2
OPUS_COST = {10: 0.57, 5: 0.47, 0: 0.25}
COSTS: Mapping[Codec, float] = {Codec.AAC: 0.24, Codec.MP3: 3.6, Codec.FLAC: 0.21}
COSTS_WITHOUT_NATIVE: Mapping[Codec, float] = {**COSTS, Codec.AAC: 2.2}
"""FFmpeg's AAC encoder takes so much."""

LOADED = 1.45
"""Times that, where every processor is at work: two of them are often the halves of one core, and
caches are full of the others' data."""


class Step(msgspec.Struct, frozen=True):
    """A way to work. `quantum` in seconds; `thrift` is the work that longer quanta leave of the
    same audio, those of the first being 1."""

    quantum: float
    thrift: float
    effort: Effort

    def cost(self, mix: Mix, costs: Mapping[Codec, float]) -> float:
        """What `mix` costs this way, in percent of a processor; `costs` are those of the codings
        that have no complexity."""
        known = max(level for level in OPUS_COST if level <= self.effort.complexity)
        each = {Codec.OPUS: OPUS_COST[known], **costs}
        coding = sum(each[codec] * number for codec, number in mix.renditions.items())
        return self.thrift * (mix.sources * SOURCE_COST + coding)


STEPS = (
    Step(0.006, 1.0, BEST),
    Step(0.02, 0.97, BEST),
    Step(0.05, 0.92, BEST),
    Step(0.05, 0.92, Effort(5)),
    Step(0.05, 0.92, Effort(0)),
)
WINDOW_SECONDS = 0.5
CALM_SECONDS = 5.0
BUSY = 0.85
"""Share of the time at work above which the next step down is taken. What is left is for bursts."""
AFTER_RISE = 0.5
"""A step up is taken if the work would fill no more than this share afterwards. By the clock, work
takes longer the fuller the machine is, so what it would fill is told too low."""
LATE_SECONDS = 0.03
"""Mean lateness of quanta that counts as being short, even where the worker itself is idle:
another process has the processors."""
PROMISE_WINDOWS = 4
"""After so many windows an admitted rendition shows in the measured load itself."""


def ladder(complexity: int | None) -> tuple[Step, ...]:
    """The steps to go: all, or with Opus's complexity held, the first alone. Longer quanta make
    room for the loop; measured, a worker has none of it."""
    return STEPS if complexity is None else (Step(STEPS[0].quantum, 1.0, Effort(complexity)),)


class Governor:
    """The governor of one worker. With `complexity` held it only watches, and says when there is no
    room; `mix` tells what is coded when it is asked, `costs` what codings without a complexity
    take."""

    def __init__(
        self,
        complexity: int | None = None,
        mix: Callable[[], Mix] = lambda: TYPICAL,
        costs: Mapping[Codec, float] = COSTS,
    ) -> None:
        self._steps = ladder(complexity)
        self._costs = costs
        self.at = 0
        """Steps taken down."""
        self._ask = mix
        self._mix = TYPICAL
        self._work = self._span = self._late = self._calm = 0.0
        self._quanta = 0
        self._promised = [0] * PROMISE_WINDOWS
        self.busy = 0.0
        """Share of the last window spent at work."""
        self.late = 0.0
        """Mean lateness of the last window's quanta, in seconds."""

    @property
    def step(self) -> Step:
        """How to work now."""
        return self._steps[self.at]

    @property
    def room(self) -> int:
        """How many renditions more there is time for, with every step down taken."""
        least = self._steps[-1]
        if self.at == len(self._steps) - 1 and self.late > LATE_SECONDS:
            return 0
        coding = least.cost(Mix(0, TYPICAL.renditions), self._costs) / 100
        one = LOADED * coding / len(TYPICAL.renditions)
        spare = BUSY - self.busy * self._dearer(least)
        return max(0, int(spare / one) - sum(self._promised))

    def admit(self) -> None:
        """A rendition was let in: count it until it can be seen in the load."""
        self._promised[0] += 1

    def note(self, work: float, span: float, late: float) -> bool:
        """One quantum: `work` seconds of a `span`, ended `late` seconds after its time.

        True when the step has changed.
        """
        self._work += work
        self._span += span
        self._late += late
        self._quanta += 1
        if self._span < WINDOW_SECONDS:
            return False
        before = self.at
        self._judge()
        return self.at != before

    def _judge(self) -> None:
        self.busy, self.late = self._work / self._span, self._late / self._quanta
        self._promised = [0, *self._promised[:-1]]
        mix = self._ask()
        self._mix = mix if mix.sources else TYPICAL
        if self.busy > BUSY or self.late > LATE_SECONDS:
            self._calm = 0.0
            self.at = min(self.at + 1, len(self._steps) - 1)
        elif self.at and self.busy * self._dearer(self._steps[self.at - 1]) <= AFTER_RISE:
            self._calm += self._span
            if self._calm >= CALM_SECONDS:
                self._calm = 0.0
                self.at -= 1
        else:
            self._calm = 0.0
        self._work = self._span = self._late = 0.0
        self._quanta = 0

    def _dearer(self, step: Step) -> float:
        """How many times the work of now the same would be at `step`."""
        return step.cost(self._mix, self._costs) / self.step.cost(self._mix, self._costs)
