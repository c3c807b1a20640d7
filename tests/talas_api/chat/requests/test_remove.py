from support.chat_kit import ChatKit


async def test_room_removed_by_its_maker_is_told_to_all_in_it(kit: ChatKit) -> None:
    ada, bob = await kit.guest("ada"), await kit.guest("bob")
    room = (await ada.ask("room.create", name="Hall"))["room"]
    await bob.ask("room.join", room=room)
    assert (await bob.ask("room.remove", room=room, ref=1))["code"] == "forbidden"
    assert (await ada.ask("room.remove", room=room, ref=2)) == {
        "type": "room.removed", "room": room, "ref": 2,
    }  # fmt: skip
    assert bob.heard("room.removed") == [{"type": "room.removed", "room": room}]
    send = {"room": room, "nonce": "n", "text": "x"}
    for guest in (ada, bob):
        assert (await guest.ask("message.send", **send))["code"] == "not_joined"
        assert (await guest.ask("room.leave", room=room))["code"] == "not_joined"
        for kind in ("room.join", "history", "room.remove"):
            assert (await guest.ask(kind, room=room))["code"] == "not_found"
