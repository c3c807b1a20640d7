from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_api.chat import replies
from talas_api.chat.replies import encode
from talas_api.chat.requests.auth import Auth
from talas_api.chat.requests.base import Request
from talas_api.chat.requests.create import CreateRoom
from talas_api.chat.requests.decode import Broken, Refused, decode
from talas_api.chat.requests.history import AskHistory
from talas_api.chat.requests.join import JoinRoom
from talas_api.chat.requests.leave import LeaveRoom
from talas_api.chat.requests.ping import Ping
from talas_api.chat.requests.send import SendMessage

ROOM = "01890a5d-ac96-774b-bcce-b302099a8057"
SEND = {"type": "message.send", "room": ROOM, "nonce": "n", "text": "hello", "ref": 3}


def raw(**members: object) -> bytes:
    return msgspec.json.encode(members)


def shown(reply: replies.Reply) -> Any:
    return msgspec.json.decode(encode(reply))


def refusal(payload: bytes) -> Any:
    with pytest.raises(Refused) as caught:
        decode(payload)
    return shown(caught.value.reply)


@pytest.mark.parametrize(
    ("members", "request_"),
    [
        ({"type": "auth", "token": "a.b.c"}, Auth(token="a.b.c")),
        ({"type": "room.create", "name": "Hall", "ref": "r"},
         CreateRoom(name="Hall", ref="r")),
        ({"type": "room.join", "room": ROOM}, JoinRoom(room=UUID(ROOM))),
        ({"type": "room.join", "room": ROOM, "epoch": ROOM, "offset": 0},
         JoinRoom(room=UUID(ROOM), epoch=UUID(ROOM), offset=0)),
        ({"type": "room.leave", "room": ROOM}, LeaveRoom(room=UUID(ROOM))),
        (SEND, SendMessage(room=UUID(ROOM), nonce="n", text="hello", ref=3)),
        ({"type": "history", "room": ROOM, "before": 7, "limit": 100},
         AskHistory(room=UUID(ROOM), before=7, limit=100)),
        ({"type": "ping", "ref": None}, Ping()),
    ],
)  # fmt: skip
def test_right_frame_becomes_its_request(members: dict[str, object], request_: Request) -> None:
    assert decode(raw(**members)) == request_


@pytest.mark.parametrize("payload", [b"", b"nope", b"[]", b"3", b'"x"', b"null", b'{"type":"ping"',
                                     b'{"type":"ping"}x', b"\xff", b"{" * 100_000, b"[" * 100_000,
                                     b'["\\ud800"]', b'{"type":"auth","token":"\\ud800"',
                                     b'{"type":"auth","token":"\\ud800","ref":NaN}',
                                     b'{"type":"auth","token":"\xff"}'])  # fmt: skip
def test_frame_that_is_no_object_breaks_the_protocol(payload: bytes) -> None:
    with pytest.raises(Broken):
        decode(payload)


@pytest.mark.parametrize(
    ("payload", "field", "ref"),
    [
        (rb'{"type":"message.send","text":"hello \ud83d","ref":7}', "text", 7),
        (rb'{"type":"message.send","text":"\uDE00\uD83D","ref":"a"}', "text", "a"),
        (rb'{"type":"message.send","text":"\\\ud83d","ref":7}', "text", 7),
        (rb'{"type":"auth","token":"\ud800"}', "token", None),
        (rb'{"type":"ping","ref":"\ud800"}', "ref", None),
        (rb'{"type":"ping","ref":{},"token":"\ud800"}', None, None),
        (rb'{"type":"\udfff","ref":1}', "type", 1),
        (rb'{"type":"ping","ref":1,"x y":"\udfff"}', None, 1),
        (rb'{"type":"ping","ref":1,"\udfff":1}', None, 1),
        (rb'{"type":"ping","ref":1,"inside":{"x":["\udfff"]}}', "inside", 1),
    ],
)  # fmt: skip
def test_half_a_surrogate_pair_is_bad_input(
    payload: bytes, field: str | None, ref: int | str | None
) -> None:
    with pytest.raises(Refused) as caught:
        decode(payload)
    reply = caught.value.reply
    assert (reply.code, reply.field, reply.ref) == ("bad_input", field, ref)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n\t"}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": 5}, "text"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "n" * 65}, "nonce"),
        ({"nonce": "\0"}, "nonce"),
        ({"room": "here"}, "room"),
        ({"colour": "red"}, "colour"),
        ({"type": "shout"}, "type"),
    ],
)
def test_a_wrong_member_is_named_and_the_ref_comes_back(
    change: dict[str, object], field: str
) -> None:
    error = refusal(raw(**{**SEND, **change}))
    assert (error["type"], error["code"]) == ("error", "bad_input")
    assert (error["field"], error["ref"]) == (field, 3)


@pytest.mark.parametrize("field", ["text", "nonce"])
def test_refused_nul_is_called_by_its_name(field: str) -> None:
    assert "without NUL" in refusal(raw(**{**SEND, field: "a\0b"}))["message"]


@pytest.mark.parametrize("text", ["x" * 4000, "🎧" * 4000, "a\nb", " a ", "\u2067שלום\u2069"])
def test_longest_text_of_any_script_fits_a_frame(text: str) -> None:
    request = decode(raw(**{**SEND, "text": text}))
    assert isinstance(request, SendMessage)
    assert request.text == text


def test_a_missing_member_is_named() -> None:
    error = refusal(raw(type="message.send", room=ROOM, text="x"))
    assert (error["field"], error["message"]) == ("nonce", "nonce is required.")
    assert "ref" not in error


@pytest.mark.parametrize("ref", ["r" * 65, 2**53 + 1, -(2**53) - 1, 1.5, [], {}, True])
def test_a_ref_that_cannot_come_back_is_refused(ref: object) -> None:
    error = refusal(raw(type="ping", ref=ref))
    assert (error["code"], "ref" in error) == ("bad_input", False)


@pytest.mark.parametrize("ref", ["", "r" * 64, 0, -(2**53), 2**53])
def test_a_ref_comes_back_as_it_was(ref: object) -> None:
    assert shown(replies.Pong(ref=decode(raw(type="ping", ref=ref)).ref)).get("ref") == ref


def test_frame_with_two_types_is_refused() -> None:
    with pytest.raises((Broken, Refused)):
        decode(b'{"type":"shout","type":"ping","x":1}')


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(payload: bytes) -> None:
    try:
        decode(payload)
    except (Broken, Refused):
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    st.sampled_from(["auth", "room.create", "room.join", "message.send", "history", "ping", "x"]),
    st.dictionaries(
        st.sampled_from(["type", "room", "nonce", "text", "ref", "before", "limit", "token", "y"]),
        JSON,
    ),
)
def test_any_members_are_a_request_or_refused(kind: str, members: dict[str, object]) -> None:
    try:
        decode(msgspec.json.encode({"type": kind, **members}))
    except Refused as refused:
        encode(refused.reply)
    except Broken:
        return
