"""The stations of a server, and the beat that serves them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.sound import programme
from support.stage import KERNELS, Hearer, RecordedCodecs, frames_of, noise
from support.stream import record, stream_settings
from support.wait import auntil
from talas_core.clock import FakeClock
from talas_core.errors import NotFound, Unavailable
from talas_stream.codec.messages import Coded
from talas_stream.media import LADDER, SourceInfo
from talas_stream.output.delivery import Delivery, Wire
from talas_stream.output.feed import TURNS, Feed
from talas_stream.station.registry import Registry, every
from talas_stream.station.station import Station

FRAMES = frames_of(programme(1.0), "mp3")


class Source:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    def __init__(self, registry: Registry, slug: str) -> None:
        self.station = registry.station(record(slug))
        self.station.claim(self, SourceInfo())
        self.reasons: list[str] = []

    def close(self, reason: str) -> None:
        self.reasons.append(reason)
        self.station.release(self)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def codecs() -> RecordedCodecs:
    return RecordedCodecs()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock, codecs: RecordedCodecs) -> Registry:
    settings = stream_settings(tmp_path, max_listeners=2, rendition_idle_seconds=5.0)
    return Registry(settings, clock, KERNELS, codecs)


def on_air(registry: Registry, slug: str) -> Source:
    source = Source(registry, slug)
    source.station.accept(FRAMES)
    return source


def test_a_station_is_made_once_and_keeps_up_with_its_record(registry: Registry) -> None:
    assert registry.known("live") is None
    station = registry.station(record("live"))
    assert registry.station(record("live", name="New")) is station
    assert station.record.name == "New"
    assert registry.known("live") is station


def test_only_stations_with_something_to_hear_are_on_the_air(registry: Registry) -> None:
    on_air(registry, "b")
    on_air(registry, "a")
    Source(registry, "claimed")
    registry.station(record("off"))
    assert [station.record.slug for station in registry.on_air()] == ["a", "b"]


def test_station_of_who_names_none_is_the_only_one_that_is_heard(registry: Registry) -> None:
    with pytest.raises(Unavailable, match="no station is on the air"):
        registry.default_slug()
    on_air(registry, "live")
    assert registry.default_slug() == "live"
    on_air(registry, "demo")
    with pytest.raises(NotFound, match="name one: /demo, /live "):
        registry.default_slug()


def test_station_of_who_names_none_is_the_one_of_the_settings(tmp_path: Path) -> None:
    settings = stream_settings(tmp_path, default_station="main")
    registry = Registry(settings, FakeClock(), KERNELS, RecordedCodecs())
    assert registry.default_slug() == "main"


def test_every_feed_is_flushed_once_in_a_round_of_turns(registry: Registry) -> None:
    hearers = []
    for slug in "abcdefg":
        source, hearer = on_air(registry, slug), Hearer()
        source.station.join(hearer, LADDER["mp3"], Delivery(), lambda feed: None)
        source.station.accept(FRAMES[:2])
        hearers.append(hearer)
    before = [len(hearer.got) for hearer in hearers]
    most = 0
    for _ in range(TURNS):
        earlier = sum(len(hearer.got) for hearer in hearers)
        registry.flush_turn()
        most = max(most, sum(len(hearer.got) for hearer in hearers) - earlier)
    assert [len(hearer.got) for hearer in hearers] == [count + 1 for count in before]
    assert most == 2, "feeds take turns"


def test_idle_codings_are_closed_on_every_station(
    registry: Registry, clock: FakeClock, codecs: RecordedCodecs
) -> None:
    source, hearer = on_air(registry, "live"), Hearer()
    live = source.station.join(hearer, LADDER["opus"], Delivery(Wire.OGG), lambda feed: None)
    live.forget(hearer)
    registry.tidy()
    clock.advance(5.0)
    registry.tidy()
    assert source.station.outputs.all == []


def test_closing_ends_sources_those_without_audio_too_and_with_them_every_listener(
    registry: Registry, codecs: RecordedCodecs
) -> None:
    sources = [on_air(registry, "a"), on_air(registry, "b"), Source(registry, "claimed")]
    registry.station(record("off"))
    own, other = Hearer(), Hearer()
    sources[0].station.join(own, LADDER["mp3"], Delivery(), lambda feed: None)
    sources[1].station.join(other, LADDER["aac"], Delivery(), lambda feed: None)
    registry.close("stopping")
    assert [source.reasons for source in sources] == [["stopping"]] * 3
    assert own.ended
    codecs.jobs[0].deliver([Coded(LADDER["aac"], noise([100]), b"")])
    codecs.jobs[0].done(False)
    assert other.ended
    assert registry.on_air() == []


@pytest.mark.parametrize("broken", ["rest", "tidy", "close"])
def test_station_that_fails_is_logged_and_the_others_are_served(
    broken: str, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good, hearer = on_air(registry, "bad"), on_air(registry, "good"), Hearer()
    good.station.join(hearer, LADDER["mp3"], Delivery(), lambda feed: None)
    good.station.accept(FRAMES[:2])
    before, act = len(hearer.got), getattr(Station, broken)

    def fails(station: Station, *told: object) -> None:
        if station is bad.station:
            raise ValueError("it is broken")
        act(station, *told)

    monkeypatch.setattr(Station, broken, fails)
    with capture_logs() as logs:
        for _ in range(TURNS):
            registry.flush_turn()
        registry.tidy()
        registry.close("stopping")
    assert {(line["event"], line["station"]) for line in logs} == {("a station failed", "bad")}
    assert len(hearer.got) == before + 1
    assert good.reasons == ["stopping"]
    assert hearer.ended


def test_feed_that_fails_is_logged_and_the_others_are_flushed(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds: list[Feed] = []
    hearers = [Hearer(), Hearer()]
    for slug, hearer in zip(("bad", "good"), hearers, strict=True):
        source = on_air(registry, slug)
        source.station.join(hearer, LADDER["mp3"], Delivery(), feeds.append)
        source.station.accept(FRAMES[:2])
    before = len(hearers[1].got)
    monkeypatch.setattr(feeds[0], "flush_turn", lambda turn: 1 / 0)
    with capture_logs() as logs:
        for _ in range(TURNS):
            registry.flush_turn()
    assert [(line["event"], line["station"]) for line in logs] == [("a feed failed", "bad")]
    assert len(hearers[1].got) == before + 1


def test_station_that_fails_at_every_beat_is_logged_once_in_a_while(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_air(registry, "bad")
    monkeypatch.setattr(Station, "rest", lambda station: 1 / 0)
    with capture_logs() as logs:
        for _ in range(50):
            registry.flush_turn()
        on_air(registry, "worse")
        registry.flush_turn()
    assert [line["station"] for line in logs] == ["bad", "worse"]


async def test_a_beat_goes_on_after_a_failure_which_is_logged() -> None:
    beats: list[int] = []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise ValueError("once")

    with capture_logs() as logs:
        task = asyncio.create_task(every(0.001, beat))
        await auntil(lambda: len(beats) > 3)
        task.cancel()
    assert [line["event"] for line in logs] == ["a beat failed"]
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_missed_beats_are_not_made_up_for() -> None:
    loop = asyncio.get_running_loop()
    moments: list[float] = []

    def beat() -> None:
        moments.append(loop.time())
        if len(moments) == 1:
            while loop.time() < moments[0] + 0.2:
                """The loop hangs for twenty periods."""

    task = asyncio.create_task(every(0.01, beat))
    await auntil(lambda: len(moments) >= 3)
    task.cancel()
    assert moments[2] - moments[1] > 0.005


def test_stations_whose_source_has_gone_are_audible_in_silence_until_their_time_is_up(
    tmp_path: Path, clock: FakeClock, codecs: RecordedCodecs
) -> None:
    held = Registry(stream_settings(tmp_path, hold_seconds=5.0), clock, KERNELS, codecs)
    source, hearer = on_air(held, "live"), Hearer()
    source.station.join(hearer, LADDER["mp3"], Delivery(), lambda feed: None)
    source.close("it ends")
    before = len(hearer.heard)
    assert (held.on_air(), held.audible()) == ([], [source.station])
    clock.advance(1.0)
    for _ in range(TURNS):
        held.flush_turn()
    # A second of silence, at the rate of what was sent.
    assert 15_000 < len(hearer.heard) - before <= 16_000
    clock.advance(4.0)
    held.flush_turn()
    assert hearer.ended
    assert held.audible() == []


def test_closing_ends_who_is_held_too(
    tmp_path: Path, clock: FakeClock, codecs: RecordedCodecs
) -> None:
    held = Registry(stream_settings(tmp_path, hold_seconds=5.0), clock, KERNELS, codecs)
    source, hearer = on_air(held, "live"), Hearer()
    source.station.join(hearer, LADDER["mp3"], Delivery(), lambda feed: None)
    source.close("it ends")
    held.close("the service is stopping")
    assert hearer.ended
