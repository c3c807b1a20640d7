import asyncio
import contextlib
from collections.abc import AsyncIterator

import jwt
import pytest

from support.fakes import MemoryKeys, memory_keys
from support.wait import PATIENCE, auntil
from talas_api.identity.keys.upkeep import Upkeep
from talas_core.clock import FakeClock
from talas_core.errors import Unauthorized, Unavailable
from talas_core.messages import KeySet
from talas_core.security.seal import Sealer
from talas_core.security.tokens import TokenVerifier

SEALER = Sealer("ab" * 32)


class Kit:
    """An upkeep that looks without waiting."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryKeys()
        self.keys = memory_keys(self.store, SEALER, self.clock)
        self.verifier = TokenVerifier(KeySet(()), self.clock)
        self.told = 0
        self.upkeep = Upkeep(self.keys, self.verifier, self, every=0.001)

    async def keys_changed(self) -> None:
        self.told += 1

    def token(self) -> str:
        now = int(self.clock.now().timestamp())
        return self.keys.sign(
            {"sub": "u", "sid": "s", "role": "user", "iat": now, "nbf": now, "exp": now + 900}
        )


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    kit = Kit()
    await kit.upkeep.begin()
    yield kit
    kit.upkeep.close()


async def test_keys_read_first_are_announced_and_verify(kit: Kit) -> None:
    assert kit.told == 1
    assert kit.verifier.verify(kit.token()).sub == "u"


@pytest.mark.checklist(6)
async def test_a_due_key_gets_its_successor_without_being_asked(kit: Kit) -> None:
    old = kit.token()
    kit.clock.advance(30 * 86_400)
    await auntil(lambda: len(kit.keys.public.keys) == 2)
    await auntil(lambda: kit.told == 2)
    kit.clock.advance(3600)
    kids = [jwt.get_unverified_header(token)["kid"] for token in (old, kit.token())]
    assert len(set(kids)) == 2
    assert kit.verifier.verify(kit.token())


async def test_upkeep_goes_on_after_a_database_that_was_away(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, errors = (
        kit.store.all,
        [Unavailable("away"), RuntimeError("a fault"), Unavailable("away")],
    )

    async def unlucky() -> list[object]:
        if errors:
            raise errors.pop()
        return list(await real())

    monkeypatch.setattr(kit.store, "all", unlucky)
    kit.clock.advance(30 * 86_400)
    await auntil(lambda: len(kit.keys.public.keys) == 2)


async def test_keys_read_again_are_those_of_other_processes(kit: Kit) -> None:
    kit.upkeep.close()
    token, before = kit.token(), kit.keys.public
    kit.store.keys.clear()
    for _ in range(3):
        kit.upkeep.again()
    await auntil(lambda: kit.keys.public != before)
    assert kit.verifier.verify(kit.token())
    with pytest.raises(Unauthorized):
        kit.verifier.verify(token)
    assert kit.told == 1


async def test_closed_upkeep_leaves_nothing_running(kit: Kit) -> None:
    kit.upkeep.again()
    kit.upkeep.close()
    running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in running:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, PATIENCE)
