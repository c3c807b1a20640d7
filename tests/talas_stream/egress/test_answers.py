"""What listeners are answered, before the audio or instead of it."""

from support.parts import Parts
from support.stream import head
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_stream.egress.answers import preflight, refusal, welcome
from talas_stream.egress.wish import Wish
from talas_stream.media import LADDER
from talas_stream.output.delivery import Delivery, Wire
from talas_stream.wire.request import RequestHead, parse_head


def request(method: str) -> RequestHead:
    parsed = parse_head(head(f"{method} /live.mp3 HTTP/1.1"))
    assert parsed is not None
    return parsed


def test_head_says_what_comes_and_who_sends_it_and_no_length() -> None:
    said = welcome(Parts(FakeClock()).station, LADDER["opus"], Wish()).decode()
    assert said.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Type: audio/ogg\r\n" in said
    assert "icy-name: Night Line\r\n" in said
    assert "icy-br: 96\r\n" in said
    assert "Content-Length" not in said
    assert "icy-genre: " not in said, "what nobody has said is left out"


def test_titles_between_the_audio_are_announced() -> None:
    asked = Wish(Delivery(Wire.ICY))
    assert b"icy-metaint: 16000\r\n" in welcome(Parts(FakeClock()).station, LADDER["mp3"], asked)


def test_part_that_was_asked_for_is_206_of_a_whole_without_a_length() -> None:
    said = welcome(Parts(FakeClock()).station, LADDER["mp3"], Wish(probe=2)).decode()
    assert said.startswith("HTTP/1.1 206 ")
    assert "Content-Range: bytes 0-1/*\r\n" in said
    assert "Content-Length: 2\r\n" in said


def test_refusal_has_a_body_unless_the_head_alone_was_asked_for() -> None:
    error = Unavailable("not now", retry_after=5)
    whole, bare = refusal(request("GET"), error), refusal(request("HEAD"), error)
    assert whole.startswith(bare)
    assert bare.endswith(b"\r\n\r\n")
    assert b"Retry-After: 5\r\n" in bare
    assert b"not now" in whole[len(bare) :]


def test_pages_of_other_origins_may_ask_with_the_fields_that_players_send() -> None:
    said = preflight()
    assert said.startswith(b"HTTP/1.1 204 ")
    assert b"Access-Control-Allow-Headers: Icy-MetaData, Range" in said
