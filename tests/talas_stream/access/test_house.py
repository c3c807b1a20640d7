"""What sources and listeners share: above all, who is watched and who is cut."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.sound import programme
from support.stage import KERNELS, RecordedCodecs, frames_of
from support.stream import FakeApi, Told, record, stream_settings
from talas_core.clock import FakeClock
from talas_core.errors import NotFound, TalasError, Unavailable
from talas_core.messages import StreamEvent
from talas_stream.access.house import House
from talas_stream.media import LADDER, SourceInfo
from talas_stream.output.delivery import Profile
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry


class Doors:
    def __init__(self) -> None:
        self.gone = 0

    def left(self) -> None:
        self.gone += 1


class Source:
    record = record("live")

    def __init__(self, house: House) -> None:
        self.heard_at = house.now()
        self.looks = 0
        self.reasons: list[str] = []

    def close(self, reason: str) -> None:
        self.reasons.append(reason)

    def look(self) -> None:
        self.looks += 1

    def fall_silent(self, seconds: float) -> None:
        self.reasons.append(f"silent for {seconds:.0f} s")

    def expel(self, error: TalasError) -> None:
        self.reasons.append(str(error))


class Listener:
    def __init__(self, backlog: int = 100) -> None:
        self.backlog = backlog
        self.cuts = 0

    def cut(self) -> None:
        self.cuts += 1


async def test_an_address_is_the_connections_unless_a_proxy_is_trusted(house: House) -> None:
    assert house.address("127.0.0.1", "203.0.113.9") == "127.0.0.1"
    assert house.address("", "") == ""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock, doors: Doors, told: Told) -> House:
    settings = stream_settings(
        tmp_path, source_timeout_seconds=10.0, listener_stall_seconds=15.0, max_listeners=1
    )
    api = FakeApi(record("live"))
    await api.start()
    registry = Registry(settings, clock, KERNELS, RecordedCodecs())
    return House(
        settings,
        clock=clock,
        kernels=KERNELS,
        directory=Directory(api.bus),
        registry=registry,
        doors=doors,
        reports=told,
    )


async def test_it_gives_what_a_connection_needs(house: House) -> None:
    assert house.reader() is not house.reader()
    assert house.remembered("live") is None
    found = await house.find("live")
    assert found == house.remembered("live") == record("live")
    station = house.station(found)
    assert station is house.station(found)
    assert house.pace(station) is not house.pace(station)
    house.admit("live", "here")
    with pytest.raises(Unavailable):
        house.admit("live", "there")
    house.dismiss("live", "here")
    house.admit("live", "there")
    opus, flac = LADDER["opus"], LADDER["flac"]
    assert tuple(house.backlog_bytes(opus, profile) for profile in Profile) == (
        131_072, 16_384,
    )  # fmt: skip
    assert house.backlog_bytes(flac, Profile.STEADY) > 7 * 131_072


async def test_a_wrong_key_is_reported(house: House, told: Told) -> None:
    house.wrong_key(record("live"), "192.0.2.1")
    [event] = told.events
    assert (event.kind, event.address) == (StreamEvent.SIGN_IN_REFUSED, "192.0.2.1")
    assert (event.station_id, event.owner_id, event.method) == ("id-live", "owner", "stream_key")


async def test_who_is_let_in_is_known_until_he_leaves(house: House, clock: FakeClock) -> None:
    listener = Listener()
    house.seat(listener, "live", "player", "10.0.0.1")
    [seat] = house.audience.of("live")
    assert (seat.since, seat.agent, seat.address) == (clock.monotonic(), "player", "10.0.0.1")
    house.unseat(listener)
    assert house.audience.of("live") == []


async def test_source_that_is_silent_for_long_is_told_so(house: House, clock: FakeClock) -> None:
    silent, lively, gone = (Source(house) for _ in range(3))
    for source in (silent, lively, gone):
        house.entered(source)
    house.source_left(gone)
    assert set(house.sources) == {silent, lively}
    clock.advance(10.0)
    house.watch()
    assert silent.reasons == []
    clock.advance(0.5)
    lively.heard_at = house.now()
    house.watch()
    assert silent.reasons == ["silent for 10 s"]
    assert lively.reasons == gone.reasons == []
    assert (silent.looks, gone.looks) == (2, 0)


async def test_connections_are_counted_out(house: House, doors: Doors) -> None:
    source = Source(house)
    house.entered(source)
    house.source_left(source)
    assert doors.gone == 0
    house.connection_left()
    house.connection_left()
    assert doors.gone == 2
    assert house.source_connections == 1


async def test_a_listener_who_takes_nothing_is_cut_once(house: House, clock: FakeClock) -> None:
    listener = Listener()
    house.stalled(listener)
    clock.advance(8.0)
    house.stalled(listener)
    house.watch()
    clock.advance(8.0)
    house.watch()
    clock.advance(60.0)
    house.watch()
    assert listener.cuts == 1
    assert house.cut_listeners == 1


async def test_one_who_takes_a_little_or_reads_again_or_has_gone_is_not(
    house: House, clock: FakeClock
) -> None:
    slow, again = Listener(), Listener()
    house.stalled(slow)
    house.stalled(again)
    for _ in range(10):
        clock.advance(10.0)
        slow.backlog -= 1
        if again.cuts == 0:
            house.moving(again)
        house.watch()
    house.moving(Listener())
    assert (slow.cuts, again.cuts) == (0, 0)
    clock.advance(16.0)
    house.watch()
    assert slow.cuts == 1


async def test_cuts_are_logged_once_a_look_whatever_their_number(
    house: House, clock: FakeClock
) -> None:
    with capture_logs() as logs:
        for _ in range(50):
            house.stalled(Listener())
        clock.advance(16.0)
        house.watch()
        house.watch()
        house.stalled(Listener())
        clock.advance(16.0)
        house.watch()
    assert [(line["event"], line["number"]) for line in logs] == [
        ("slow listeners cut", 50),
        ("slow listeners cut", 1),
    ]


async def test_sources_of_one_station_share_the_schedule_of_their_charge(house: House) -> None:
    """The lead here is thirty seconds."""
    station, other = house.station(record("live")), house.station(record("demo"))
    pace = house.charge_pace(station)
    pace.hold(0.0, 100.0)
    assert pace.hold(40.0, 100.0) == pytest.approx(10.0)
    assert house.charge_pace(station).hold(1.0, 101.0) == pytest.approx(10.0)
    assert house.charge_pace(other).hold(1.0, 101.0) == 0


async def test_station_of_who_names_none_is_the_only_one_on_the_air(house: House) -> None:
    with pytest.raises(Unavailable, match="no station is on the air"):
        house.default_slug()
    _on_air(house, "live")
    assert house.default_slug() == "live"
    _on_air(house, "demo")
    with pytest.raises(NotFound, match="name one: /demo, /live "):
        house.default_slug()


def _on_air(house: House, slug: str) -> None:
    station = house.station(record(slug))
    station.claim(Sends(), SourceInfo())
    station.accept(frames_of(programme(0.2), "mp3"))


class Sends:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    def close(self, reason: str) -> None: ...
