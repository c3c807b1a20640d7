"""A station's codec work: the outputs that no source's own packets make, and its loudness.

Does:        have a job with a codec worker while something is to be made; feed it, and pass on what
             it makes; where the job is lost, begin another under the same listeners.
Never:       knows which process encodes, or decides who is let in.
Guarantees:  after a lost job a rendition goes on where its last packet ended: nothing comes twice,
             the clock is exact, and what is kept no more is silence. A programme whose job
             fails again and again is given up, and its encoded listeners end: it would take others
             with it each time. Nothing is begun while that is so, nor encoded where there is no
             room: listeners wait, and after a while they end.

    job lost ──> room elsewhere ──────────────> another, fed with the history
             ├─> none yet: asked every tidy ──> another; after a while, the end
             └─> failed too often ────────────> the end, and nobody let in for a while

From / to:   outputs.py  ->  here  ->  output.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from talas_core.telemetry.logs import logger
from talas_stream.codec.messages import Coded, Metered
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import Frame, Packet, Rendition
from talas_stream.output.output import Output
from talas_stream.output.sizes import Sizes

AGAIN_SECONDS = 60.0
"""Before a programme is measured again whose codec job was lost and that nobody hears encoded; and
then once there is room."""

MOST_FAILURES = 3
FAILURES_SECONDS = 60.0
"""Jobs that may fail, or be what their worker was at when it died, in so long a time."""

PATIENCE_SECONDS = 10.0
"""So long may encoded listeners wait for a worker that has room."""

_FAILING = "its codec jobs fail"

log = logger("codec")


class Job(Protocol):
    """A station's codec work, in some other process. Orders are carried out in sequence."""

    @property
    def full(self) -> bool:
        """Whether there is no room to open a rendition more."""
        ...

    def feed(self, frame: Frame, packet: Packet) -> None: ...
    def open(self, rendition: Rendition, ticks: int, resume: int | None = None) -> None:
        """Encode it from now on, the last `ticks` of what was fed first; with `resume`, what
        follows on packets that an output has already, which end there."""
        ...

    def close(self, rendition: Rendition) -> None: ...
    def meter(self) -> None:
        """Measure what is fed from now on."""
        ...

    def finish(self) -> None:
        """Flush everything; the last output is followed by `done`."""
        ...


class Codecs(Protocol):
    """Where jobs are to be had. Both callbacks come on the loop; `done` is told whether the job was
    lost for no fault of its own."""

    @property
    def metering(self) -> bool:
        """Whether every source is to be measured from its first frame to its last."""
        ...

    @property
    def full(self) -> bool:
        """Whether there is no room for a job more."""
        ...

    def job(
        self,
        history_ticks: int,
        deliver: Callable[[list[Coded | Metered]], None],
        done: Callable[[bool], None],
    ) -> Job: ...


class Coding:
    """The codec work of the programme `name`, whatever input is on. `history_ticks` of what was
    decoded are kept for newcomers; `kept` is what a job begins with, as it stands then; `ended` is
    told the outputs that end; `now` is the clock, in seconds, that `tidy` is told the time of."""

    def __init__(
        self,
        name: str,
        codecs: Codecs,
        sizes: Sizes,
        history_ticks: int,
        *,
        kept: Iterable[tuple[Frame, Packet]],
        ended: Callable[[Output], None],
        now: Callable[[], float],
    ) -> None:
        self._name = name
        self._codecs = codecs
        self._sizes = sizes
        self._history_ticks = history_ticks
        self._kept = kept
        self._tell_ended = ended
        self._now = now
        self._lives: dict[str, Output] = {}
        # Of those, the names of what the job was told to make.
        self._ordered: set[str] = set()
        self._job: Job | None = None
        self._jobs = 0
        self._failures: list[float] = []
        self._waits_since: float | None = None
        self._unmeasured_since: float | None = None
        self._finished = False
        self.reading: Reading | None = None
        """What was measured last; None where nothing is."""

    @property
    def full(self) -> bool:
        """Whether there is no room for a rendition more."""
        room = self._job if self._job is not None and self._ordered else self._codecs
        return room.full

    @property
    def failing(self) -> bool:
        """Whether jobs for this programme have failed too often to try another."""
        return len(self._recent_failures()) >= MOST_FAILURES

    def makes(self, live: Output) -> bool:
        """Whether a job is making it."""
        name = live.rendition.name
        return self._lives.get(name) is live and name in self._ordered

    def feed(self, frame: Frame, packet: Packet) -> None:
        """What the input sent."""
        if self._job is not None:
            self._job.feed(frame, packet)

    def measure(self) -> None:
        """Measure anew from now on, if that is wanted and the programme's jobs do not fail."""
        self.reading = None
        if not self._codecs.metering:
            return
        if self._job is not None:
            self._job.meter()
        elif not self.failing and not (self._lives and self._codecs.full):
            self._start()

    def open(self, live: Output) -> None:
        """Make a rendition, as soon as there is room for it."""
        self._lives[live.rendition.name] = live
        self._make_missing()

    def close(self, live: Output) -> None:
        """Make it no more; one that is not made here is ignored."""
        name = live.rendition.name
        self._lives.pop(name, None)
        if name in self._ordered and self._job is not None:
            self._ordered.discard(name)
            self._job.close(live.coding)

    def tidy(self, now: float) -> None:
        """Let go of a job that nobody needs, and find another for who has lost theirs."""
        if self._job is not None and not self._lives and not self._codecs.metering:
            self._stop()
        self._find_room(now)
        self._measure_again(now)

    def finish(self) -> None:
        """Nothing more comes: the outputs end when what is left of it is coded."""
        self._finished = True
        if self._job is not None:
            self._end(self._missing)
            self._job.finish()
        else:
            self._end(self._lives)

    def _start(self) -> None:
        """A job, fed with what is kept of the source, for every rendition there is."""
        self._jobs += 1
        number = self._jobs
        job = self._job = self._codecs.job(
            self._history_ticks,
            lambda outputs: self._deliver(number, outputs),
            lambda lost: self._done(number, lost),
        )
        for frame, packet in self._kept:
            job.feed(frame, packet)
        if self._codecs.metering:
            job.meter()
        for live in self._lives.values():
            self._order(job, live)

    def _order(self, job: Job, live: Output) -> None:
        ticks = self._sizes.history_ticks(live.rendition)
        self._ordered.add(live.rendition.name)
        job.open(live.coding, ticks, live.end_at)

    def _stop(self) -> None:
        if self._job is not None:
            self._job.finish()
            self._job = None
            self._ordered.clear()
            # What the stopped job still delivers is nobody's: its number is no longer current.
            self._jobs += 1

    def _deliver(self, number: int, outputs: list[Coded | Metered]) -> None:
        if number != self._jobs:
            return
        for output in outputs:
            if isinstance(output, Metered):
                self.reading = output.reading
                continue
            live = self._lives.get(output.rendition.name)
            if live is None:
                continue
            if output.config is not None:
                live.ready(output.config)
            live.push(output.packets)

    def _done(self, number: int, lost: bool) -> None:
        """The job has ended: as asked at the end, because it failed, or with its worker."""
        if number != self._jobs:
            return
        self._job = self.reading = None
        self._ordered.clear()
        if self._finished:
            self._end(self._lives)
            return
        if not lost:
            self._failures = [*self._recent_failures(), self._now()]
        if self.failing:
            self._end(self._lives, _FAILING)
        else:
            self._make_missing()

    def _recent_failures(self) -> list[float]:
        since = self._now() - FAILURES_SECONDS
        return [at for at in self._failures if at > since]

    def _end(self, names: Iterable[str], reason: str = "") -> None:
        """Renditions end, as asked or for a reason that is no good news."""
        ending = [self._lives.pop(name) for name in tuple(names)]
        if ending and reason:
            log.error("a programme is encoded no more", programme=self._name, reason=reason)
        for live in ending:
            self._tell_ended(live)

    @property
    def _missing(self) -> list[str]:
        """The renditions that no job makes."""
        return [name for name in self._lives if name not in self._ordered]

    def _make_missing(self) -> None:
        """Have them made, where there is room and jobs do not fail."""
        if self._finished or self.failing or not self._missing:
            return
        if not self._ordered and not self._codecs.full and (self._job is None or self._job.full):
            # One that only measures gives way to one where there is room.
            self._stop()
            self._start()
        for name in self._missing:
            if self._job is not None and not self._job.full:
                self._order(self._job, self._lives[name])

    def _find_room(self, now: float) -> None:
        """Room for those who listen to what is not made, or their end where none is to be had."""
        self._make_missing()
        if not self._missing:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = now
        elif now - self._waits_since >= PATIENCE_SECONDS:
            self._end(self._missing, _FAILING if self.failing else "no codec worker has room")

    def _measure_again(self, now: float) -> None:
        """Some time after the job was lost: at once, it might be lost for the same reason, and a
        worker's other stations with it."""
        if self._job is not None or self._finished or not self._jobs:
            self._unmeasured_since = None
        elif self._unmeasured_since is None:
            self._unmeasured_since = now
        elif now - self._unmeasured_since >= AGAIN_SECONDS and not self._codecs.full:
            self._unmeasured_since = None
            self.measure()
