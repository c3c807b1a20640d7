"""What the sources of a station share of how far they may be ahead."""

import pytest

from support.parts import Parts
from support.stream import record
from talas_core.clock import FakeClock
from talas_stream.ingest.lead import Lead


def test_sources_of_one_station_share_the_schedule_of_their_charge() -> None:
    registry, lead = Parts(FakeClock()).registry, Lead(30.0)
    station, other = registry.station(record("live")), registry.station(record("demo"))
    assert lead.for_audio(station) is not lead.for_audio(station)
    pace = lead.for_charge(station)
    pace.hold(0.0, 100.0)
    assert pace.hold(40.0, 100.0) == pytest.approx(10.0)
    again = lead.for_charge(station)
    assert lead.wait(station, 101.0) == pytest.approx(9.0)
    assert again.hold(1.0, 101.0) == pytest.approx(10.0)
    assert lead.for_charge(other).hold(1.0, 101.0) == 0
