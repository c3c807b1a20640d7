import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from support.memory_limits import MemoryLimits
from support.wait import PATIENCE
from talas_api.identity.limits.store import PostgresLimits
from talas_api.identity.limits.values import FAMILIAR, Charge
from talas_api.request.limits import RULES
from talas_core.postgres.pool import Database
from talas_core.security.limits import Quota

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SMALL, LARGE = Quota(4, 60), Quota(1000, 7)


def charge(number: int, quota: Quota = SMALL, familiar: bytes | None = None) -> Charge:
    return Charge(RULES[0], quota, number.to_bytes(16), familiar)


async def test_stored_limit_decides_as_the_algorithm_does(db: Database) -> None:
    """The same random requests to the table and to the algorithm in Python."""
    chance = random.Random(7)
    table, twin, now = PostgresLimits(db), MemoryLimits(), NOW
    for _ in range(300):
        now += timedelta(seconds=chance.choice([0, 0, 0.000001, 1 / 3, 5, 40]))
        friend = chance.choice([None, bytes(16)])
        numbers = chance.sample(range(1, 6), chance.randint(1, 3))
        wish = [charge(n, chance.choice([SMALL, Quota(7, 3)]), friend) for n in numbers]
        mine, its = await table.take(wish, now), await twin.take(wish, now)
        assert [(o.taken, o.passed_over) for o in mine] == [(o.taken, o.passed_over) for o in its]
        assert [o.until for o in mine] == [o.until for o in its]
        if chance.random() < 0.2:
            back = [one for one, outcome in zip(wish, mine, strict=True) if outcome.taken]
            known = [bytes(16)] if chance.random() < 0.1 else []
            if back or known:
                await table.settle(back, known, now)
                await twin.settle(back, known, now)


@pytest.mark.checklist(11)
async def test_limits_of_a_request_are_charged_together_or_not_at_all(db: Database) -> None:
    table = PostgresLimits(db)
    for _ in range(SMALL.burst):
        await table.take([charge(1)], NOW)
    refused = await table.take([charge(1), charge(2)], NOW)
    assert [one.taken for one in refused] == [False, False]
    assert [(await table.take([charge(2)], NOW))[0].taken for _ in range(3)] == [True, True, False]


@pytest.mark.checklist(28)
async def test_requests_at_once_take_no_more_than_the_burst(migrated: str) -> None:
    """Through two pools, as two processes have them; each request charges the same keys, in
    whatever order."""
    pools = [Database(migrated), Database(migrated)]
    for pool in pools:
        await pool.open()
    tables = [PostgresLimits(pool) for pool in pools]
    keys = [charge(1), charge(2, LARGE), charge(3, LARGE)]
    wishes = [random.sample(keys, 3) for _ in range(60)]
    async with asyncio.timeout(PATIENCE):
        every = await asyncio.gather(
            *(tables[n % 2].take(wish, NOW) for n, wish in enumerate(wishes))
        )
    first = [outcomes[wish.index(keys[0])] for wish, outcomes in zip(wishes, every, strict=True)]
    assert sum(outcome.taken for outcome in first) == SMALL.burst
    for pool in pools:
        await pool.close()


async def test_tries_given_back_can_be_had_again(db: Database) -> None:
    table = PostgresLimits(db)
    for _ in range(SMALL.burst):
        await table.take([charge(1)], NOW)
    await table.settle([charge(1), charge(9)], [], NOW)
    taken = [(await table.take([charge(1)], NOW))[0].taken for _ in range(2)]
    assert taken == [True, False]
    fresh = [(await table.take([charge(9)], NOW))[0].taken for _ in range(3)]
    assert fresh == [True, True, False], "what was never charged gives nothing"


async def test_familiar_address_is_passed_over_while_it_is_familiar(db: Database) -> None:
    table, friend = PostgresLimits(db), (77).to_bytes(16)
    await table.settle([], [friend], NOW)
    mine = charge(1, familiar=friend)
    for _ in range(10):
        assert (await table.take([mine], NOW))[0].passed_over
    later = NOW + FAMILIAR
    assert not (await table.take([mine], later))[0].passed_over


async def test_sweep_forgets_limits_that_are_over(db: Database) -> None:
    table = PostgresLimits(db)
    await table.take([charge(1), charge(2), charge(3, LARGE)], NOW)
    assert await table.sweep(NOW, 100) == 0
    assert await table.sweep(NOW + timedelta(minutes=5), 2) == 2
    assert await table.sweep(NOW + timedelta(minutes=5), 2) == 1


async def test_key_of_a_limit_does_not_tell_whom_it_is_for(db: Database) -> None:
    await PostgresLimits(db).take([charge(5)], NOW)
    rows = await db.rows("SELECT * FROM limits")
    assert [set(row.keys()) for row in rows] == [{"key", "until"}]
