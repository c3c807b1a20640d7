"""Codec workers for tests, and a client that does what a visit does with a job."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

from support.sound import programme
from support.stage import KERNELS, frames_of, placed
from talas_stream.media import LADDER, Format, Frame, Packet, Rendition
from talas_stream.stages.govern import STEPS
from talas_stream.visit import Metered, Output
from talas_stream.worker import WorkerJob
from talas_stream.workers import CodecWorkers

OPUS, AAC, MP3 = LADDER["opus"], LADDER["aac"], LADDER["mp3"]
# 44.1 kHz, so that every job has a resampler as well.
FRAMES = frames_of(programme(1.5, 44_100), "mp3", 44_100)
WORK = list(zip(FRAMES, placed(FRAMES), strict=True))
BAD = Frame(b"x", Format("no codec", 48_000, 2), 960)  # type: ignore[arg-type]


class Client:
    """What a visit does with a job."""

    def __init__(self, workers: CodecWorkers, history_ticks: int = 48_000) -> None:
        self.outputs: list[Output] = []
        self.metered: list[Metered] = []
        self.done = 0
        self.job: WorkerJob = workers.job(history_ticks, self._deliver, self._done)

    def _deliver(self, outputs: list[Output | Metered]) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert not self.done, "an output after the end"
        self.outputs += [output for output in outputs if isinstance(output, Output)]
        self.metered += [output for output in outputs if isinstance(output, Metered)]

    def _done(self) -> None:
        self.done += 1

    def packets(self, rendition: Rendition) -> list[Packet]:
        return [p for out in self.outputs if out.rendition == rendition for p in out.packets]

    def configs(self, rendition: Rendition) -> list[bytes]:
        return [
            out.config
            for out in self.outputs
            if out.rendition == rendition and out.config is not None
        ]

    def feed(self, times: int = 1) -> None:
        for frame, packet in WORK * times:
            self.job.feed(frame, packet)


@contextlib.asynccontextmanager
async def working(threads: int = 1) -> AsyncIterator[CodecWorkers]:
    workers = CodecWorkers(threads, asyncio.get_running_loop(), KERNELS)
    try:
        yield workers
    finally:
        workers.stop()


def squeeze(workers: CodecWorkers) -> None:
    """Let the first worker's governor believe that time is short until it has no step left."""
    warden = workers._workers[0]._warden
    while not workers.loads[0].full or workers.loads[0].complexity:
        warden.note(1.0, 1.0, 0.0)


def relax(workers: CodecWorkers) -> None:
    """Let it believe that there is time again."""
    warden = workers._workers[0]._warden
    while workers.loads[0].quantum > STEPS[0].quantum:
        warden.note(0.01, 1.0, 0.0)
