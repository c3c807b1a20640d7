from typing import Any
from uuid import UUID

import msgspec
import pytest

from talas_api.chat import replies
from talas_api.chat.replies import encode
from talas_api.chat.values import Entry, NonceReused, Sender
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, BusTimeout, BusUnavailable, NotFound, Unavailable

ROOM = "01890a5d-ac96-774b-bcce-b302099a8057"


def shown(reply: replies.Reply) -> Any:
    return msgspec.json.decode(encode(reply))


def test_message_frame_has_offset_id_sender_text_and_time() -> None:
    entry = Entry(7, UUID(ROOM), Sender(UUID(ROOM), "ada"), "hello", FakeClock().now())
    assert msgspec.json.decode(replies.message(UUID(ROOM), entry)) == {
        "type": "message",
        "room": ROOM,
        "offset": 7,
        "id": ROOM,
        "sender": {"id": ROOM, "username": "ada"},
        "text": "hello",
        "at": "2030-01-01T00:00:00Z",
    }


def test_message_of_a_deleted_account_has_no_sender() -> None:
    entry = Entry(7, UUID(ROOM), None, "hello", FakeClock().now())
    assert msgspec.json.decode(replies.message(UUID(ROOM), entry))["sender"] is None


def test_last_page_of_history_has_no_next() -> None:
    assert shown(replies.Past(room=UUID(ROOM), messages=[], next=None))["next"] is None


def test_join_reply_tells_recovered_only_to_who_resumes() -> None:
    facts = {"room": UUID(ROOM), "epoch": UUID(ROOM), "offset": 1}
    assert "recovered" not in shown(replies.RoomJoined(**facts))
    assert shown(replies.RoomJoined(**facts, recovered=False))["recovered"] is False


def test_error_frame_names_the_first_field_at_fault() -> None:
    assert shown(replies.failure(NotFound("There is no such room."), 5)) == {
        "type": "error", "code": "not_found", "message": "There is no such room.", "ref": 5,
    }  # fmt: skip
    error = BadInput("Some fields are not right.", {"text": "is required"})
    assert shown(replies.failure(error, None)) == {
        "type": "error", "code": "bad_input", "message": "text is required.", "field": "text",
    }  # fmt: skip
    assert shown(replies.failure(NonceReused("No."), None))["code"] == "nonce_reused"


@pytest.mark.parametrize("error", [Unavailable("x"), BusUnavailable("x"), BusTimeout("x")])
def test_error_of_anything_away_is_unavailable(error: Unavailable) -> None:
    assert replies.failure(error, 1).code == "unavailable"
