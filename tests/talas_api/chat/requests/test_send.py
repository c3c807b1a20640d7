import pytest

from support.chat_kit import ChatKit, room_of
from support.wait import auntil
from talas_api.chat.delivery import outbox


async def test_message_to_a_room_not_joined_is_refused(kit: ChatKit) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    send = {"room": room, "nonce": "n", "text": "x"}
    assert (await guest.ask("message.send", **send))["code"] == "not_joined"
    await guest.ask("room.join", room=room)
    await guest.ask("room.leave", room=room, ref=1)
    assert guest.pipe.last() == {"type": "room.left", "room": room, "ref": 1}
    assert (await guest.ask("message.send", **send))["code"] == "not_joined"
    assert (await guest.ask("room.leave", room=room))["code"] == "not_joined"
    assert kit.log.count("append") == 0


async def test_error_of_a_commit_has_the_request_s_ref(kit: ChatKit) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    await guest.ask("room.join", room=room)
    kit.log.away = True
    await guest.ask("message.send", room=room, nonce="n", text="x", ref=1)
    await auntil(lambda: guest.heard("error"))
    assert (guest.pipe.last()["code"], guest.pipe.last()["ref"]) == ("unavailable", 1)
    kit.log.away = False
    await guest.ask("message.send", room=room, nonce="n", text="x", ref=2)
    await auntil(lambda: guest.heard("ack"))
    await guest.ask("message.send", room=room, nonce="n", text="y", ref=3)
    await auntil(lambda: len(guest.heard("error")) == 2)
    assert (guest.pipe.last()["code"], guest.pipe.last()["ref"]) == ("nonce_reused", 3)


async def test_message_for_a_full_or_closed_outbox_is_unavailable(
    kit: ChatKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = await kit.guest("ada")
    room = (await guest.ask("room.create", name="Hall"))["room"]
    monkeypatch.setattr(outbox, "MOST_WAITING", 0)
    send = {"room": room, "nonce": "n", "text": "x"}
    assert (await guest.ask("message.send", **send))["code"] == "unavailable"
    monkeypatch.undo()
    await kit.chat._outbox.flush()
    assert (await guest.ask("message.send", **send))["code"] == "unavailable"
    assert guest.code is None
