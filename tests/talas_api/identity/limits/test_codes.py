"""Wrong codes of second factors: how many are looked at, and who hears of it."""

from datetime import timedelta
from uuid import UUID

import pytest

from support.fakes import Recorded
from support.memory_limits import MemoryLimits
from support.proofs import HOME, ToldPeople
from talas_api.audit.values import Kind
from talas_api.identity.limits.codes import CodeTries
from talas_api.identity.limits.service import Limiter
from talas_api.identity.limits.values import LimitReached
from talas_api.request.limits import CODES, CODES_ALARM
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_core.security.limits import Quota

ANN, EVE = UUID(int=1), UUID(int=2)
AN_HOUR, A_DAY = 10, 40


class Door:
    """Codes of one API process; `store` is that of all."""

    def __init__(self, store: MemoryLimits | None = None, clock: FakeClock | None = None) -> None:
        self.store, self.clock = store or MemoryLimits(), clock or FakeClock()
        self.notices, self.audit = ToldPeople(), Recorded()
        quotas = {rule.name: Quota(int(rule.most), rule.seconds) for rule in (*CODES, CODES_ALARM)}
        limiter = Limiter(self.store, b"secret", self.clock, self.audit, quotas)
        self.tries = CodeTries(limiter, self.notices, self.audit)
        self.asked = 0

    async def show(self, user_id: UUID, *, right: bool = False) -> bool:
        """A code. Raises LimitReached."""

        async def check() -> bool:
            self.asked += 1
            return right

        return await self.tries.count(user_id, HOME, check)

    async def guess(self, user_id: UUID = ANN) -> bool:
        """A wrong code. Whether it was looked at."""
        before = self.asked
        try:
            assert not await self.show(user_id)
        except LimitReached as refusal:
            assert refusal.retry_after > 0
        return self.asked > before


@pytest.mark.checklist(11)
async def test_wrong_codes_are_limited_as_the_rules_say() -> None:
    door, looked_at = Door(), []
    for _ in range(2 * 24 * 60):
        if await door.guess():
            looked_at.append(door.clock.now())
        door.clock.advance(60)
    for first in looked_at:
        for span, most in ((timedelta(hours=1), AN_HOUR), (timedelta(days=1), A_DAY)):
            assert sum(first <= at < first + span for at in looked_at) <= most


async def test_right_or_unserved_codes_cost_no_tries() -> None:
    door = Door()
    for _ in range(10 * A_DAY):
        assert await door.show(ANN, right=True)

    async def away() -> bool:
        raise Unavailable("The database does not answer.")

    for _ in range(10 * A_DAY):
        with pytest.raises(Unavailable):
            await door.tries.count(ANN, HOME, away)
    assert await door.guess()
    assert door.audit.events == []


@pytest.mark.checklist(11)
async def test_right_code_after_too_many_wrong_ones_waits_for_that_account_alone() -> None:
    door = Door()
    while await door.guess():
        pass
    with pytest.raises(LimitReached) as caught:
        await door.show(ANN, right=True)
    assert caught.value.headers["RateLimit-Policy"] == '"codes";q=10;w=3600'
    assert await door.show(EVE, right=True)
    door.clock.advance(caught.value.retry_after)
    assert await door.show(ANN, right=True)


@pytest.mark.checklist(30)
async def test_owner_is_told_of_guessed_codes_once_a_day_by_one_process() -> None:
    door = Door()
    doors = [door, Door(door.store, door.clock)]
    for _ in range(24 * 60):
        for one in doors:
            await one.guess()
        door.clock.advance(60)
    told = [notice for one in doors for notice in one.notices.told]
    assert told == [("codes_guessed", ANN)]
    kinds = [event for one in doors for event in one.audit.events]
    [alarm] = [event for event in kinds if event.kind is Kind.CODES_GUESSED]
    assert (alarm.user_id, alarm.address) == (ANN, HOME.where)
    refused = [event for event in kinds if event.kind is Kind.LIMITED]
    assert {event.user_id for event in refused} == {ANN}
    door.clock.advance(3600)
    while await door.guess():
        pass
    assert len(door.notices.told) + len(doors[1].notices.told) == 2


@pytest.mark.checklist(30)
async def test_patient_guesser_of_codes_is_found_by_the_rule_of_a_day() -> None:
    door = Door()
    for _ in range(24 * 5):
        await door.guess()
        door.clock.advance(3600 / 5)
    assert door.notices.told == [("codes_guessed", ANN)]


async def test_few_wrong_codes_alarm_nobody() -> None:
    door = Door()
    for _ in range(AN_HOUR // 2):
        assert await door.guess()
    assert door.notices.told == []
