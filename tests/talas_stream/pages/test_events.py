"""Followers: told of each change, bounded in what waits and in number, ended cleanly."""

import json
from collections.abc import Mapping

import pytest

from support.sound import programme
from support.stage import KERNELS, Hearer, RecordedCodecs, frames_of
from support.stream import record
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_stream.media import LADDER, SourceInfo
from talas_stream.output.delivery import Delivery
from talas_stream.output.sizes import Sizes
from talas_stream.pages.events import QUEUE, Events, Now
from talas_stream.station.station import Station

FRAMES = frames_of(programme(0.5), "mp3")


class Source:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    def close(self, reason: str) -> None: ...


@pytest.fixture
def station() -> Station:
    return Station(record(), FakeClock(), KERNELS, RecordedCodecs(), Sizes(49_152, 65_536))


def told_in(messages: bytes) -> list[tuple[str, dict[str, object]]]:
    """Name and data of each event."""
    found = []
    for block in messages.decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = block.partition("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_a_follower_is_told_how_things_stand_and_what_changes(station: Station) -> None:
    events = Events()
    follower = events.follow(station, "192.0.2.1")
    assert [name for name, _ in told_in(await follower.take() or b"")] == ["now"]
    source = Source()
    station.claim(source, SourceInfo(name="Guest"))
    station.retitle("early")
    station.accept(FRAMES)
    station.retitle("Miles - So What")
    station.retitle("Miles - So What")
    station.release(source)
    told = told_in(await follower.take() or b"")
    assert [name for name, _ in told] == ["on_air", "title", "off_air"]
    assert [data["text"] for _, data in told] == ["early", "Miles - So What", ""]
    assert told[1][1] == {
        "station": "live",
        "name": "Night Line",
        "on_air": True,
        "text": "Miles - So What",
        "artist": "Miles",
        "title": "So What",
        "started_at": "2030-01-01T00:00:00+00:00",
        "at": len(FRAMES) * 1152,
        "listeners": 0,
        "loudness": None,
    }
    assert told[2][1] == {
        "station": "live",
        "name": "Night Line",
        "on_air": False,
        "text": "",
        "artist": "",
        "title": "",
        "started_at": None,
        "at": None,
        "listeners": 0,
        "loudness": None,
    }


async def test_listeners_are_told_when_their_number_has_changed(station: Station) -> None:
    events = Events()
    station.claim(Source(), SourceInfo())
    station.accept(FRAMES)
    follower = events.follow(station, "192.0.2.1")
    await follower.take()
    events.count()
    station.join(Hearer(), LADDER["mp3"], Delivery(), lambda feed: None)
    events.count()
    events.count()
    told = told_in(await follower.take() or b"")
    assert [(name, data["listeners"]) for name, data in told] == [("listeners", 1)]


async def test_follower_that_takes_nothing_is_let_go(station: Station) -> None:
    events = Events()
    slow, quick = events.follow(station, "192.0.2.1"), events.follow(station, "192.0.2.1")
    station.claim(Source(), SourceInfo())
    station.accept(FRAMES)
    for number in range(QUEUE):
        station.retitle(f"song {number}")
        assert await quick.take()
    assert await slow.take() is None
    slow.put(b"more")
    assert await slow.take() is None


async def test_follower_over_the_limit_is_refused_until_another_leaves(station: Station) -> None:
    events = Events(limit=1)
    follower = events.follow(station, "192.0.2.1")
    with pytest.raises(Unavailable) as refused:
        events.follow(station, "192.0.2.1")
    assert refused.value.retry_after == 10
    events.leave(follower)
    assert station.watchers == set()
    events.follow(station, "192.0.2.1")
    assert station.watchers == {events}


@pytest.mark.checklist(24)
async def test_a_quarter_of_the_followers_may_come_from_one_address(station: Station) -> None:
    events = Events(limit=8)
    one, two = events.follow(station, "2001:db8::1"), events.follow(station, "2001:db8::2")
    with pytest.raises(Unavailable, match="from this address") as refused:
        events.follow(station, "2001:db8::3")
    assert refused.value.retry_after == 10
    others = [events.follow(station, f"192.0.2.{number}") for number in range(6)]
    with pytest.raises(Unavailable, match="nobody more"):
        events.follow(station, "192.0.2.200")
    events.leave(one)
    again = events.follow(station, "2001:db8::3")
    for follower in (two, again, *others):
        events.leave(follower)
    assert events._addresses == {}


async def test_at_the_end_what_waits_is_still_given(station: Station) -> None:
    events = Events()
    follower = events.follow(station, "192.0.2.1")
    events.close()
    assert b"event: now" in (await follower.take() or b"")
    assert await follower.take() is None
    with pytest.raises(Unavailable):
        events.follow(station, "192.0.2.1")


def test_a_title_cannot_break_out_of_its_event(station: Station) -> None:
    station.record = record(name="a\n\nevent: x")
    assert Now.of(station).name == "a\n\nevent: x"
    events = Events()
    follower = events.follow(station, "192.0.2.1")
    assert follower.station is station
