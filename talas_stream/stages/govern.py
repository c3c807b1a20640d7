"""How a codec worker spends a machine that is short: longer quanta first, then simpler coding.

Does:        turn what a worker measured of its quanta into the next quantum and complexity, and say
             whether the worker has room for one more rendition.
Never:       asks a clock or measures anything; the caller brings seconds.
Guarantees:  one step a window; a step back up is taken only after a calm time, and only from a load
             that stays below the step-down mark once its cost is added, so steps do not alternate.

    quantum     20 ms ─ 40 ms ─ 100 ms ─ 100 ms ─ 100 ms
    complexity    10      10      10        5        0       then: no room for new renditions

From / to:   workers.py  ->  here  ->  workers.py
"""

from __future__ import annotations

import msgspec


class Step(msgspec.Struct, frozen=True):
    """A way to work. `quantum` in seconds, `complexity` as libopus counts it; `cost` is roughly the
    work of the same audio here, decoding included, the first step being 1."""

    quantum: float
    complexity: int
    cost: float


STEPS = (
    Step(0.02, 10, 1.0),
    Step(0.04, 10, 0.9),
    Step(0.1, 10, 0.8),
    Step(0.1, 5, 0.68),
    Step(0.1, 0, 0.52),
)
WINDOW_SECONDS = 0.5
CALM_SECONDS = 5.0
BUSY = 0.8
"""Share of the time at work above which the next step down is taken. What is left is for bursts."""
AFTER_RISE = 0.65
"""A step up is taken if the work would fill no more than this share afterwards."""
LATE_SECONDS = 0.03
"""Mean lateness of quanta that counts as being short, even where the worker itself is idle:
somebody else has the processors."""
RENDITION_SHARE = 0.01
"""What one rendition more is expected to cost at first, as a share of a processor at full
complexity."""
PROMISE_WINDOWS = 4
"""After so many windows an admitted rendition shows in the measured load itself."""


def ladder(complexity: int | None) -> tuple[Step, ...]:
    """The steps to go: all, or with one complexity held, those that differ in their quantum."""
    if complexity is None:
        return STEPS
    best = STEPS[0].complexity
    return tuple(
        Step(step.quantum, complexity, step.cost) for step in STEPS if step.complexity == best
    )


class Governor:
    """The governor of one worker. Hold `complexity` to keep it whatever the load."""

    def __init__(self, complexity: int | None = None) -> None:
        self._steps = ladder(complexity)
        self._at = 0
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
        return self._steps[self._at]

    @property
    def full(self) -> bool:
        """Whether one rendition more would be too many, even with every step down taken."""
        least = self._steps[-1].cost
        expected = self.busy * least / self.step.cost
        expected += (sum(self._promised) + 1) * RENDITION_SHARE * least
        short = self._at == len(self._steps) - 1 and self.late > LATE_SECONDS
        return short or expected > BUSY

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
        before = self._at
        self._judge()
        return self._at != before

    def _judge(self) -> None:
        self.busy, self.late = self._work / self._span, self._late / self._quanta
        self._promised = [0, *self._promised[:-1]]
        if self.busy > BUSY or self.late > LATE_SECONDS:
            self._calm = 0.0
            self._at = min(self._at + 1, len(self._steps) - 1)
        elif self._at and self.busy * self._dearer() <= AFTER_RISE:
            self._calm += self._span
            if self._calm >= CALM_SECONDS:
                self._calm = 0.0
                self._at -= 1
        else:
            self._calm = 0.0
        self._work = self._span = self._late = 0.0
        self._quanta = 0

    def _dearer(self) -> float:
        return self._steps[self._at - 1].cost / self.step.cost
