"""Signing keys: asked for until they are here, and again when they change."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from support.stream import FakeApi
from support.tokens import KEY_ID, PUBLIC_KEYS, token
from support.wait import auntil
from talas_core import messages
from talas_core.clock import SystemClock
from talas_core.errors import Unauthorized, Unavailable
from talas_core.messages import KeySet, Nothing, PublicKey, SessionEnded
from talas_core.security.tokens import TokenVerifier
from talas_stream.access import keys as module
from talas_stream.access.keys import Keys


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)


@contextlib.asynccontextmanager
async def kept(api: FakeApi) -> AsyncIterator[Keys]:
    keys = Keys(api.bus, TokenVerifier(KeySet(()), SystemClock()), SystemClock())
    await keys.start()
    try:
        yield keys
    finally:
        await keys.stop()


async def usable(keys: Keys, text: str) -> bool:
    try:
        return bool(keys.tokens.verify(text).sub)
    except Unauthorized:
        return False


async def test_tokens_are_refused_until_the_keys_have_come() -> None:
    api = FakeApi()
    api.keys = PUBLIC_KEYS
    async with kept(api) as keys:
        with pytest.raises(Unavailable, match="signing keys"):
            await keys.check()
        assert not await usable(keys, token())
        await api.start()
        await auntil(lambda: usable(keys, token()))
        await keys.check()


async def test_a_change_of_keys_is_asked_for() -> None:
    api = FakeApi()
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: keys._have)
        assert not await usable(keys, token())
        api.keys = PUBLIC_KEYS
        await api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))
        await auntil(lambda: usable(keys, token()))


async def test_a_lost_bus_is_told_and_its_return_asks_again() -> None:
    api = FakeApi()
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: keys._have)
        api.bus.cut()
        with pytest.raises(Unavailable, match="not connected"):
            await keys.check()
        api.keys = PUBLIC_KEYS
        api.bus.restore()
        await auntil(lambda: usable(keys, token()))


async def test_an_ended_session_is_refused_here_too() -> None:
    api = FakeApi()
    api.keys = PUBLIC_KEYS
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: usable(keys, token(sid="s9")))
        ended = messages.encode(SessionEnded("s9", "u1"))
        await api.bus.publish(messages.SESSION_ENDED, ended)
        await auntil(lambda: _refused(keys, token(sid="s9")))
        assert await usable(keys, token(sid="s8"))


async def test_what_ended_before_this_process_asked_is_refused_with_the_first_keys() -> None:
    api = FakeApi()
    api.keys = KeySet(PUBLIC_KEYS.keys, ("s9",))
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: usable(keys, token(sid="s8")))
        assert not await usable(keys, token(sid="s9"))


async def test_what_ended_without_a_bus_is_known_once_it_is_back() -> None:
    api = FakeApi()
    api.keys = PUBLIC_KEYS
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: usable(keys, token(sid="s9")))
        api.bus.cut()
        api.keys = KeySet(PUBLIC_KEYS.keys, ("s9",))
        assert await usable(keys, token(sid="s9"))
        api.bus.restore()
        await auntil(lambda: _refused(keys, token(sid="s9")))
        assert await usable(keys, token(sid="s8"))


async def test_token_is_not_taken_while_its_end_could_not_be_heard_of() -> None:
    api = FakeApi()
    api.keys = PUBLIC_KEYS
    await api.start()

    with capture_logs() as logs:
        async with kept(api) as keys:
            await auntil(lambda: _well(keys))
            api.bus.hub.freeze()
            await auntil(lambda: [line for line in logs if line["event"] == "bus is silent"])
            assert not await _well(keys)
            with pytest.raises(Unavailable, match="silent"):
                await keys.check()
            api.keys = KeySet(PUBLIC_KEYS.keys, ("s9",))
            api.bus.hub.thaw()
            await auntil(lambda: _well(keys))
            with pytest.raises(Unauthorized):
                keys.verify(token(sid="s9"))
            await keys.check()


async def test_token_is_not_taken_after_a_silence_until_what_was_missed_was_told() -> None:
    api, answer = FakeApi(), asyncio.Event()
    answer.set()

    async def tell(_: bytes) -> bytes:
        await answer.wait()
        return messages.encode(PUBLIC_KEYS)

    await api.bus.serve(messages.KEYS_LIST, tell)
    async with kept(api) as keys:
        await auntil(lambda: _well(keys))
        answer.clear()
        api.bus.cut()
        api.bus.restore()
        await auntil(lambda: _heard(keys))
        with pytest.raises(Unavailable):
            keys.verify(token())
        answer.set()
        await auntil(lambda: _well(keys))


async def _heard(keys: Keys) -> bool:
    with contextlib.suppress(Unavailable):
        await keys.check()
        return True
    return False


async def _well(keys: Keys) -> bool:
    with contextlib.suppress(Unavailable, Unauthorized):
        return bool(keys.verify(token()).sub)
    return False


async def test_change_that_was_not_announced_is_asked_for_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ASK_AGAIN_SECONDS", 0.02)
    api = FakeApi()
    api.keys = PUBLIC_KEYS
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: usable(keys, token(sid="s9")))
        api.keys = KeySet(PUBLIC_KEYS.keys, ("s9",))
        await auntil(lambda: _refused(keys, token(sid="s9")))


async def test_an_end_between_question_and_answer_is_not_lost() -> None:
    """The answer was made before the session ended, and comes after its announcement."""
    api = FakeApi()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(_: bytes) -> bytes:
        asked.set()
        await answer.wait()
        return messages.encode(PUBLIC_KEYS)

    await api.bus.serve(messages.KEYS_LIST, slowly)
    async with kept(api) as keys:
        await asked.wait()
        ended = messages.encode(SessionEnded("s9", "u1"))
        await api.bus.publish(messages.SESSION_ENDED, ended)
        answer.set()
        await auntil(lambda: usable(keys, token(sid="s8")))
        assert not await usable(keys, token(sid="s9"))


async def test_tokens_older_than_what_is_told_are_void() -> None:
    api = FakeApi()
    api.keys = KeySet(PUBLIC_KEYS.keys, (), time.time() - 3600)
    await api.start()
    async with kept(api) as keys:
        await auntil(lambda: usable(keys, token()))
        api.keys = KeySet(PUBLIC_KEYS.keys, (), time.time())
        await api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))
        await auntil(lambda: _refused(keys, token()))


async def _refused(keys: Keys, text: str) -> bool:
    return not await usable(keys, text)


async def test_an_answer_that_makes_no_sense_is_logged_and_asked_for_again() -> None:
    api = FakeApi()
    api.keys = KeySet((PublicKey(KEY_ID, b"too short"),))
    await api.start()
    with capture_logs() as logs:
        async with kept(api) as keys:
            await auntil(lambda: logs)
            api.keys = PUBLIC_KEYS
            await auntil(lambda: usable(keys, token()))
    assert {line["event"] for line in logs} == {"the signing keys cannot be used"}


async def test_keys_that_were_withdrawn_stop_passing() -> None:
    api = FakeApi()
    api.keys = PUBLIC_KEYS
    await api.start()
    other = Ed25519PrivateKey.generate().public_key()
    async with kept(api) as keys:
        await auntil(lambda: usable(keys, token()))
        api.keys = KeySet((PublicKey("k2", other.public_bytes(Encoding.Raw, PublicFormat.Raw)),))
        await api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))
        await auntil(lambda: _refused(keys, token()))


async def test_stopping_before_starting_is_harmless() -> None:
    await Keys(FakeApi().bus, TokenVerifier(KeySet(()), SystemClock()), SystemClock()).stop()
