"""Codec workers: how many there are, who gets what, and how they end."""

import psutil
import pytest

from support.codec import AAC, MP3, OPUS, Client, squeeze, working
from support.wait import auntil
from talas_stream.codec import workers as pool
from talas_stream.codec.workers import FEW_JOBS
from talas_stream.media import RATE


async def test_few_jobs_share_one_worker() -> None:
    async with working(2) as (workers, _):
        for _ in range(FEW_JOBS):
            Client(workers)
        assert workers.jobs == [FEW_JOBS, 0]
        for _ in range(FEW_JOBS):
            Client(workers)
        assert workers.jobs == [FEW_JOBS, FEW_JOBS]


async def test_new_job_goes_to_the_worker_that_has_fewest_where_none_has_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "FEW_JOBS", 0)
    async with working(2) as (workers, _):
        clients = [Client(workers) for _ in range(4)]
        assert workers.jobs == [2, 2]
        for client in clients[::2]:
            client.job.finish()
        await auntil(lambda: all(client.done for client in clients[::2]))
        assert sum(workers.jobs) == 2
        Client(workers)
        assert sorted(workers.jobs) in ([1, 2], [0, 3])
        assert max(workers.jobs) <= 2


async def test_threads_do_not_grow_with_the_jobs() -> None:
    """Every resampler and every encoder of FFmpeg's would start a pool of its own."""
    process = psutil.Process()
    async with working(2) as (workers, _):
        before = process.num_threads()
        clients = [Client(workers) for _ in range(20)]
        for client in clients:
            client.job.open(OPUS, 60 * RATE)
            client.job.open(AAC, 60 * RATE)
            client.feed()
        await auntil(lambda: all(client.packets(AAC) for client in clients))
        assert process.num_threads() == before


async def test_stopping_while_busy_ends_the_workers_and_drops_the_rest() -> None:
    async with working(2) as (workers, threads):
        clients = [Client(workers) for _ in range(4)]
        for client in clients:
            client.job.open(MP3, 60 * RATE)
            client.feed()
        await workers.check()
        workers.stop()
        threads.join()
        with pytest.raises(RuntimeError, match="2 of 2"):
            await workers.check()
        for client in clients:
            client.feed()


async def test_a_full_worker_says_so_and_new_jobs_go_to_another() -> None:
    async with working(2) as (workers, threads):
        assert not workers.full
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        squeeze(threads)
        await auntil(lambda: client.job.full)
        assert not workers.full
        others = [Client(workers) for _ in range(3)]
        assert not any(other.job.full for other in others)
        assert workers.jobs == [1, 3]
        assert [load.complexity for load in workers.loads] == [0, 10]
