from support.chat_kit import ChatKit
from support.wait import auntil


async def test_maker_of_a_room_is_in_it(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    made = await guest.ask("room.create", name="Hall", ref=1)
    assert (made["type"], made["offset"], made["ref"]) == ("room.created", 0, 1)
    await guest.ask("message.send", room=made["room"], nonce="n", text="hello", ref=2)
    await auntil(lambda: guest.heard("message") and guest.heard("ack"))
    ack, message = guest.heard("ack")[0], guest.heard("message")[0]
    assert ack == {"type": "ack", "nonce": "n", "room": made["room"], "offset": 1,
                   "id": message["id"], "ref": 2}  # fmt: skip
    assert (message["text"], message["sender"]["username"]) == ("hello", "ada")
    assert "ref" not in message


async def test_making_a_room_costs_more_of_the_allowance_than_a_ping() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=20.0)
    guest = await kit.guest("ada")
    assert (await guest.ask("room.create", name="One"))["type"] == "room.created"
    assert (await guest.ask("room.create", name="Two"))["code"] == "too_many"
    assert (await guest.ask("ping"))["type"] == "pong"
    await kit.close()
