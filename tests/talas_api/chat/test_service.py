import asyncio
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import pytest

from support.chat_kit import LIFE, ChatKit
from support.wait import PATIENCE, auntil
from talas_api.chat import service as module
from talas_api.chat.codes import Close
from talas_api.chat.values import Kept
from talas_core.errors import Unavailable


async def test_socket_without_a_sign_in_is_closed(kit: ChatKit) -> None:
    guest, member = await kit.guest(), await kit.guest("ada")
    kit.clock.advance(10.1)
    await auntil(lambda: guest.code is Close.NO_SIGN_IN)
    assert member.code is None
    kit.clock.advance(6)
    await auntil(lambda: guest.pipe.aborted)


async def test_socket_with_an_expired_token_is_closed_unless_it_is_renewed(kit: ChatKit) -> None:
    idle, renewing = await kit.guest("ada"), await kit.guest("bob")
    kit.clock.advance(LIFE - 10)
    kit.chat.heard(idle.conversation)
    kit.chat.heard(renewing.conversation)
    assert (await renewing.ask("auth", token="bob-2"))["type"] == "auth.ok"
    kit.clock.advance(10.5)
    await auntil(lambda: idle.code is Close.EXPIRED)
    assert renewing.code is None


async def test_quiet_socket_is_pinged_and_then_closed(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    kit.clock.advance(26)
    await auntil(lambda: guest.pipe.written[-1] == b"\x89\x00")
    kit.clock.advance(15)
    await auntil(lambda: guest.pipe.aborted)


async def test_end_of_a_session_ends_its_sockets(kit: ChatKit) -> None:
    one, two, other = await kit.guest("ada"), await kit.guest("ada"), await kit.guest("ada-2")
    kit.chat.session_ended(str(kit.village.session("ada")))
    assert (one.code, two.code, other.code) == (Close.SESSION_ENDED,) * 2 + (None,)


async def test_session_ended_while_the_bus_was_away_loses_its_sockets(
    kit: ChatKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.02)
    left, banned, stays = [await kit.guest(name) for name in ("ada", "bob", "cal")]
    kit.bus.cut()
    kit.village.ended = {
        kit.village.session("ada"): Close.SESSION_ENDED,
        kit.village.session("bob"): Close.BANNED,
    }
    kit.village.away = True
    kit.bus.restore()
    await asyncio.sleep(0.05)
    assert left.code is None
    kit.village.away = False
    await auntil(lambda: left.code is Close.SESSION_ENDED and banned.code is Close.BANNED)
    assert stays.code is None


async def test_sessions_are_checked_again_and_again_while_the_bus_is_silent(
    kit: ChatKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNHEARD_SECONDS", 0.02)
    first, second, stays = [await kit.guest(name) for name in ("ada", "bob", "cal")]
    kit.hears = False
    kit.chat.doubt()  # as the silence is noticed
    for guest, name in ((first, "ada"), (second, "bob")):
        assert guest.code is None
        kit.village.ended = {kit.village.session(name): Close.SESSION_ENDED}
        await auntil(lambda guest=guest: guest.code is Close.SESSION_ENDED)
    assert stays.code is None


async def test_nothing_is_asked_of_the_database_about_sessions_while_there_are_none(
    kit: ChatKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    over = kit.village.over

    async def noted(sids: Collection[UUID], now: datetime) -> dict[UUID, Close]:
        asked.append(len(sids))
        return await over(sids, now)

    monkeypatch.setattr(kit.village, "over", noted)
    kit.chat.doubt()
    await auntil(lambda: not kit.chat._doubt)
    await kit.guest("ada")
    kit.chat.doubt()
    await auntil(lambda: asked)
    assert asked == [1]


@pytest.mark.checklist(16)
async def test_sockets_of_one_person_are_limited() -> None:
    kit = ChatKit(sockets_per_person=2)
    sockets = [await kit.guest("ada"), await kit.guest("ada-2")]
    third = await kit.guest()
    assert (await third.ask("auth", token="ada", ref=1))["code"] == "too_many"
    assert third.code is Close.TOO_MANY
    assert (await sockets[0].ask("auth", token="ada"))["type"] == "auth.ok"
    kit.chat.left(sockets[1].conversation)
    assert (await kit.guest("ada")).code is None
    await kit.close()


async def test_sockets_in_all_are_limited() -> None:
    kit = ChatKit(sockets=2)
    guests = [await kit.guest() for _ in range(2)]
    with pytest.raises(Unavailable):
        kit.chat.check_room("192.0.2.1")
    kit.chat.left(guests[0].conversation)
    kit.chat.check_room("192.0.2.1")
    await kit.close()


async def test_client_that_does_not_read_is_cut_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kit = ChatKit(queue_bytes=2_000)
    reader, sleeper = await kit.guest("ada"), await kit.guest("bob", reading=False)
    room = str(await kit.log.add_room())
    for guest in (reader, sleeper):
        await guest.ask("room.join", room=room)
    for number in range(20):
        await reader.ask("message.send", room=room, nonce=str(number), text="x" * 200)
        await auntil(lambda wanted=number + 1: len(reader.heard("message")) == wanted)
    assert sleeper.code is Close.SLOW
    assert reader.code is None
    assert sleeper.pipe.waiting < 2_000 + 1_000
    kit.clock.advance(6)
    await auntil(lambda: sleeper.pipe.aborted)
    assert "slow clients cut" in "".join(capsys.readouterr())
    await kit.close()


async def test_client_that_left_is_in_no_room(kit: ChatKit) -> None:
    ada, bob = await kit.guest("ada"), await kit.guest("bob")
    room = str(await kit.log.add_room())
    for guest in (ada, bob):
        await guest.ask("room.join", room=room)
    kit.chat.left(bob.conversation)
    await ada.ask("message.send", room=room, nonce="n", text="x")
    await auntil(lambda: ada.heard("message"))
    assert bob.heard("message") == []


async def test_drain_answers_what_was_taken_then_says_goodbye(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    room = str(await kit.log.add_room())
    await guest.ask("room.join", room=room)
    for number in range(5):
        await guest.ask("message.send", room=room, nonce=str(number), text="x")
    draining = asyncio.create_task(kit.chat.drain(1.0))
    await auntil(lambda: guest.code is Close.DRAINING)
    assert len(guest.heard("ack")) == 5
    with pytest.raises(Unavailable):
        kit.chat.check_room("192.0.2.1")
    kit.chat.left(guest.conversation)
    await asyncio.wait_for(draining, PATIENCE)


async def test_drain_ends_at_its_deadline(kit: ChatKit, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = await kit.guest("ada")
    room = str(await kit.log.add_room())
    await guest.ask("room.join", room=room)
    stuck = asyncio.Event()

    async def append(_: object) -> list[Kept]:
        await stuck.wait()
        return []

    monkeypatch.setattr(kit.log, "append", append)
    await guest.ask("message.send", room=room, nonce="n", text="x")
    await asyncio.wait_for(kit.chat.drain(0.2), PATIENCE)
    assert guest.pipe.aborted


async def test_failing_check_of_the_log_is_followed_by_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.02)
    kit = ChatKit()
    guest, room = await kit.guest("ada"), await kit.log.add_room()
    await guest.ask("room.join", room=str(room))
    asked = 0

    async def fail(_: object) -> None:
        nonlocal asked
        asked += 1
        raise RuntimeError("trouble")

    monkeypatch.setattr(kit.log, "positions", fail)
    await auntil(lambda: asked >= 2)
    await kit.close()
