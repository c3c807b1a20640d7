from support.chat_kit import ChatKit, room_of
from support.wait import auntil


async def test_history_is_read_page_by_page(kit: ChatKit) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    await guest.ask("room.join", room=room)
    for number in range(1, 6):
        await guest.ask("message.send", room=room, nonce=str(number), text=str(number))
    await auntil(lambda: len(guest.heard("ack")) == 5)
    page = await guest.ask("history", room=room, limit=3, ref="h")
    assert ([one["text"] for one in page["messages"]], page["next"]) == (["3", "4", "5"], 3)
    page = await guest.ask("history", room=room, limit=3, before=page["next"])
    assert ([one["text"] for one in page["messages"]], page["next"]) == (["1", "2"], None)
