import pytest

from support.chat_kit import ChatKit, room_of
from support.wait import auntil
from talas_core.ids import uuid7


async def test_rejoined_room_gives_what_was_missed_first(kit: ChatKit) -> None:
    ada, room = await kit.guest("ada"), await room_of(kit)
    joined = await ada.ask("room.join", room=room)
    for number in range(1, 6):
        await ada.ask("message.send", room=room, nonce=str(number), text=str(number))
    await auntil(lambda: len(ada.heard("message")) == 5)
    back = await kit.guest("bob")
    await back.ask("room.join", room=room, epoch=joined["epoch"], offset=2, ref=9)
    said = [one for one in back.pipe.said() if one["type"] != "auth.ok"]
    assert (said[0]["type"], said[0]["offset"], said[0]["recovered"]) == ("room.joined", 5, True)
    assert [one["offset"] for one in said[1:]] == [3, 4, 5]
    await ada.ask("message.send", room=room, nonce="6", text="6")
    await auntil(lambda: [one["offset"] for one in back.heard("message")] == [3, 4, 5, 6])


@pytest.mark.parametrize(("given", "missing"), [("offset", "epoch"), ("epoch", "offset")])
async def test_join_with_epoch_or_offset_alone_is_refused(
    kit: ChatKit, given: str, missing: str
) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    half = {"offset": 0, "epoch": str(uuid7())}[given]
    reply = await guest.ask("room.join", room=room, **{given: half})
    assert (reply["type"], reply["code"], reply["field"]) == ("error", "bad_input", missing)
    problem = "is missing: to resume takes epoch and offset, and"
    assert reply["message"] == f"{missing} {problem} {given} came alone."


@pytest.mark.parametrize(("epoch", "offset"), [("same", 1000), ("other", 0)])
async def test_join_that_cannot_be_resumed_says_so(kit: ChatKit, epoch: str, offset: int) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    joined = await guest.ask("room.join", room=room)
    assert "recovered" not in joined
    wanted = joined["epoch"] if epoch == "same" else str(uuid7())
    reply = await guest.ask("room.join", room=room, epoch=wanted, offset=offset)
    assert reply["recovered"] is False


async def test_room_joined_twice_sends_each_message_once(kit: ChatKit) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    for _ in range(2):
        assert (await guest.ask("room.join", room=room))["type"] == "room.joined"
    await guest.ask("message.send", room=room, nonce="n", text="x")
    await auntil(lambda: guest.heard("ack"))
    assert len(guest.heard("message")) == 1
