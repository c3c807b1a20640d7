from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_core import messages
from talas_core.bus.rules import check_subject
from talas_core.errors import BadInput
from talas_core.messages import (
    FindStation,
    FoundStation,
    KeySet,
    Message,
    Nothing,
    Posted,
    PublicKey,
    SecurityEvent,
    SessionEnded,
    StationChanged,
    StationRecord,
    StreamEvent,
    decode,
    encode,
)

STATION = StationRecord("id", "demo", "Demo", "", "room", "", "ab" * 32)
EXAMPLES: list[Message] = [
    Nothing(),
    FindStation("demo"),
    FoundStation(None),
    FoundStation(STATION),
    STATION,
    StationChanged("demo"),
    PublicKey("k1", bytes(32)),
    KeySet(()),
    KeySet((PublicKey("k1", bytes(32)), PublicKey("k2", b"\xff" * 32))),
    KeySet((), ("s1", "s2"), 1_900_000_000.5),
    SecurityEvent(StreamEvent.SOURCE_CUT),
    SecurityEvent(
        StreamEvent.SIGN_IN_REFUSED, 7, "192.0.2.1", "i", "o", "a", "s", "stream_key", "wrong"
    ),
    SessionEnded("s", "u"),
    Posted(1, ()),
    Posted(7, (b"one", b"two")),
]


def test_every_kind_of_message_has_an_example() -> None:
    assert {type(one) for one in EXAMPLES} == set(Message.__subclasses__())


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda m: type(m).__name__)
def test_message_comes_out_as_it_went_in(message: Message) -> None:
    assert decode(encode(message), type(message)) == message


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda m: type(m).__name__)
def test_a_newer_sender_s_trailing_fields_are_ignored(message: Message) -> None:
    plain = msgspec.msgpack.decode(encode(message))
    newer = msgspec.msgpack.encode([*plain, "new", {"x": 1}])
    assert decode(newer, type(message)) == message


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x91", b"\x90", b"\x91\x01", b"\x91\xc0",
                                     b"\x81\xa1a\xa1b", b"\x91\xa2\xff\xfe",
                                     b"\x91\xa1ax"])  # fmt: skip
def test_bytes_that_are_another_message_are_bad_input(payload: bytes) -> None:
    with pytest.raises(BadInput, match="not a FindStation message"):
        decode(payload, FindStation)


@given(st.binary(max_size=200), st.sampled_from([type(one) for one in EXAMPLES]))
def test_any_bytes_are_a_message_or_bad_input(payload: bytes, kind: type[Message]) -> None:
    with contextlib.suppress(BadInput):
        assert isinstance(decode(payload, kind), kind)


KIND = StreamEvent.SIGN_IN_REFUSED


@pytest.mark.parametrize(
    "event",
    [
        SecurityEvent("account.role_changed"),  # type: ignore[arg-type]
        SecurityEvent(KIND, 0),
        SecurityEvent(KIND, 2**60),
        SecurityEvent(KIND, 1, "x" * 65),
        SecurityEvent(KIND, station_id="x" * 37),
        SecurityEvent(KIND, method="x" * 33),
        SecurityEvent(KIND, method="two words"),
        SecurityEvent(KIND, outcome="wrong\n"),
        SecurityEvent(KIND, outcome="\N{LATIN SMALL LETTER SHARP S}"),
    ],
)
def test_a_security_event_is_checked_like_any_input(event: SecurityEvent) -> None:
    with pytest.raises(BadInput):
        decode(encode(event), SecurityEvent)


def test_deeply_nested_message_is_bad_input() -> None:
    with pytest.raises(BadInput):
        decode(b"\x92\xa1a" + b"\x91" * 100_000, FindStation)


def test_subjects_of_messages_are_valid_and_differ() -> None:
    subjects = [value for name, value in vars(messages).items()
                if name.isupper() and isinstance(value, str)]  # fmt: skip
    assert len(set(subjects)) == len(subjects) >= 5
    for subject in subjects:
        check_subject(subject + "id" if subject.endswith(".") else subject)
        assert subject.startswith("talas.")


def test_messages_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        FindStation("a").slug = "b"  # type: ignore[misc]
