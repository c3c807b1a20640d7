import asyncio
import threading
import time

import pytest

from support.wait import auntil
from talas_api.accounts.passwords import UNUSABLE, VERSION, Hashers, Passwords, make, matches
from talas_core.errors import Unavailable

COST = 4


def test_a_hash_matches_its_password_only() -> None:
    stored = make("correct horse", COST)
    assert stored.startswith(VERSION + "$2b$04$")
    assert matches("correct horse", stored)
    assert not matches("correct horse ", stored)
    assert make("correct horse", COST) != stored


@pytest.mark.parametrize("length", [72, 73, 200, 1024])
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


@pytest.mark.parametrize("stored", [None, UNUSABLE])
async def test_no_account_costs_what_an_account_does(
    stored: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bcrypt

    hashers = Hashers(1, 4)
    passwords = Passwords(hashers, COST)
    checked: list[bytes] = []
    real = bcrypt.checkpw

    def counting(password: bytes, hashed: bytes) -> bool:
        checked.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    assert not await passwords.check("anything", stored)
    assert len(checked) == 1
    assert checked[0].startswith(b"$2b$04$")
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
