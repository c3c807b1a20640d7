import asyncio
import random
import threading
import time

import pytest

from support.wait import PATIENCE, auntil
from talas_api.identity import passwords as module
from talas_api.identity.passwords import (
    UNUSABLE,
    VERSION,
    Hashers,
    Passwords,
    cost_of,
    make,
    matches,
)
from talas_core import caller
from talas_core.errors import CallerGone, Unavailable

COST = 4


def test_a_hash_matches_its_password_only() -> None:
    stored = make("correct horse", COST)
    assert stored.startswith(VERSION + "$2b$04$")
    assert matches("correct horse", stored)
    assert not matches("correct horse ", stored)
    assert make("correct horse", COST) != stored


@pytest.mark.checklist(8)
@pytest.mark.parametrize("length", [64, 72, 73, 200, 1024])
def test_long_password_is_hashed_whole(length: int) -> None:
    password = "é" * length
    stored = make(password, COST)
    assert matches(password, stored)
    assert not matches(password[:-1], stored)
    assert not matches(password + "x", stored)


@pytest.mark.parametrize(
    "stored", [UNUSABLE, "", "2:" + make("x", COST)[2:]], ids=["unusable", "empty", "another's"]
)
def test_hash_of_another_version_matches_nothing(stored: str) -> None:
    assert not matches("x", stored)
    assert not matches("no password", stored)


async def test_password_is_hashed_and_checked_in_the_pool() -> None:
    hashers = Hashers(1, 4)
    passwords = Passwords(hashers, COST)
    stored = await passwords.make("correct horse")
    assert await passwords.check("correct horse", stored)
    assert not await passwords.check("wrong", stored)
    hashers.close()


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rounds of every check made with bcrypt."""
    import bcrypt

    done: list[int] = []
    real = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        done.append(2 ** int(hashed.split(b"$")[2]))
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    return done


@pytest.mark.checklist(9)
@pytest.mark.parametrize(
    "stored",
    [None, UNUSABLE, make("x", 4), make("x", 5), make("x", 6)],
    ids=["nobody", "unusable", "cost 4", "cost 5", "cost 6"],
)
async def test_refused_check_costs_the_same_whatever_its_reason(
    stored: str | None, rounds: list[int]
) -> None:
    hashers = Hashers(1, 4)
    passwords = Passwords(hashers, 6)
    assert not await passwords.check("anything", stored)
    assert sum(rounds) == 2**6
    hashers.close()


@pytest.mark.checklist(9)
async def test_check_without_an_account_costs_what_the_dearest_hash_does(rounds: list[int]) -> None:
    hashers = Hashers(1, 4)
    heard, met = Passwords(hashers, 4), Passwords(hashers, 4)
    heard.expect(6)
    heard.expect(5)
    assert not await met.check("wrong", make("x", 6))
    for passwords in (heard, met):
        rounds.clear()
        assert not await passwords.check("anything", None)
        assert sum(rounds) == 2**6
    hashers.close()


async def test_a_right_password_costs_one_check(rounds: list[int]) -> None:
    hashers = Hashers(1, 4)
    assert await Passwords(hashers, 6).check("x", make("x", 4))
    assert rounds == [2**4]
    hashers.close()


def test_hash_cheaper_than_today_s_cost_is_outdated() -> None:
    hashers = Hashers(1, 4)
    passwords = Passwords(hashers, 5)
    assert cost_of(make("x", 4)) == 4
    assert passwords.outdated(make("x", 4))
    assert not passwords.outdated(make("x", 5))
    assert not passwords.outdated(make("x", 6))
    assert not passwords.outdated(UNUSABLE)
    hashers.close()


async def test_full_queue_of_hashing_refuses_at_once_and_frees_up() -> None:
    hashers = Hashers(1, 2)
    release = threading.Event()
    held = [asyncio.create_task(hashers.run(release.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        hashers.run(release.wait).send(None)  # at once: it does not wait for anything
    assert caught.value.retry_after > 0
    release.set()
    assert await asyncio.gather(*held) == [True, True, True]
    assert await hashers.run(lambda: 7) == 7
    hashers.close()


async def test_a_waiter_that_leaves_keeps_its_place_until_the_work_is_done() -> None:
    hashers = Hashers(1, 1)
    begun, release = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait()

    running = asyncio.create_task(hashers.run(work))
    await auntil(begun.is_set)
    running.cancel()
    waiting = asyncio.create_task(hashers.run(lambda: None))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await hashers.run(lambda: None)
    release.set()
    await waiting
    hashers.close()


async def test_work_that_fails_frees_its_place() -> None:
    hashers = Hashers(1, 1)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await hashers.run(lambda: 1 // 0)
    hashers.close()


class Rush:
    """A pool of one thread whose first job lasts until `release`, and whoever came after it.
    Without a test's saying so each job is thought to take half a second."""

    def __init__(self, waiting: int = 1000) -> None:
        self.hashers = Hashers(1, waiting)
        self.release = threading.Event()
        self.done: list[int] = []
        self.tasks = [asyncio.create_task(self.hashers.run(self.release.wait))]

    def come(self, number: int) -> asyncio.Task[None]:
        task = asyncio.create_task(self.hashers.run(lambda: self.done.append(number)))
        self.tasks.append(task)
        return task

    async def end(self) -> list[object]:
        self.release.set()
        outcomes = await asyncio.gather(*self.tasks, return_exceptions=True)
        await auntil(lambda: self.hashers.expected_seconds == 0)
        self.hashers.close()
        return outcomes


@pytest.fixture
def half_a_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_GUESS_SECONDS", 0.5)


@pytest.mark.usefixtures("half_a_second_each")
async def test_job_whose_turn_would_come_after_two_seconds_is_refused_at_once() -> None:
    rush = Rush()
    for number in range(6):
        rush.come(number)
        await asyncio.sleep(0)
    refused = [task for task in rush.tasks if task.done()]
    assert len(refused) == 2
    for task in refused:
        error = task.exception()
        assert isinstance(error, Unavailable)
        assert error.retry_after == 2.5
    await rush.end()
    assert rush.done == [0, 1, 2, 3], "first come, first served"


async def test_wait_is_foretold_from_how_long_jobs_took_lately() -> None:
    hashers = Hashers(1, 1000)
    for _ in range(40):
        await hashers.run(lambda: None)
    release = threading.Event()
    held = [asyncio.create_task(hashers.run(release.wait)) for _ in range(100)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in held)
    release.set()
    await asyncio.gather(*held)
    hashers.close()


async def test_job_that_waits_longer_than_foretold_is_refused_and_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.02)
    rush = Rush()
    with pytest.raises(Unavailable):
        await rush.come(1)
    await rush.end()
    assert rush.done == []


async def test_caller_who_leaves_the_queue_is_not_worked_for_and_others_move_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caller, "LOOK_SECONDS", 0.005)
    left = False
    rush = Rush(waiting=2)

    async def asked() -> None:
        with caller.serving(lambda: left):
            await rush.hashers.run(lambda: rush.done.append(1))

    leaving = asyncio.create_task(asked())
    await asyncio.sleep(0)
    rush.come(2)
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await rush.come(3)
    left = True
    with pytest.raises(CallerGone):
        await leaving
    rush.come(4)
    await asyncio.sleep(0)
    await rush.end()
    assert rush.done == [2, 4]


async def test_no_thread_is_lost_however_waiters_leave() -> None:
    dice = random.Random(7)
    hashers = Hashers(2, 1000)
    tasks = []
    for _ in range(300):
        tasks.append(asyncio.create_task(hashers.run(lambda: time.sleep(0.0002))))
        if dice.random() < 0.3:
            dice.choice(tasks).cancel()
        if dice.random() < 0.5:
            await asyncio.sleep(dice.choice((0, 0.0005)))
    await asyncio.gather(*tasks, return_exceptions=True)
    both = threading.Barrier(2, timeout=PATIENCE)
    await asyncio.gather(hashers.run(both.wait), hashers.run(both.wait))
    hashers.close()


async def test_closed_pool_refuses_the_jobs_that_wait() -> None:
    rush = Rush()
    waiting = rush.come(1)
    await asyncio.sleep(0)
    rush.hashers.close()
    with pytest.raises(Unavailable, match="stopping"):
        await waiting
    rush.release.set()
