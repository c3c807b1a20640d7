"""A conversation, frame by frame: what is measured, and what is caught."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.chat.conversation import ANSWER_SECONDS, Conversation

ROOM, EPOCH = "room-1", "epoch-1"


class Server:
    """The other side: keeps the frames that came, and says what the test wants."""

    def __init__(self, room: str = ROOM) -> None:
        self.person = Conversation("token", "crowd", "1", room)
        self.asked: list[dict[str, Any]] = []

    def take(self) -> list[dict[str, Any]]:
        """What was sent since the last call."""
        sent = [msgspec.json.decode(frame) for frame in self.person.take_outgoing()]
        self.asked += sent
        return sent

    def tell(self, now: float, **frame: object) -> list[tuple[str, str]]:
        """Names and problems of what a frame leads to."""
        raw = msgspec.json.encode(frame)
        return [(result.name, result.problem) for result in self.person.receive(raw, now)]

    def enter(self, now: float = 0, offset: int = 0, **joined: object) -> list[tuple[str, str]]:
        """Sign in and join."""
        self.person.opened(now)
        self.tell(now, type="auth.ok", ref=self.take()[0]["ref"])
        asked = self.take()[0]
        kind = "room.created" if asked["type"] == "room.create" else "room.joined"
        return self.tell(now, type=kind, room=ROOM, epoch=EPOCH, offset=offset, ref=asked["ref"],
                         **joined)  # fmt: skip

    def send(self, now: float) -> dict[str, Any]:
        self.person.say(now)
        return self.take()[0]

    def ack(self, sent: dict[str, Any], offset: int, now: float = 0) -> list[tuple[str, str]]:
        return self.tell(now, type="ack", nonce=sent["nonce"], offset=offset, ref=sent["ref"])

    def deliver(self, text: str, offset: int, now: float = 0) -> list[tuple[str, str]]:
        return self.tell(now, type="message", room=ROOM, offset=offset, text=text)


@pytest.fixture
def server() -> Server:
    entered = Server()
    entered.enter()
    return entered


def test_conversation_signs_in_and_joins_its_room() -> None:
    server = Server()
    assert server.enter(offset=7) == [("room.join", "")]
    assert server.person.ready
    assert [frame["type"] for frame in server.asked] == ["auth", "room.join"]
    assert server.asked[0]["token"] == "token"


def test_conversation_without_a_room_makes_one() -> None:
    server = Server(room="")
    server.enter()
    assert server.asked[1]["type"] == "room.create"
    assert server.person.room == ROOM


def test_times_to_send_ack_and_deliver_are_measured(server: Server) -> None:
    sent = server.send(10)
    assert not server.person.settled
    ack = msgspec.json.encode(
        {"type": "ack", "nonce": sent["nonce"], "offset": 1, "ref": sent["ref"]}
    )
    message = msgspec.json.encode({"type": "message", "offset": 1, "text": sent["text"]})
    assert server.person.receive(ack, 10.02)[0].ms == pytest.approx(20)
    assert server.person.receive(message, 10.03)[0].ms == pytest.approx(30)
    assert server.person.settled
    assert server.person.take_counts() == {"chat.acked": 1, "chat.delivered": 1}
    assert server.person.take_counts() == {}


def test_delivery_before_its_ack_is_measured_too(server: Server) -> None:
    sent = server.send(1)
    server.deliver(sent["text"], 1)
    assert not server.person.settled
    server.ack(sent, 1)
    assert server.person.settled


def test_messages_of_others_are_measured_by_the_time_in_their_text(server: Server) -> None:
    assert server.deliver("crowd.2.1 5.000000 hello", 1, now=5.1) == [("publish to deliver", "")]
    assert server.deliver("a stranger's words", 2) == []


def test_gap_in_the_offsets_counts_as_lost_messages(server: Server) -> None:
    assert server.deliver("x", 1) == []
    assert server.deliver("x", 4) == [("publish to deliver", "a gap in the offsets")]
    assert server.person.take_counts()["chat.lost"] == 2


def test_old_offset_counts_as_out_of_order(server: Server) -> None:
    server.deliver("x", 1)
    assert server.deliver("x", 1) == [("publish to deliver", "an offset that had been")]
    assert server.person.take_counts()["chat.reordered"] == 1


def test_a_message_that_exists_twice_is_caught(server: Server) -> None:
    sent = server.send(1)
    server.deliver(sent["text"], 1, 1.1)
    assert ("publish to deliver", "delivered twice") in server.deliver(sent["text"], 2, 1.2)
    server.ack(sent, 1)
    assert ("publish to deliver", "delivered twice") in server.deliver(sent["text"], 3, 1.3)
    assert server.person.take_counts()["chat.repeated"] == 2


def test_an_ack_must_name_the_offset_of_the_message(server: Server) -> None:
    sent = server.send(1)
    server.ack(sent, 2)
    results = server.deliver(sent["text"], 1, 1.1)
    assert ("publish to deliver", "not at the acknowledged offset") in results


def test_conversation_resumes_where_it_was_cut(server: Server) -> None:
    acked, unacked = server.send(1), server.send(1.1)
    server.ack(acked, 1)
    server.person.cut(2)
    assert not server.person.ready
    results = server.enter(2.5, offset=1, recovered=True)
    assert results == [("room.join, resumed", ""), ("cut to back", "")]
    joined = server.asked[-1]
    assert (joined["epoch"], joined["offset"]) == (EPOCH, 0)
    again = server.take()
    assert [(frame["nonce"], frame["text"]) for frame in again] == [
        (unacked["nonce"], unacked["text"])
    ]
    # What was missed follows, and says nothing about the speed of delivery.
    assert server.deliver(acked["text"], 1, 2.6) == []
    server.ack(again[0], 2, 2.6)
    assert server.deliver(unacked["text"], 2, 2.6) == []
    assert server.person.settled


def test_a_lost_message_shows_across_a_cut(server: Server) -> None:
    sent = server.send(1)
    server.ack(sent, 1)
    server.person.cut(2)
    server.enter(2.5, offset=1, recovered=True)
    results = server.person.finish(3)
    assert [result.problem for result in results] == ["acknowledged, but not delivered"]
    assert server.person.take_counts()["chat.lost"] == 1


def test_messages_that_could_not_be_recovered_are_reported(server: Server) -> None:
    server.send(1)
    server.person.cut(2)
    results = server.enter(9, offset=50, recovered=False)
    assert ("room.join, resumed", "what was missed could not be recovered") in results
    assert server.person.settled
    assert server.deliver("x", 51) == []
    assert server.person.take_counts()["chat.unrecovered"] == 1


def test_request_without_an_answer_in_time_is_a_failure(server: Server) -> None:
    server.person.look_back(5)
    server.take()
    assert server.person.overdue(6) == []
    late = server.person.overdue(6 + ANSWER_SECONDS)
    assert [(result.name, result.problem) for result in late] == [("history", "no answer in 10 s")]
    assert server.person.overdue(7 + ANSWER_SECONDS) == []


def test_message_never_acknowledged_is_reported_at_the_end(server: Server) -> None:
    server.send(1)
    assert [result.problem for result in server.person.finish(2)] == ["not acknowledged"]
    assert server.person.settled


def test_end_of_the_run_within_a_cut_reports_nothing_lost(server: Server) -> None:
    server.send(1)
    server.person.cut(2)
    server.person.cut(3)
    assert server.person.finish(4) == []


def test_error_frames_and_nonsense_are_failures(server: Server) -> None:
    sent = server.send(1)
    assert server.tell(1, type="error", code="too_many", ref=sent["ref"]) == [
        ("message.send to ack", "error too_many")
    ]
    assert server.tell(1, type="error", code="internal") == [("frame", "error internal")]
    assert server.tell(1, type="pong", ref=999) == [("frame", "pong that nobody asked for")]
    assert server.person.receive(b"[", 1)[0].problem == "not a frame of the protocol"


def test_ack_that_nobody_waits_for_changes_nothing(server: Server) -> None:
    sent = server.send(1)
    server.person.finish(2)
    assert server.ack(sent, 1) == [("message.send to ack", "")]
