from support.chat_kit import ChatKit, room_of
from support.wait import auntil


async def test_member_who_left_hears_nothing_more(kit: ChatKit) -> None:
    ada, bob, room = await kit.guest("ada"), await kit.guest("bob"), await room_of(kit)
    for guest in (ada, bob):
        await guest.ask("room.join", room=room)
    await bob.ask("room.leave", room=room)
    await ada.ask("message.send", room=room, nonce="n", text="x")
    await auntil(lambda: ada.heard("message"))
    assert bob.heard("message") == []
