"""Who may send where, and that a wrong key is reported."""

import base64

import pytest

from support.parts import Parts
from support.stream import auth, head, record
from talas_core.clock import FakeClock
from talas_core.errors import Forbidden, NotFound, TalasError, Unauthorized, UnsupportedMedia
from talas_core.messages import StreamEvent
from talas_stream.ingest.body import NoAudio
from talas_stream.wire.request import RequestHead, parse_head

WRONG = "Authorization: Basic " + base64.b64encode(b"source:another").decode()


def request(*lines: str, path: str = "/live.mp3") -> RequestHead:
    parsed = parse_head(head("\n".join([f"PUT {path} HTTP/1.1", *lines])))
    assert parsed is not None
    return parsed


async def test_source_with_the_key_is_let_in_to_its_station() -> None:
    parts = await Parts(FakeClock()).start()
    known, station = await parts.sources.admission.check(request(auth()), "192.0.2.1")
    assert (known, station) == (parts.record, parts.station)
    assert parts.told.events == []


async def test_wrong_key_is_refused_and_reported() -> None:
    parts = await Parts(FakeClock()).start()
    with pytest.raises(Unauthorized):
        await parts.sources.admission.check(request(WRONG), "192.0.2.1")
    [event] = parts.told.events
    assert (event.kind, event.address) == (StreamEvent.SIGN_IN_REFUSED, "192.0.2.1")
    assert (event.station_id, event.owner_id, event.method) == ("id-live", "owner", "stream_key")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (request(auth(), path="/nobody"), NotFound),
        (request(), Unauthorized),
        (request(auth(), "Content-Type: text/html"), UnsupportedMedia),
        (request(auth(), "Via: 1.1 somebody"), NoAudio),
    ],
    ids=["no such station", "no key", "no audio", "by a proxy of HTTP"],
)
async def test_source_that_may_not_send_is_refused_and_not_reported(
    asked: RequestHead, error: type[TalasError]
) -> None:
    parts = await Parts(FakeClock()).start()
    with pytest.raises(error):
        await parts.sources.admission.check(asked, "")
    assert parts.told.events == []


async def test_source_of_a_closed_station_is_told_so_if_it_has_the_key() -> None:
    parts = await Parts(FakeClock(), known=record(closed=True)).start()
    with pytest.raises(Forbidden):
        await parts.sources.admission.check(request(auth()), "")
    with pytest.raises(Unauthorized):
        await parts.sources.admission.check(request(WRONG), "")
