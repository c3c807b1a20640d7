"""Codec threads: how many there are, who gets what, and how they end."""

import asyncio

import psutil
import pytest

from support.codec import AAC, MP3, OPUS, WORK, Client, squeeze, working
from support.stage import KERNELS
from support.wait import auntil, until
from talas_stream.media import RATE
from talas_stream.workers import CodecWorkers


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
    workers = CodecWorkers(2, asyncio.get_running_loop(), KERNELS)
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
    workers = CodecWorkers(1, loop, KERNELS)
    job = workers.job(48_000, lambda outputs: None, lambda: None)
    loop.close()
    job.open(OPUS, 60 * RATE)
    job.feed(*WORK[0])
    until(lambda: not workers._workers[0].alive)
    workers.stop()


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
