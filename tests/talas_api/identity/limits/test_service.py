import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from support.fakes import Recorded
from support.memory_limits import MemoryLimits
from support.wait import auntil
from talas_api.audit.values import Event, Kind
from talas_api.identity.limits import service
from talas_api.identity.limits.service import Limiter, Passage
from talas_api.identity.limits.values import LimitReached
from talas_api.request.limits import RULES, Subject
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_core.security.limits import Quota

EVENT = Event(kind=Kind.LIMITED, address="192.0.2.7", detail={"route": "POST /api/auth/login"})
FAILURES, ACCOUNT = 20, 60
QUOTAS = {
    "login": Quota(1_000_000, 60),
    "login_failures": Quota(FAILURES, 3600),
    "account_failures": Quota(ACCOUNT, 3600),
    "register": Quota(4, 60),
}


class Door:
    """The login, by what the limiter is told of it."""

    def __init__(self) -> None:
        self.clock, self.store, self.audit = FakeClock(), MemoryLimits(), Recorded()
        self.limiter = Limiter(self.store, b"secret", self.clock, self.audit, QUOTAS)

    def subjects(self, email: str, address: str) -> dict[Subject, str]:
        return {Subject.EMAIL: email, Subject.ADDRESS: address}

    async def enter(self, email: str, address: str, names: tuple[str, ...] = tuple(QUOTAS)
                    ) -> Passage:  # fmt: skip
        rules = [rule for rule in RULES if rule.name in names and rule.name != "register"]
        charges = self.limiter.charges(rules, self.subjects(email, address))
        return await self.limiter.enter(charges, EVENT)

    async def guess(self, email: str, address: str) -> bool:
        """A wrong password. Whether it was looked at."""
        try:
            await self.enter(email, address)
        except LimitReached:
            return False
        return True

    async def sign_in(self, email: str, address: str) -> None:
        """The right one. Raises LimitReached."""
        passage = await self.enter(email, address)
        await self.limiter.succeeded(passage, self.subjects(email, address))

    async def register(self, address: str = "a") -> Passage:
        rules = [rule for rule in RULES if rule.name == "register"]
        charges = self.limiter.charges(rules, {Subject.ADDRESS: address})
        return await self.limiter.enter(charges, EVENT)


@pytest.mark.checklist(11)
async def test_many_addresses_guess_no_more_than_the_account_allows_in_any_hour() -> None:
    door, looked_at = Door(), []
    for number in range(3 * 3600):
        if await door.guess("ada", f"198.51.{number % 250}.{number % 7}"):
            looked_at.append(door.clock.now())
        door.clock.advance(1)
    for first in looked_at:
        within = [t for t in looked_at if first <= t < first + timedelta(hours=1)]
        assert len(within) <= ACCOUNT


@pytest.mark.checklist(11)
async def test_guessers_cannot_keep_the_owner_out_of_an_address_they_signed_in_from() -> None:
    door = Door()
    await door.sign_in("ada", "home")
    while await door.guess("ada", f"stranger {len(door.store.kept)}"):
        pass
    await door.sign_in("ada", "home")
    with pytest.raises(LimitReached):
        await door.sign_in("ada", "a new place")
    await door.sign_in("bob", "a new place")


async def test_a_known_address_may_guess_no_more_than_its_own() -> None:
    door = Door()
    await door.sign_in("ada", "home")
    guesses = [await door.guess("ada", "home") for _ in range(100)]
    assert sum(guesses) == FAILURES // 2
    door.clock.advance(3600)
    assert sum([await door.guess("ada", "home") for _ in range(100)]) == FAILURES // 2


async def test_success_does_not_count_as_a_failure() -> None:
    door = Door()
    for _ in range(10 * ACCOUNT):
        await door.sign_in("ada", "home")


async def test_refusal_by_address_does_not_use_up_the_account_s_tries() -> None:
    door = Door()
    for _ in range(1000):
        await door.guess("ada", "one address")
    assert await door.guess("ada", "another")
    before = {key for key, until in door.store.kept.items()}
    assert len(before) == 2 + 1 + 2, "login and failures of two addresses, and the account's"


@pytest.mark.checklist(11)
async def test_flood_that_is_refused_costs_no_queries() -> None:
    door = Door()
    for _ in range(1000):
        try:
            await door.register()
        except LimitReached as refusal:
            last = refusal
    assert door.store.asked == 3, "two let through, one refused, the others remembered"
    assert last.retry_after == pytest.approx(30)
    assert last.headers == {
        "RateLimit-Policy": '"register";q=4;w=60', "RateLimit": '"register";r=0;t=30',
    }  # fmt: skip
    door.clock.advance(30)
    await door.register()


async def test_refusals_are_logged_once_a_second_with_their_number() -> None:
    door = Door()
    with capture_logs() as logs:
        for _ in range(100):
            try:
                await door.register()
            except LimitReached:
                door.clock.advance(0.05)
    told = [line for line in logs if line["event"] == "limit reached"]
    assert 3 <= len(told) <= 6
    assert sum(line["count"] for line in told) >= 75
    assert [event.kind for event in door.audit.events] == [Kind.LIMITED] * len(told)
    assert door.audit.events[0].detail == {
        "route": "POST /api/auth/login", "name": "register", "count": 1,
    }  # fmt: skip


async def test_request_we_could_not_serve_costs_no_tries() -> None:
    door = Door()
    for _ in range(20):
        await door.limiter.unserved(await door.register())


@pytest.mark.checklist(11)
async def test_password_without_its_code_is_no_failure_and_makes_no_address_familiar() -> None:
    door = Door()
    for _ in range(2 * ACCOUNT):
        await door.limiter.halfway(await door.enter("ada", "a"))
    for number in range(ACCOUNT):
        await door.guess("ada", f"198.51.{number}.1")
    with pytest.raises(LimitReached):
        await door.sign_in("ada", "a")


async def test_limit_is_unavailable_while_its_store_is_away() -> None:
    door = Door()
    passage = await door.register()
    door.store.away = True
    with pytest.raises(Unavailable):
        await door.register()
    with capture_logs() as logs:
        await door.limiter.unserved(passage)
        await door.limiter.sweep()
    assert [line["event"] for line in logs] == ["charge not given back", "sweep failed"]


async def test_sweep_forgets_limits_in_memory_and_in_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "SWEEP_ROWS", 2)
    door = Door()
    for number in range(5):
        await door.register(str(number))
    door.clock.advance(31)
    await door.limiter.sweep()
    assert door.store.kept == {}


async def test_refusals_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_REFUSED", 3)
    door = Door()
    for number in range(10):
        with pytest.raises(LimitReached):
            while True:
                await door.register(str(number))
    asked = door.store.asked
    with pytest.raises(LimitReached):
        await door.register("0")
    assert door.store.asked == asked + 1, "the oldest was forgotten"


async def test_text_with_lone_surrogates_makes_a_key() -> None:
    await Door().enter("\ud800", "home")


async def test_answer_does_not_tell_how_many_failures_there_were() -> None:
    passage = await Door().enter("ada", "home")
    assert '"login"' in passage.headers["RateLimit-Policy"]
    assert "failures" not in str(passage.headers)


async def test_limits_are_swept_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SWEEP_SECONDS", 0.001)
    door = Door()
    sweeping = asyncio.create_task(door.limiter.sweep_forever())
    for _ in range(2):
        await door.register()
        door.clock.advance(61)
        await auntil(lambda: not door.store.kept)
    sweeping.cancel()
