import asyncio
from uuid import UUID

import pytest

from support.fakes import MemoryAccounts, Recorded
from support.proofs import HOME, CountedTries, MemoryFactors, ToldPeople
from talas_api.audit.values import Kind
from talas_api.identity.factors import totp
from talas_api.identity.factors.service import RECOVERY_CODES, Codes, Factors
from talas_api.identity.factors.values import FactorEnd
from talas_api.identity.values import Account, Stored
from talas_api.request.origin import Device
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, NotFound, TooMany
from talas_core.ids import uuid7
from talas_core.secrets import hex256
from talas_core.security.seal import Sealer


class Owner:
    """The port for showing the password, and the code, again."""

    def __init__(self, accounts: MemoryAccounts, codes: Codes) -> None:
        self._accounts = accounts
        self._codes = codes

    async def confirm(self, user_id: UUID, password: str, device: Device, field: str) -> Stored:
        if password != "right":
            raise BadInput("The password is wrong.", {field: "is not your password"})
        return self._accounts.people[user_id]

    async def prove(self, user_id: UUID, password: str, code: str | None, device: Device) -> Stored:
        found = await self.confirm(user_id, password, device, "password")
        if found.second_factor and not await self._codes.accept(user_id, code or "", device):
            raise BadInput("The code is wrong.", {"code": "is wrong"})
        return found


class World:
    """Second factors over fakes, with one person."""

    def __init__(self) -> None:
        accounts = MemoryAccounts()
        self.clock = FakeClock()
        self.ann = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", self.clock.now())
        accounts.people[self.ann.id] = Stored(self.ann, "plain:right", disabled=False)
        self.store = MemoryFactors(accounts)
        self.audit, self.notices = Recorded(), ToldPeople()
        seal = Sealer(hex256())
        self.tries = CountedTries()
        self.codes = Codes(self.store, seal, self.tries, self.audit, self.clock)
        self.factors = Factors(
            store=self.store,
            codes=self.codes,
            owner=Owner(accounts, self.codes),
            notices=self.notices,
            seal=seal,
            audit=self.audit,
            clock=self.clock,
        )
        self.secret = b""

    def code(self) -> str:
        """What the authenticator shows now."""
        return totp.code_at(self.secret, int(self.clock.now().timestamp()) // totp.STEP_SECONDS)

    async def offered(self) -> str:
        import base64

        offer = await self.factors.offer(self.ann.id, "right", HOME)
        self.secret = base64.b32decode(offer.secret)
        return offer.uri

    async def switched_on(self) -> list[str]:
        await self.offered()
        found = await self.factors.switch_on(self.ann, self.code(), HOME)
        self.clock.advance(totp.STEP_SECONDS)
        return found.recovery_codes

    async def accepts(self, code: str) -> bool:
        return await self.codes.accept(self.ann.id, code, HOME)


@pytest.fixture
def world() -> World:
    return World()


async def test_from_the_offer_to_the_end(world: World) -> None:
    assert "secret=" in await world.offered()
    assert not (await world.factors.status(world.ann.id)).enabled
    assert not await world.accepts(world.code()), "an offer does not count yet"
    recovery = await world.factors.switch_on(world.ann, world.code(), HOME)
    status = await world.factors.status(world.ann.id)
    assert (status.enabled, status.recovery_codes_left) == (True, RECOVERY_CODES)
    assert len(set(recovery.recovery_codes)) == RECOVERY_CODES
    world.clock.advance(totp.STEP_SECONDS)
    await world.factors.switch_off(world.ann.id, FactorEnd("right", world.code()), HOME)
    assert not (await world.factors.status(world.ann.id)).enabled
    assert world.notices.told == [("factor_changed", True), ("factor_changed", False)]
    assert world.audit.kinds == [Kind.TOTP_ENABLED, Kind.TOTP_DISABLED]


async def test_a_step_is_accepted_once(world: World) -> None:
    await world.offered()
    confirming = world.code()
    await world.factors.switch_on(world.ann, confirming, HOME)
    assert not await world.accepts(confirming), "used up by the confirmation"
    world.clock.advance(totp.STEP_SECONDS)
    code = world.code()
    answers = await asyncio.gather(*(world.accepts(code) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]
    assert not await world.accepts(confirming), "nor an earlier one after it"


async def test_recovery_codes_work_once_each_however_typed(world: World) -> None:
    codes = await world.switched_on()
    first, second = codes[:2]
    assert len(first.replace("-", "")) * 5 >= 64, "bits"
    assert await world.accepts(first)
    assert not await world.accepts(first)
    assert await world.accepts(second.upper().replace("-", " "))
    assert not await world.accepts("aaaa-bbbb-cccc-dddd")
    assert (await world.factors.status(world.ann.id)).recovery_codes_left == RECOVERY_CODES - 2
    assert world.audit.kinds == [Kind.TOTP_ENABLED, Kind.RECOVERY_USED, Kind.RECOVERY_USED]


async def test_the_password_is_asked_for(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        await world.factors.offer(world.ann.id, "wrong", HOME)
    assert list(caught.value.fields) == ["password"]
    await world.switched_on()
    with pytest.raises(BadInput):
        await world.factors.switch_off(world.ann.id, FactorEnd("wrong", world.code()), HOME)
    assert (await world.factors.status(world.ann.id)).enabled


async def test_a_wrong_code_switches_nothing(world: World) -> None:
    await world.offered()
    world.clock.advance(10 * totp.STEP_SECONDS)
    stale = world.code()
    world.clock.advance(10 * totp.STEP_SECONDS)
    with pytest.raises(BadInput) as caught:
        await world.factors.switch_on(world.ann, stale, HOME)
    assert list(caught.value.fields) == ["code"]
    await world.factors.switch_on(world.ann, world.code(), HOME)
    with pytest.raises(BadInput) as caught:
        await world.factors.switch_off(world.ann.id, FactorEnd("right", stale), HOME)
    assert list(caught.value.fields) == ["code"]
    [failed] = [one for one in world.audit.events if one.kind is Kind.SIGN_IN_FAILED]
    assert (failed.user_id, failed.detail) == (world.ann.id, {"reason": "code"})


async def test_what_is_on_is_not_offered_again_and_what_is_off_not_ended(world: World) -> None:
    with pytest.raises(Conflict):
        await world.factors.switch_on(world.ann, "123456", HOME)
    with pytest.raises(NotFound):
        await world.factors.switch_off(world.ann.id, FactorEnd("right", "123456"), HOME)
    await world.switched_on()
    with pytest.raises(Conflict):
        await world.factors.offer(world.ann.id, "right", HOME)
    with pytest.raises(Conflict):
        await world.factors.switch_on(world.ann, world.code(), HOME)


async def test_a_new_offer_replaces_the_last(world: World) -> None:
    await world.offered()
    old = world.code()
    await world.offered()
    with pytest.raises(BadInput):
        await world.factors.switch_on(world.ann, old, HOME)


async def test_with_another_master_key_only_recovery_codes_work(world: World) -> None:
    codes = await world.switched_on()
    others = Codes(world.store, Sealer(hex256()), world.tries, world.audit, world.clock)
    assert not await others.accept(world.ann.id, world.code(), HOME)
    assert await others.accept(world.ann.id, codes[0], HOME)


@pytest.mark.checklist(11)
async def test_where_too_many_codes_were_wrong_only_recovery_codes_work(world: World) -> None:
    codes = await world.switched_on()
    assert not await world.accepts("000000")
    assert world.tries.wrong == [world.ann.id]
    world.tries.full = True
    with pytest.raises(TooMany):
        await world.accepts(world.code())
    assert await world.accepts(codes[0])
    world.tries.full = False
    assert await world.accepts(world.code()), "what was refused was not used up"


async def test_nothing_is_kept_in_the_clear(world: World) -> None:
    codes = await world.switched_on()
    kept = await world.store.secret(world.ann.id)
    assert kept is not None
    assert world.secret not in kept.sealed
    assert codes[0].replace("-", "").encode() not in world.store.codes[world.ann.id]
