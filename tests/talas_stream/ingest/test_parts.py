"""What a new source is given, beside those of its station before it."""

import pytest

from support.parts import Parts
from support.sources import MP3
from support.stream import head
from talas_core.clock import FakeClock
from talas_stream.ingest.body import Body, body_of
from talas_stream.wire.request import parse_head


def body() -> Body:
    request = parse_head(head("PUT /live HTTP/1.1"))
    assert request is not None
    return body_of(request)


def test_next_source_waits_for_what_the_one_before_was_charged() -> None:
    clock = FakeClock()
    parts = Parts(clock, source_lead_seconds=2.0)
    intake, wait = parts.sources.intake(parts.station, body())
    assert wait == 0
    intake.put(MP3)
    while intake.waits:
        assert intake.take(clock.monotonic()) is not None
    held = intake.hold(clock.monotonic())
    assert held > 0
    again, wait = parts.sources.intake(parts.station, body())
    assert again is not intake
    assert wait == pytest.approx(max(0.0, intake.account.charge - 2.0))
