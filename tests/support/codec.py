"""Codec workers for tests, in threads of this process, and a client that does what a station does
with a job."""

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator

from support.sound import programme
from support.stage import frames_of, placed
from support.wait import PATIENCE
from talas_stream.codec.job import LinkedJob
from talas_stream.codec.mark import Mark
from talas_stream.codec.messages import Begin, Coded, Metered
from talas_stream.codec.stages.govern import STEPS
from talas_stream.codec.worker import Worker
from talas_stream.codec.workers import CodecWorkers
from talas_stream.media import LADDER, Format, Frame, Packet, Rendition, SourceCodec

OPUS, AAC, MP3 = LADDER["opus"], LADDER["aac"], LADDER["mp3"]
LOW = LADDER["32.opus"]
# 44.1 kHz, so that every job has a resampler as well.
FRAMES = frames_of(programme(1.5, 44_100), "mp3", 44_100)
WORK = list(zip(FRAMES, placed(FRAMES), strict=True))
BAD = Frame(bytes(8), Format(SourceCodec.PCM_S16, 0, 2), 960)
"""No parser lets a rate of nothing through: coding it fails."""


class Threads:
    """Starts workers that a test can look into. They log as the test does, not to their link."""

    def __init__(self) -> None:
        self.workers: list[Worker] = []
        self.running: list[threading.Thread] = []

    def launch(self, begin: Begin, mark: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        worker = Worker(theirs, begin, deque(), Mark(mark))
        thread = threading.Thread(target=_run, args=(worker, theirs), daemon=True)
        self.workers.append(worker)
        self.running.append(thread)
        thread.start()
        return ours

    def join(self) -> None:
        """Wait until all have seen that nobody needs them."""
        for thread in self.running:
            thread.join(timeout=PATIENCE)
            assert not thread.is_alive()


def _run(worker: Worker, link: socket.socket) -> None:
    """As a process would, which closes its end as it ends."""
    with link:
        worker.run()


class Client:
    """What a station does with a job."""

    def __init__(self, workers: CodecWorkers, history_ticks: int = 48_000) -> None:
        self.outputs: list[Coded] = []
        self.metered: list[Metered] = []
        self.done = 0
        self.lost = 0
        self.job: LinkedJob = workers.job(history_ticks, self._deliver, self._done)

    def _deliver(self, outputs: list[Coded | Metered]) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert not self.done, "an output after the end"
        self.outputs += [output for output in outputs if isinstance(output, Coded)]
        self.metered += [output for output in outputs if isinstance(output, Metered)]

    def _done(self, lost: bool) -> None:
        self.done += 1
        self.lost += lost

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
async def working(number: int = 1, **options: float) -> AsyncIterator[tuple[CodecWorkers, Threads]]:
    threads = Threads()
    workers = CodecWorkers(number, asyncio.get_running_loop(), threads.launch, **options)
    try:
        yield workers, threads
    finally:
        workers.stop()
        threads.join()


def squeeze(threads: Threads) -> None:
    """Let the first worker's governor believe that time is short until it has no step left."""
    governor = threads.workers[0].governor
    while governor.load.room or governor.load.complexity:
        governor.note(1.0, 1.0, 0.0)


def relax(threads: Threads) -> None:
    """Let it believe that there is time again."""
    governor = threads.workers[0].governor
    while governor.load.quantum > STEPS[0].quantum:
        governor.note(0.01, 1.0, 0.0)
