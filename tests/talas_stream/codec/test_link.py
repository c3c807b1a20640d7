"""The loop's side of a codec worker, with a worker at the other end that only reads and answers."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from structlog.testing import capture_logs

from support.codec import OPUS, WORK
from support.wait import PATIENCE, auntil
from talas_core.supervisor import backoff
from talas_stream.codec import growth
from talas_stream.codec import link as linking
from talas_stream.codec.growth import BUSY_FACTOR, SPARE_BYTES
from talas_stream.codec.job import LinkedJob
from talas_stream.codec.link import FULL_WAITING, MOST_WAITING, Link
from talas_stream.codec.load import Load
from talas_stream.codec.mark import Mark
from talas_stream.codec.messages import (
    MOST_ORDERS_BYTES,
    MOST_REPORT_BYTES,
    Begin,
    Change,
    Close,
    Coded,
    Feed,
    Finish,
    Measure,
    Metered,
    Open,
    Order,
    Report,
    Result,
    Said,
    Take,
    Unpacker,
    pack,
)
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import Packet
from talas_stream.station.input_history import MAX_HISTORY_BYTES

LOAD = Load(0.0, 0.0, 0.005, 10, 2, 0, 0)
OUTPUT = Coded(OPUS, [Packet(b"sound", 0, 960)], b"head")
BACKWARDS = [Packet(b"late", -960, 960)]
NO_READING = Reading(math.inf, None, None, None, None, 0.0)
NESTED = pack(Report([], LOAD, 0, [Said("info", "an event", {"fact": None})])).replace(
    b"\xc0", b"\x91" * 100_000 + b"\xc0"
)
NESTED = (len(NESTED) - 4).to_bytes(4, "little") + NESTED[4:]


class Other:
    """The other end: workers that do nothing of themselves."""

    def __init__(self) -> None:
        self.started: list[socket.socket] = []
        self.marks: list[Mark] = []
        self.refuses = 0

    def launch(self, begin: Begin, mark: int) -> socket.socket:
        if self.refuses:
            self.refuses -= 1
            raise OSError("no more processes")
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.started.append(theirs)
        self.marks.append(Mark(mark))
        self._unpacker = Unpacker(list[Order], MOST_ORDERS_BYTES)
        return ours

    async def batches(self, until: Callable[[list[Order]], bool]) -> list[list[Order]]:
        """What comes in, up to the batch that satisfies."""
        loop = asyncio.get_running_loop()
        batches: list[list[Order]] = []
        async with asyncio.timeout(PATIENCE):
            while not batches or not until(batches[-1]):
                data = await loop.sock_recv(self.started[-1], 1 << 16)
                batches += self._unpacker.feed(data)
        return batches

    def report(self, *results: Result, load: Load = LOAD, opened: int = 0, **said: Said) -> None:
        self.started[-1].send(pack(Report(list(results), load, opened, list(said.values()))))


@pytest.fixture
async def other(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Other]:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    other = Other()
    yield other
    for end in other.started:
        end.close()


def linked(other: Other) -> Link:
    return Link(asyncio.get_running_loop(), Begin(0, None, "auto"), LOAD, other.launch)


async def test_the_calls_of_one_turn_are_one_batch_in_order(other: Other) -> None:
    link = linked(other)
    job = link.job(5, 6, lambda outputs: None, lambda lost: None)
    frame, packet = WORK[0]
    job.meter()
    job.feed(frame, packet)
    job.feed(*WORK[1])
    job.open(OPUS, 7)
    job.close(OPUS)
    job.finish()
    (batch,) = await other.batches(bool)
    feed = Feed(1, frame.payload, frame.samples, packet.at, packet.duration)
    change = Change.to(1, frame.format)
    assert [batch[0], *batch[1:4]] == [Take(1, 5, 6), Measure(1), change, feed]
    assert batch[5:] == [Open(1, OPUS, 7), Close(1, OPUS), Finish(1)]
    link.stop()
    assert await asyncio.get_running_loop().sock_recv(other.started[0], 9) == b""


async def test_results_reach_their_job_and_the_end_comes_once(other: Other) -> None:
    link = linked(other)
    heard: list[object] = []
    job = link.job(0, 0, heard.extend, lambda lost: heard.append("done"))
    job.open(OPUS, 0)
    link.job(0, 0, lambda outputs: pytest.fail("not mine"), lambda lost: None)
    other.report(Result(1, [OUTPUT], True), Result(1, [OUTPUT], True), Result(99, [], True))
    await auntil(lambda: heard)
    assert heard == [OUTPUT, "done"]
    assert link.jobs == 1
    link.stop()


async def test_number_at_a_dead_worker_s_mark_that_is_no_job_of_its_own_blames_nobody(
    other: Other,
) -> None:
    link = linked(other)
    lost: list[bool] = []
    link.job(0, 0, lambda outputs: None, lost.append)
    other.marks[0].job = (1 << 64) - 1
    with capture_logs():
        other.started[0].close()
        await auntil(lambda: lost)
    assert lost == [True]
    link.stop()


async def test_line_that_a_worker_says_is_logged_by_the_service(other: Other) -> None:
    link = linked(other)
    with capture_logs() as logs:
        other.report(said=Said("warning", "source frames left out", {"number": 3}))
        await auntil(lambda: logs)
    assert logs[0]["log_level"] == "warning"
    assert (logs[0]["event"], logs[0]["number"]) == ("source frames left out", 3)
    link.stop()


async def test_room_of_a_worker_is_less_what_was_sent_since_its_last_report(other: Other) -> None:
    link = linked(other)
    job = link.job(0, 0, lambda outputs: None, lambda lost: None)
    job.open(OPUS, 0)
    assert not link.full
    job.open(OPUS, 0)
    assert link.full
    other.report(load=LOAD, opened=2)
    await auntil(lambda: not link.full)
    link.stop()


async def test_where_a_worker_dies_its_jobs_end_and_another_takes_its_place(other: Other) -> None:
    link = linked(other)
    done: list[int] = []
    for number in (1, 2):
        link.job(0, 0, lambda outputs: None, lambda lost, number=number: done.append(number))  # type: ignore[misc]
    with capture_logs() as logs:
        other.refuses = 2
        other.started[0].close()
        await auntil(lambda: done)
        assert done == [1, 2]
        assert link.full
        late = link.job(0, 0, lambda outputs: None, lambda lost: done.append(3))
        late.open(OPUS, 0)
        await auntil(lambda: len(done) == 3)
        await auntil(lambda: link.alive)
    assert [line["event"] for line in logs] == ["a codec worker has died", *["no codec worker"] * 2]
    job = link.job(0, 0, lambda outputs: None, lambda lost: None)
    job.open(OPUS, 0)
    (batch,) = await other.batches(bool)
    assert [type(order) for order in batch] == [Take, Open]
    assert not link.full
    link.stop()


async def test_of_a_dead_worker_s_jobs_the_one_it_was_at_has_failed_and_the_others_are_lost(
    other: Other,
) -> None:
    link = linked(other)
    ends: dict[int, bool] = {}
    for number in (1, 2, 3):
        link.job(
            0, 0, lambda outputs: None, lambda lost, number=number: ends.update({number: lost})
        )  # type: ignore[misc]
    other.marks[0].job = 2
    with capture_logs():
        other.started[0].close()
        await auntil(lambda: len(ends) == 3)
    assert ends == {1: True, 2: False, 3: True}
    link.stop()


async def test_where_a_worker_of_long_standing_dies_its_jobs_find_room_in_the_same_turn(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "STABLE_SECONDS", 0.0)
    link = linked(other)
    room: list[bool] = []
    link.job(0, 0, lambda outputs: None, lambda lost: room.append(link.alive and not link.full))
    with capture_logs():
        other.started[0].close()
        await auntil(lambda: room)
    assert room == [True]
    link.stop()


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are warm from the start, and have run for long."""
    monkeypatch.setattr(growth, "WARM_SECONDS", 0.0)
    monkeypatch.setattr(linking, "STABLE_SECONDS", 0.0)


def grown(size: int) -> Load:
    return msgspec.structs.replace(LOAD, size=size)


@pytest.mark.usefixtures("judged")
async def test_worker_that_has_grown_is_replaced_once_it_has_no_job(other: Other) -> None:
    link = linked(other)
    ends: list[bool] = []
    job = link.job(0, 0, lambda outputs: None, ends.append)
    other.report(load=grown(1 << 26))
    other.report(load=grown((1 << 27) + SPARE_BYTES))
    job.finish()
    await other.batches(lambda batch: Finish(1) in batch)
    assert not link.full
    with capture_logs() as logs:
        other.report(Result(1, [], True), load=grown((1 << 27) + SPARE_BYTES))
        assert await asyncio.get_running_loop().sock_recv(other.started[0], 9) == b""
        assert link.full
        other.started[0].close()
        await auntil(lambda: len(other.started) == 2)
    assert ends == [False]
    assert [line["event"] for line in logs] == ["a codec worker has grown"]
    assert link.alive
    assert not link.full
    link.stop()


@pytest.mark.usefixtures("judged")
async def test_jobs_of_a_worker_that_has_grown_far_move_and_none_is_to_blame(other: Other) -> None:
    link = linked(other)
    ends: list[bool] = []
    link.job(0, 0, lambda outputs: None, ends.append)
    other.marks[0].job = 1
    with capture_logs() as logs:
        other.report(load=grown(1 << 26))
        other.report(load=grown((1 << 27) + BUSY_FACTOR * SPARE_BYTES))
        await auntil(lambda: link.full)
        other.started[0].close()
        await auntil(lambda: ends)
    assert ends == [True]
    assert [line["event"] for line in logs] == ["a codec worker has grown"]
    link.stop()


@pytest.mark.usefixtures("judged")
async def test_worker_that_will_not_leave_is_given_up(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "STUCK_SECONDS", 0.2)
    link = linked(other)
    with capture_logs():
        other.report(load=grown(1 << 26))
        other.report(load=grown((1 << 27) + SPARE_BYTES))
        await auntil(lambda: len(other.started) == 2)
    link.stop()


async def test_job_that_cannot_take_what_is_delivered_ends_alone(other: Other) -> None:
    link = linked(other)
    done: list[int] = []
    heard: list[object] = []

    def failing(outputs: object) -> None:
        raise RuntimeError("no place for it")

    def failing_end(lost: bool) -> None:
        done.append(2)
        raise RuntimeError("no end either")

    for job in (
        link.job(0, 0, failing, lambda lost: done.append(1)),
        link.job(0, 0, heard.extend, failing_end),
        link.job(0, 0, heard.extend, lambda lost: done.append(3)),
    ):
        job.open(OPUS, 0)
    with capture_logs() as logs:
        other.report(*(Result(number, [OUTPUT], number > 1) for number in (1, 2, 3)))
        await auntil(lambda: len(done) == 3)
    assert (done, heard) == ([1, 2, 3], [OUTPUT, OUTPUT])
    assert len(logs) == 2
    assert link.jobs == 0
    orders = [order for batch in await other.batches(lambda batch: Finish(1) in batch)
              for order in batch]  # fmt: skip
    assert orders.count(Finish(1)) == 1, "its worker is told to let it go"
    assert Finish(2) not in orders, "that one has ended there, too"
    link.stop()


@pytest.mark.parametrize(
    "said",
    [
        b"\x01\x00\x00\x00\xc1",
        pack(Report([], LOAD, 0, [Said("loud", "an event", {})])),
        pack(Report([], LOAD, 0, [Said("info", "an event", {"event": "another"})])),
        NESTED,
        (MOST_REPORT_BYTES + 1).to_bytes(4, "little"),
        pack(Report([], msgspec.structs.replace(LOAD, busy=math.nan), 0, [])),
        pack(Report([], LOAD, 2, [])),
        pack(Report([Result(1, [OUTPUT, Coded(OPUS, BACKWARDS)], False)], LOAD, 1, [])),
        pack(Report([Result(1, [Metered(NO_READING)], False)], LOAD, 1, [])),
    ],
)
async def test_a_worker_that_talks_nonsense_is_given_up(other: Other, said: bytes) -> None:
    link = linked(other)
    done: list[bool] = []
    job = link.job(0, 0, lambda outputs: None, lambda lost: done.append(True))
    job.open(OPUS, 0)
    with capture_logs() as logs:
        other.started[0].send(said)
        await auntil(lambda: done)
    assert logs[0]["event"] == "a codec worker is not understood"
    link.stop()


async def flood(job: LinkedJob, rounds: int) -> None:
    """A thousand frames in each of so many turns of the loop."""
    frame, packet = WORK[0]
    for _ in range(rounds):
        for _ in range(1000):
            job.feed(frame, packet)
        await asyncio.sleep(0)


async def test_worker_that_takes_too_few_orders_gets_them_later_or_is_given_up(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = linked(other)
    done: list[bool] = []
    job = link.job(0, 0, lambda outputs: None, lambda lost: done.append(True))
    await flood(job, 8)
    job.open(OPUS, 0)
    batches = await other.batches(lambda batch: Open(1, OPUS, 0) in batch)
    feeds = [order for batch in batches for order in batch if isinstance(order, Feed)]
    assert len(feeds) == 8000
    monkeypatch.setattr(linking, "MOST_WAITING", 1 << 20)
    with capture_logs() as logs:
        await flood(job, 20)
    assert "a codec worker takes no orders" in [line["event"] for line in logs]
    assert done == [True]
    link.stop()


@pytest.mark.parametrize("waits", [True, False])
async def test_stopped_worker_is_given_up_after_a_while_though_no_further_order_comes(
    waits: bool, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "STUCK_SECONDS", 0.2)
    link = linked(other)
    lost: list[bool] = []
    job = link.job(0, 0, lambda outputs: None, lost.append)
    with capture_logs() as logs:
        if waits:
            await flood(job, 5)
        else:
            # All of it goes into the socket; the end of the job is what nobody answers.
            job.finish()
        await auntil(lambda: lost)
    assert "a codec worker takes no orders" in [line["event"] for line in logs]
    assert lost == [True]
    link.stop()


async def test_worker_that_goes_on_reporting_may_take_long_over_the_end_of_a_job(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "STUCK_SECONDS", 0.2)
    link = linked(other)
    lost: list[bool] = []
    link.job(0, 0, lambda outputs: None, lost.append).finish()
    loop = asyncio.get_running_loop()
    until, spoke = loop.time() + 3 * linking.STUCK_SECONDS, loop.time()
    # On a machine that is busy this task may itself be late with a report: then nothing is proven.
    while loop.time() < until and loop.time() - spoke < linking.STUCK_SECONDS / 2:
        spoke = loop.time()
        other.report()
        await asyncio.sleep(0.01)
        assert not lost or loop.time() - spoke > linking.STUCK_SECONDS / 2
    link.stop()


async def test_worker_with_much_to_take_is_full_until_it_has_taken_it(other: Other) -> None:
    assert FULL_WAITING + MAX_HISTORY_BYTES < MOST_WAITING, "a start goes in whenever there is room"
    link = linked(other)
    lost: list[bool] = []
    job = link.job(0, 0, lambda outputs: None, lost.append)
    frame, packet = WORK[0]
    large = msgspec.structs.replace(frame, payload=bytes(1 << 20))
    for _ in range(FULL_WAITING >> 20):
        assert not link.full
        job.feed(large, packet)
    assert link.full, "also before it is sent"
    job.feed(large, packet)  # the socket takes a part
    await asyncio.sleep(0)
    assert link.full
    job.open(OPUS, 0)
    await other.batches(lambda batch: Open(1, OPUS, 0) in batch)
    await auntil(lambda: not link.full)
    assert not lost
    link.stop()


async def test_link_that_is_stopped_starts_no_worker_again(other: Other) -> None:
    other.refuses = 1
    with capture_logs():
        link = linked(other)
    link.stop()
    await asyncio.sleep(0.02)
    assert other.started == []
