import pytest

from support.chat_kit import ChatKit, room_of
from support.wait import auntil
from talas_api.chat.codes import Close
from talas_api.chat.limits import Limits
from talas_core.ids import uuid7


async def test_request_before_the_sign_in_is_unauthorized(kit: ChatKit) -> None:
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


async def test_request_for_an_unknown_room_is_not_found(kit: ChatKit) -> None:
    guest = await kit.guest("ada")
    for kind in ("room.join", "history"):
        assert (await guest.ask(kind, room=str(uuid7())))["code"] == "not_found"


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


async def test_fault_of_ours_is_told_without_its_words(kit: ChatKit) -> None:
    guest = await kit.guest()
    reply = await guest.ask("auth", token="trouble", ref=1)
    assert (reply["code"], reply["ref"]) == ("internal", 1)
    assert "trouble" not in reply["message"]


async def test_a_reply_that_cannot_be_said_is_a_fault_of_ours_and_what_follows_is_heard(
    kit: ChatKit,
) -> None:
    guest = await kit.guest()
    reply = await guest.ask("auth", token="unsayable", ref=1)
    assert (reply["type"], reply["code"], reply["ref"]) == ("error", "internal", 1)
    assert (await guest.ask("ping", ref=2)) == {"type": "pong", "ref": 2}


async def test_frame_with_wrong_members_is_told_and_nonsense_ends_the_socket(kit: ChatKit) -> None:
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
async def test_requests_before_the_sign_in_have_a_small_allowance() -> None:
    kit = ChatKit(requests_per_second=100.0, stranger_frames=4.0)
    guest = await kit.guest()
    for kind in ["pong"] * 4 + ["error"] * 4:
        assert (await guest.ask("ping"))["type"] == kind
    await guest.conversation.receive(b'{"type":"ping"}')
    assert guest.code is Close.TOO_MANY
    await kit.close()


async def test_sign_in_gives_the_whole_allowance() -> None:
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


async def test_request_after_our_goodbye_is_counted_and_not_done(kit: ChatKit) -> None:
    guest = await kit.guest()
    await guest.conversation.receive(b"nonsense")
    most = 2 * int(Limits().stranger_frames)
    assert [guest.conversation.may_go_on(0) for _ in range(most + 1)].count(True) <= most
    assert guest.code is Close.BROKEN


@pytest.mark.checklist(16)
async def test_client_over_its_allowance_is_told_and_then_closed() -> None:
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


async def test_allowance_comes_back_with_time_and_wrong_frames_use_it_too() -> None:
    kit = ChatKit(requests_per_second=1.0, burst_seconds=10.0)
    guest = await kit.guest("ada")
    for _ in range(9):
        assert (await guest.ask("nonsense"))["code"] == "bad_input"
    assert (await guest.ask("nonsense"))["code"] == "too_many"
    kit.clock.advance(1.0)
    assert (await guest.ask("ping"))["type"] == "pong"
    await kit.close()
