import pytest

from support.chat_kit import ChatKit
from support.wait import auntil
from talas_api.chat.codes import Close
from talas_api.chat.delivery import outbox
from talas_api.chat.limits import Limits
from talas_core.ids import uuid7


async def room_of(kit: ChatKit) -> str:
    return str(await kit.log.add_room())


async def test_sign_in_comes_first(kit: ChatKit) -> None:
    guest = await kit.guest()
    room = await room_of(kit)
    for kind, members in (
        ("room.create", {"name": "Hall"}),
        ("room.join", {"room": room}),
        ("room.leave", {"room": room}),
        ("room.remove", {"room": room}),
        ("message.send", {"room": room, "nonce": "n", "text": "x"}),
        ("history", {"room": room}),
    ):
        reply = await guest.ask(kind, **members, ref=kind)
        assert (reply["type"], reply["code"], reply["ref"]) == ("error", "unauthorized", kind)
    assert (await guest.ask("ping", ref=1)) == {"type": "pong", "ref": 1}
    reply = await guest.ask("auth", token="ada", ref=2)
    assert (reply["type"], reply["user"]["username"], reply["ref"]) == ("auth.ok", "ada", 2)


async def test_a_refused_token_may_be_followed_by_a_good_one(kit: ChatKit) -> None:
    guest = await kit.guest()
    assert (await guest.ask("auth", token="stranger"))["code"] == "unauthorized"
    assert (await guest.ask("auth", token="ada"))["type"] == "auth.ok"
    kit.village.away = True
    assert (await guest.ask("auth", token="ada"))["code"] == "unavailable"


async def test_a_socket_stays_its_person_s(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    assert (await guest.ask("auth", token="ada-2"))["type"] == "auth.ok"
    assert (await guest.ask("auth", token="bob"))["code"] == "unauthorized"
    assert guest.conversation.person is not None
    assert guest.conversation.person.sender.username == "ada"


async def test_who_makes_a_room_is_in_it(kit: ChatKit) -> None:
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


async def test_sending_needs_the_room(kit: ChatKit) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    send = {"room": room, "nonce": "n", "text": "x"}
    assert (await guest.ask("message.send", **send))["code"] == "not_joined"
    await guest.ask("room.join", room=room)
    await guest.ask("room.leave", room=room, ref=1)
    assert guest.pipe.last() == {"type": "room.left", "room": room, "ref": 1}
    assert (await guest.ask("message.send", **send))["code"] == "not_joined"
    assert (await guest.ask("room.leave", room=room))["code"] == "not_joined"
    assert kit.log.count("append") == 0


async def test_who_made_a_room_removes_it_and_all_in_it_are_told(kit: ChatKit) -> None:
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


async def test_a_removed_room_takes_no_place_on_its_members_sockets() -> None:
    kit = ChatKit(rooms_per_socket=1)
    guest = await kit.guest("ada")
    for name in ("One", "Two"):
        room = (await guest.ask("room.create", name=name))["room"]
        assert (await guest.ask("room.remove", room=room))["type"] == "room.removed"
    assert (await guest.ask("room.create", name="Three"))["type"] == "room.created"
    await kit.close()


async def test_who_left_hears_nothing_more(kit: ChatKit) -> None:
    ada, bob, room = await kit.guest("ada"), await kit.guest("bob"), await room_of(kit)
    for guest in (ada, bob):
        await guest.ask("room.join", room=room)
    await bob.ask("room.leave", room=room)
    await ada.ask("message.send", room=room, nonce="n", text="x")
    await auntil(lambda: ada.heard("message"))
    assert bob.heard("message") == []


async def test_a_room_that_is_not_there(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    for kind in ("room.join", "history"):
        assert (await guest.ask(kind, room=str(uuid7())))["code"] == "not_found"


async def test_coming_back_gives_what_was_missed_first(kit: ChatKit) -> None:
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
async def test_half_of_where_to_go_on_is_refused(kit: ChatKit, given: str, missing: str) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    half = {"offset": 0, "epoch": str(uuid7())}[given]
    reply = await guest.ask("room.join", room=room, **{given: half})
    assert (reply["type"], reply["code"], reply["field"]) == ("error", "bad_input", missing)


@pytest.mark.parametrize(("epoch", "offset"), [("same", 1000), ("other", 0)])
async def test_what_cannot_be_resumed_is_said(kit: ChatKit, epoch: str, offset: int) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    joined = await guest.ask("room.join", room=room)
    assert "recovered" not in joined
    wanted = joined["epoch"] if epoch == "same" else str(uuid7())
    reply = await guest.ask("room.join", room=room, epoch=wanted, offset=offset)
    assert reply["recovered"] is False


async def test_joining_twice_is_being_there_once(kit: ChatKit) -> None:
    guest, room = await kit.guest("ada"), await room_of(kit)
    for _ in range(2):
        assert (await guest.ask("room.join", room=room))["type"] == "room.joined"
    await guest.ask("message.send", room=room, nonce="n", text="x")
    await auntil(lambda: guest.heard("ack"))
    assert len(guest.heard("message")) == 1


async def test_rooms_on_a_socket_are_counted() -> None:
    kit = ChatKit(rooms_per_socket=2)
    guest = await kit.guest("ada")
    rooms = [await room_of(kit) for _ in range(3)]
    for room in rooms[:2]:
        await guest.ask("room.join", room=room)
    for kind, members in (("room.join", {"room": rooms[2]}), ("room.create", {"name": "More"})):
        assert (await guest.ask(kind, **members))["code"] == "too_many"
    assert (await guest.ask("room.join", room=rooms[0]))["type"] == "room.joined"
    await kit.close()


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


async def test_errors_of_a_commit_carry_the_ref(kit: ChatKit) -> None:
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


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("auth", {"token": "ada"}),
        ("room.create", {"name": "Hall"}),
        ("room.join", {"room": "other"}),
        ("room.remove", {"room": "here"}),
        ("message.send", {"room": "here", "nonce": "n", "text": "x"}),
        ("history", {"room": "here"}),
    ],
)
async def test_request_while_the_database_is_away_is_unavailable_and_works_again_once_it_is_back(
    kit: ChatKit, kind: str, members: dict[str, str]
) -> None:
    guest = await kit.guest("ada")
    rooms = {"here": (await guest.ask("room.create", name="Here"))["room"],
             "other": await room_of(kit)}  # fmt: skip
    members = members | {"room": rooms[members["room"]]} if "room" in members else members
    kit.log.away = kit.village.away = True
    await guest.ask(kind, **members, ref=1)
    await auntil(lambda: guest.heard("error"))
    assert (guest.pipe.last()["code"], guest.pipe.last()["ref"]) == ("unavailable", 1)
    assert guest.code is None
    kit.log.away = kit.village.away = False
    await guest.ask(kind, **members, ref=2)
    await auntil(lambda: guest.pipe.last().get("ref") == 2 or guest.heard("ack"))
    assert len(guest.heard("error")) == 1


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


async def test_a_fault_of_ours_is_told_without_its_words(kit: ChatKit) -> None:
    guest = await kit.guest()
    reply = await guest.ask("auth", token="trouble", ref=1)
    assert (reply["code"], reply["ref"]) == ("internal", 1)
    assert "trouble" not in reply["message"]


async def test_wrong_members_are_told_and_nonsense_ends_the_socket(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    reply = await guest.ask("message.send", room="x", ref=4)
    assert (reply["code"], reply["field"], reply["ref"]) == ("bad_input", "room", 4)
    await guest.conversation.receive(b"nonsense")
    assert guest.code is Close.BROKEN
    said = len(guest.pipe.written)
    await guest.ask("ping")
    assert len(guest.pipe.written) == said


async def test_half_an_emoji_is_bad_input_and_what_follows_is_heard(kit: ChatKit) -> None:
    """A browser that cuts a text at so many units sends it."""
    room = await room_of(kit)
    guest = await kit.guest("ada")
    await guest.ask("room.join", room=room)
    send = b'{"type":"message.send","room":"%b","nonce":"%b","text":"hello %b","ref":%b}'
    await guest.conversation.receive(send % (room.encode(), b"a", rb"\ud83d", b"1"))
    reply = guest.pipe.last()
    assert (reply["code"], reply["ref"], guest.code) == ("bad_input", 1, None)
    await guest.ask("message.send", room=room, nonce="b", text="hello again")
    await auntil(lambda: guest.heard("ack"))
    assert guest.heard("ack")[0]["offset"] == 1


async def test_text_that_is_not_utf_8_ends_the_socket_with_1007(kit: ChatKit) -> None:
    room = await room_of(kit)
    for raw in (
        b"\xff",
        b'{"type":"ping","ref":"\xff"}',
        b'{"type":"ping","unknown":"\xc0\x80"}',
        b'{"type":"message.send","room":"%b","nonce":"n","text":"\xed\xa0\x80"}' % room.encode(),
    ):
        guest = await kit.guest("ada")
        await guest.conversation.receive(raw)
        assert guest.code is Close.NOT_UTF8, raw


@pytest.mark.checklist(16)
async def test_before_the_sign_in_little_may_be_asked() -> None:
    kit = ChatKit(requests_per_second=100.0, stranger_frames=4.0)
    guest = await kit.guest()
    for kind in ["pong"] * 4 + ["error"] * 4:
        assert (await guest.ask("ping"))["type"] == kind
    await guest.conversation.receive(b'{"type":"ping"}')
    assert guest.code is Close.TOO_MANY
    await kit.close()


async def test_the_sign_in_brings_the_whole_allowance() -> None:
    kit = ChatKit(requests_per_second=3.0, burst_seconds=10.0, stranger_frames=4.0)
    guest = await kit.guest()
    for _ in range(3):
        assert (await guest.ask("ping"))["type"] == "pong"
    assert (await guest.ask("auth", token="ada"))["type"] == "auth.ok"
    for _ in range(26):
        assert (await guest.ask("ping"))["type"] == "pong"
    assert (await guest.ask("ping"))["code"] == "too_many"
    await kit.close()


@pytest.mark.checklist(16)
async def test_control_frames_and_parts_use_the_same_allowance() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=10.0)
    guest = await kit.guest("ada")
    assert all(guest.conversation.may_go_on(0) for _ in range(9))
    assert (await guest.ask("ping"))["code"] == "too_many"
    assert all(guest.conversation.may_go_on(0) for _ in range(9))
    assert guest.code is None
    assert not guest.conversation.may_go_on(0)
    assert guest.code is Close.TOO_MANY
    await kit.close()


@pytest.mark.checklist(16)
async def test_a_frame_counts_once_more_for_each_16_kib() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=10.0)
    guest = await kit.guest("ada")
    large = b'{"type":"ping"}'.ljust(64 * 1024)
    await guest.conversation.receive(large)
    assert guest.pipe.last()["type"] == "pong"
    await guest.conversation.receive(large)
    assert guest.pipe.last()["code"] == "too_many"
    for _ in range(4):
        assert (await guest.ask("ping"))["type"] == "pong"
    await kit.close()


async def test_what_comes_after_our_goodbye_is_counted_and_not_done(kit: ChatKit) -> None:
    guest = await kit.guest()
    await guest.conversation.receive(b"nonsense")
    most = 2 * int(Limits().stranger_frames)
    assert [guest.conversation.may_go_on(0) for _ in range(most + 1)].count(True) <= most
    assert guest.code is Close.BROKEN


@pytest.mark.checklist(16)
async def test_who_asks_too_much_is_told_and_who_goes_on_is_closed() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=10.0)
    guest = await kit.guest("ada")
    for _ in range(9):
        assert (await guest.ask("ping"))["type"] == "pong"
    for number in range(10):
        reply = await guest.ask("ping", ref=number)
        assert (reply["code"], reply["ref"]) == ("too_many", number)
    await guest.conversation.receive(b'{"type":"ping"}')
    assert guest.code is Close.TOO_MANY
    await kit.close()


async def test_the_allowance_comes_back_and_wrong_frames_use_it_too() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=10.0)
    guest = await kit.guest("ada")
    for _ in range(9):
        assert (await guest.ask("nonsense"))["code"] == "bad_input"
    assert (await guest.ask("nonsense"))["code"] == "too_many"
    kit.clock.advance(1.0)
    assert (await guest.ask("ping"))["type"] == "pong"
    await kit.close()


async def test_making_a_room_costs_more() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=20.0)
    guest = await kit.guest("ada")
    assert (await guest.ask("room.create", name="One"))["type"] == "room.created"
    assert (await guest.ask("room.create", name="Two"))["code"] == "too_many"
    assert (await guest.ask("ping"))["type"] == "pong"
    await kit.close()
