import asyncio

import pytest

from support.factors import World
from support.proofs import HOME
from talas_api.audit.values import Kind
from talas_api.identity.factors import totp
from talas_api.identity.factors.codes import Codes
from talas_api.identity.factors.service import RECOVERY_CODES
from talas_core.errors import TooMany
from talas_core.secrets import hex256
from talas_core.security.seal import Sealer


@pytest.fixture
def world() -> World:
    return World()


async def test_authenticator_s_code_is_accepted_once(world: World) -> None:
    await world.offered()
    confirming = world.code()
    await world.factors.switch_on(world.ann.id, confirming, HOME)
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


async def test_recovery_codes_alone_work_after_another_master_key(world: World) -> None:
    codes = await world.switched_on()
    others = Codes(world.store, Sealer(hex256()), world.tries, world.audit, world.clock)
    assert not await others.accept(world.ann.id, world.code(), HOME)
    assert await others.accept(world.ann.id, codes[0], HOME)


@pytest.mark.checklist(11)
async def test_recovery_codes_alone_work_after_too_many_wrong_codes(world: World) -> None:
    codes = await world.switched_on()
    assert not await world.accepts("000000")
    assert world.tries.wrong == [world.ann.id]
    world.tries.full = True
    with pytest.raises(TooMany):
        await world.accepts(world.code())
    assert await world.accepts(codes[0])
    world.tries.full = False
    assert await world.accepts(world.code()), "what was refused was not used up"
