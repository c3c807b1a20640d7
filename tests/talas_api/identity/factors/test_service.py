import pytest

from support.factors import World
from support.proofs import HOME
from talas_api.audit.values import Kind
from talas_api.identity.factors import totp
from talas_api.identity.factors.service import RECOVERY_CODES
from talas_api.identity.factors.values import FactorEnd
from talas_core.errors import BadInput, Conflict, NotFound


@pytest.fixture
def world() -> World:
    return World()


async def test_second_factor_is_offered_switched_on_and_off_and_recorded(world: World) -> None:
    assert "secret=" in await world.offered()
    assert not (await world.factors.status(world.ann.id)).enabled
    assert not await world.accepts(world.code()), "an offer does not count yet"
    recovery = await world.factors.switch_on(world.ann.id, world.code(), HOME)
    status = await world.factors.status(world.ann.id)
    assert (status.enabled, status.recovery_codes_left) == (True, RECOVERY_CODES)
    assert len(set(recovery.recovery_codes)) == RECOVERY_CODES
    world.clock.advance(totp.STEP_SECONDS)
    await world.factors.switch_off(world.ann.id, FactorEnd("right", world.code()), HOME)
    assert not (await world.factors.status(world.ann.id)).enabled
    assert world.notices.told == [("factor_changed", True), ("factor_changed", False)]
    assert world.audit.kinds == [Kind.TOTP_ENABLED, Kind.TOTP_DISABLED]


async def test_second_factor_is_not_changed_without_the_password(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        await world.factors.offer(world.ann.id, "wrong", HOME)
    assert list(caught.value.fields) == ["password"]
    await world.switched_on()
    with pytest.raises(BadInput):
        await world.factors.switch_off(world.ann.id, FactorEnd("wrong", world.code()), HOME)
    assert (await world.factors.status(world.ann.id)).enabled


async def test_wrong_code_switches_no_second_factor(world: World) -> None:
    await world.offered()
    world.clock.advance(10 * totp.STEP_SECONDS)
    stale = world.code()
    world.clock.advance(10 * totp.STEP_SECONDS)
    with pytest.raises(BadInput) as caught:
        await world.factors.switch_on(world.ann.id, stale, HOME)
    assert list(caught.value.fields) == ["code"]
    await world.factors.switch_on(world.ann.id, world.code(), HOME)
    with pytest.raises(BadInput) as caught:
        await world.factors.switch_off(world.ann.id, FactorEnd("right", stale), HOME)
    assert list(caught.value.fields) == ["code"]
    failed = [one for one in world.audit.events if one.kind is Kind.SIGN_IN_FAILED]
    assert [one.user_id for one in failed] == [world.ann.id] * 2
    assert [one.detail for one in failed] == [{"reason": "code"}] * 2


async def test_factor_that_is_on_is_not_offered_and_one_that_is_off_not_ended(world: World) -> None:
    with pytest.raises(Conflict):
        await world.factors.switch_on(world.ann.id, "123456", HOME)
    with pytest.raises(NotFound):
        await world.factors.switch_off(world.ann.id, FactorEnd("right", "123456"), HOME)
    await world.switched_on()
    with pytest.raises(Conflict):
        await world.factors.offer(world.ann.id, "right", HOME)
    with pytest.raises(Conflict):
        await world.factors.switch_on(world.ann.id, world.code(), HOME)


async def test_new_offer_of_a_factor_replaces_the_last(world: World) -> None:
    await world.offered()
    old = world.code()
    await world.offered()
    with pytest.raises(BadInput):
        await world.factors.switch_on(world.ann.id, old, HOME)


async def test_second_factor_is_kept_sealed_and_its_codes_hashed(world: World) -> None:
    codes = await world.switched_on()
    kept = await world.store.secret(world.ann.id)
    assert kept is not None
    assert world.secret not in kept.sealed
    assert codes[0].replace("-", "").encode() not in world.store.codes[world.ann.id]
