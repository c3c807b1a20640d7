"""Codec threads: their order, their failures, and how many there are."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from itertools import pairwise

import psutil
import pytest
from structlog.testing import capture_logs

from support.sound import programme
from support.stage import frames_of, placed
from support.wait import auntil, until
from talas_stream.media import LADDER, RATE, Format, Frame, Packet, Rendition
from talas_stream.stages.govern import BEST, STEPS
from talas_stream.stages.meter import Meter
from talas_stream.visit import Metered, Output
from talas_stream.workers import CodecWorkers, WorkerJob

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
    workers = CodecWorkers(threads, asyncio.get_running_loop())
    try:
        yield workers
    finally:
        workers.stop()


async def test_packets_arrive_in_order_after_their_config_and_the_end_comes_last() -> None:
    async with working() as workers:
        client = Client(workers)
        for rendition in (OPUS, AAC, MP3):
            client.job.open(rendition, 60 * RATE)
        client.feed()
        client.job.finish()
        client.feed()
        await auntil(lambda: client.done)
    for rendition in (OPUS, AAC, MP3):
        packets = client.packets(rendition)
        assert len(client.configs(rendition)) == 1
        first = next(out for out in client.outputs if out.rendition == rendition)
        assert first.config is not None
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert packets[-1].end >= WORK[-1][1].end
    assert client.configs(OPUS)[0].startswith(b"OpusHead")
    assert client.done == 1


async def test_a_rendition_opened_late_starts_with_the_history_and_a_closed_one_stops() -> None:
    async with working() as workers:
        client = Client(workers)
        client.feed()
        client.job.open(OPUS, 60 * RATE)
        await auntil(lambda: client.packets(OPUS))
        start = client.packets(OPUS)[0].at
        await auntil(lambda: client.packets(OPUS)[-1].end - start > 40_000)
        client.job.close(OPUS)
        client.job.open(AAC, 60 * RATE)
        await auntil(lambda: client.packets(AAC))
        before = len(client.packets(OPUS))
        client.feed()
        client.job.finish()
        await auntil(lambda: client.done)
        assert len(client.packets(OPUS)) == before


async def test_a_job_that_fails_ends_itself_and_nobody_else() -> None:
    async with working(threads=1) as workers:
        bad, good = Client(workers), Client(workers)
        with capture_logs() as logs:
            for client in (bad, good):
                client.job.open(OPUS, 60 * RATE)
            bad.feed()
            bad.job.feed(BAD, Packet(b"x", 0, 960))
            bad.feed()
            good.feed()
            good.job.finish()
            await auntil(lambda: bad.done and good.done)
        assert good.packets(OPUS)[-1].end >= WORK[-1][1].end
        # What was made before the failure still arrives, once, and nothing after it.
        assert bad.packets(OPUS)[-1].end <= WORK[-1][1].end
        assert bad.done == 1
        assert [line["event"] for line in logs] == ["a codec job failed"]
        await workers.check()


async def test_frames_that_could_not_be_decoded_are_told_at_the_end() -> None:
    async with working(threads=1) as workers:
        client = Client(workers)
        with capture_logs() as logs:
            client.job.open(OPUS, 60 * RATE)
            client.feed()
            frame, packet = WORK[-1]
            for number in range(1, 4):
                at = packet.at + number * packet.duration
                broken = Frame(b"", frame.format, frame.samples)
                client.job.feed(broken, Packet(b"", at, packet.duration))
            client.job.finish()
            await auntil(lambda: client.done)
        told = [line for line in logs if line["event"] == "broken frames became silence"]
        assert [line["frames"] for line in told] == [3]
        assert client.packets(OPUS)[-1].end >= packet.end + 3 * packet.duration


async def test_a_new_job_goes_to_the_thread_that_has_fewest() -> None:
    async with working(threads=2) as workers:
        clients = [Client(workers) for _ in range(4)]
        assert sorted(worker.jobs for worker in workers._workers) == [2, 2]
        for client in clients[::2]:
            client.job.finish()
        await auntil(lambda: all(client.done for client in clients[::2]))
        assert sum(worker.jobs for worker in workers._workers) == 2
        Client(workers)
        assert {worker.jobs for worker in workers._workers} in ({1, 2}, {0, 3}, {2, 1})
        assert max(worker.jobs for worker in workers._workers) <= 2


async def test_threads_do_not_grow_with_the_jobs() -> None:
    """Every resampler and every encoder of FFmpeg's would start a pool of its own."""
    process = psutil.Process()
    async with working(threads=2) as workers:
        before = process.num_threads()
        clients = [Client(workers) for _ in range(20)]
        for client in clients:
            client.job.open(OPUS, 60 * RATE)
            client.job.open(AAC, 60 * RATE)
            client.feed()
        await auntil(lambda: all(client.packets(AAC) for client in clients), seconds=60)
        assert process.num_threads() == before


async def test_stopping_while_busy_ends_the_threads_and_drops_the_rest() -> None:
    workers = CodecWorkers(2, asyncio.get_running_loop())
    clients = [Client(workers) for _ in range(4)]
    for client in clients:
        client.job.open(MP3, 60 * RATE)
        client.feed()
    workers.stop()
    assert not any(worker.alive for worker in workers._workers)
    with pytest.raises(RuntimeError, match="2 of 2"):
        await workers.check()
    for client in clients:
        client.feed()


def test_a_loop_that_has_closed_ends_the_thread() -> None:
    loop = asyncio.new_event_loop()
    workers = CodecWorkers(1, loop)
    job = workers.job(48_000, lambda outputs: None, lambda: None)
    loop.close()
    job.open(OPUS, 60 * RATE)
    job.feed(*WORK[0])
    until(lambda: not workers._workers[0].alive)
    workers.stop()


async def test_results_go_out_although_orders_keep_coming() -> None:
    """Under overload the inbox is never empty; the thread hands over all the same."""
    async with working() as workers:
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        worker = workers._workers[0]
        frame, packet = WORK[0]
        endless = True

        def again() -> None:
            if endless:
                worker.submit(client.job, again)

        worker.submit(client.job, again)
        for _ in range(20):
            client.job.feed(frame, packet)
        await auntil(lambda: client.packets(OPUS))
        endless = False


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


async def test_short_of_time_encoders_on_the_air_change_over_without_a_gap() -> None:
    async with working() as workers:
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        client.job.open(AAC, 60 * RATE)
        client.feed()
        encoders = client.job.work.pipeline._encoders
        await auntil(lambda: len(encoders) == 2)
        first = dict(encoders)
        squeeze(workers)
        for frame, packet in WORK[:20]:
            at = packet.at + WORK[-1][1].end
            client.job.feed(frame, Packet(packet.payload, at, packet.duration))
        await auntil(lambda: not any(encoders[name] is first[name] for name in first))
        assert {encoder.care for encoder in encoders.values()} == {STEPS[-1].care}
        await auntil(lambda: workers.loads[0].busy < 0.1)
        relax(workers)
        await auntil(lambda: {encoder.care for encoder in encoders.values()} == {BEST})
        client.job.finish()
        await auntil(lambda: client.done)
    for rendition, held in ((OPUS, 960), (AAC, 2048)):
        packets = client.packets(rendition)
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert packets[-1].end >= WORK[-1][1].end + WORK[19][1].end - held
        assert len(client.configs(rendition)) == 1


async def test_a_full_worker_says_so_and_new_jobs_go_to_another() -> None:
    async with working(threads=2) as workers:
        assert not workers.full
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        squeeze(workers)
        assert client.job.full
        assert not workers.full
        others = [Client(workers) for _ in range(3)]
        assert not any(other.job.full for other in others)
        assert [load.jobs for load in workers.loads] == [1, 3]
        assert [(load.complexity, load.coder) for load in workers.loads] == [
            (0, "fast"), (10, "twoloop"),
        ]  # fmt: skip


async def test_a_worker_that_falls_idle_has_room_again() -> None:
    async with working() as workers:
        squeeze(workers)
        await auntil(lambda: not workers.full)


async def test_a_flood_is_left_out_in_silence_and_told() -> None:
    loop = asyncio.get_running_loop()
    workers = CodecWorkers(1, loop, lead_seconds=0.0)
    try:
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        client.feed()
        await auntil(lambda: client.packets(OPUS))
        with capture_logs() as logs:
            for number, (frame, packet) in enumerate(WORK * 4):
                at = packet.at + (1 + number // len(WORK)) * WORK[-1][1].end
                client.job.feed(frame, Packet(packet.payload, at, packet.duration))
            client.job.finish()
            await auntil(lambda: client.done, seconds=60)
        assert workers.loads[0].shed > 0
        assert "source frames left out" in [line["event"] for line in logs]
        packets = client.packets(OPUS)
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert packets[-1].end >= 5 * WORK[-1][1].end - 2000
    finally:
        workers.stop()


async def test_readings_come_with_the_packets_and_metering_that_fails_ends_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as workers:
        client = Client(workers)
        client.job.meter()
        client.feed()
        await auntil(lambda: client.metered)
        assert client.metered[-1].reading is not None
        assert client.outputs == []
        client.job.open(OPUS, 60 * RATE)
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(Meter, "feed", lambda meter, pcm: 1 / 0)
            client.feed()
            await auntil(lambda: client.metered[-1].reading is None)
        client.feed()
        client.job.finish()
        await auntil(lambda: client.done)
    assert [line["event"] for line in logs] == ["metering failed"]
    assert client.metered[-1].reading is None
    packets = client.packets(OPUS)
    assert all(a.end == b.at for a, b in pairwise(packets))
    assert len(packets) > 150
