from support.chat_kit import ChatKit, room_of


async def test_removed_room_does_not_count_on_its_members_sockets() -> None:
    kit = ChatKit(rooms_per_socket=1)
    guest = await kit.guest("ada")
    for name in ("One", "Two"):
        room = (await guest.ask("room.create", name=name))["room"]
        assert (await guest.ask("room.remove", room=room))["type"] == "room.removed"
    assert (await guest.ask("room.create", name="Three"))["type"] == "room.created"
    await kit.close()


async def test_rooms_on_a_socket_are_limited() -> None:
    kit = ChatKit(rooms_per_socket=2)
    guest = await kit.guest("ada")
    rooms = [await room_of(kit) for _ in range(3)]
    for room in rooms[:2]:
        await guest.ask("room.join", room=room)
    for kind, members in (("room.join", {"room": rooms[2]}), ("room.create", {"name": "More"})):
        assert (await guest.ask(kind, **members))["code"] == "too_many"
    assert (await guest.ask("room.join", room=rooms[0]))["type"] == "room.joined"
    await kit.close()
