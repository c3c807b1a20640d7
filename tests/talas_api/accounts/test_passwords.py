import asyncio
import threading
import time

import pytest

from support.wait import auntil
from talas_api.accounts.passwords import (
    UNUSABLE,
    VERSION,
    Hashers,
    Passwords,
    cost_of,
    make,
    matches,
)
from talas_core.errors import Unavailable

COST = 4


def test_a_hash_matches_its_password_only() -> None:
    stored = make("correct horse", COST)
    assert stored.startswith(VERSION + "$2b$04$")
    assert matches("correct horse", stored)
    assert not matches("correct horse ", stored)
    assert make("correct horse", COST) != stored


@pytest.mark.checklist(8)
@pytest.mark.parametrize("length", [64, 72, 73, 200, 1024])
def test_nothing_is_truncated(length: int) -> None:
    password = "é" * length
    stored = make(password, COST)
    assert matches(password, stored)
    assert not matches(password[:-1], stored)
    assert not matches(password + "x", stored)


@pytest.mark.parametrize("stored", [UNUSABLE, "", "2:" + make("x", COST)[2:]])
def test_other_versions_match_nothing(stored: str) -> None:
    assert not matches("x", stored)
    assert not matches("no password", stored)


async def test_hashing_and_checking() -> None:
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
@pytest.mark.parametrize("stored", [None, UNUSABLE, make("x", 4), make("x", 5), make("x", 6)])
async def test_whatever_says_no_costs_the_same(stored: str | None, rounds: list[int]) -> None:
    hashers = Hashers(1, 4)
    passwords = Passwords(hashers, 6)
    assert not await passwords.check("anything", stored)
    assert sum(rounds) == 2**6
    hashers.close()


@pytest.mark.checklist(9)
async def test_no_account_costs_what_the_dearest_hash_does(rounds: list[int]) -> None:
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


def test_what_is_cheaper_than_today_is_outdated() -> None:
    hashers = Hashers(1, 4)
    passwords = Passwords(hashers, 5)
    assert cost_of(make("x", 4)) == 4
    assert passwords.outdated(make("x", 4))
    assert not passwords.outdated(make("x", 5))
    assert not passwords.outdated(make("x", 6))
    assert not passwords.outdated(UNUSABLE)
    hashers.close()


async def test_a_full_queue_is_refused_at_once_and_frees_up() -> None:
    hashers = Hashers(1, 2)
    release = threading.Event()
    held = [asyncio.create_task(hashers.run(release.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    start = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await hashers.run(release.wait)
    assert time.monotonic() - start < 0.1
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
