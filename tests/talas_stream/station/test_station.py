"""A station: its life as a table, and a clock that never goes back."""

from collections.abc import Mapping
from itertools import product

import msgspec
import pytest

from support.sound import programme
from support.stage import KERNELS, Hearer, RecordedCodecs, frames_of
from support.stream import record
from talas_core.clock import FakeClock
from talas_core.errors import Conflict, Unavailable
from talas_stream.media import LADDER, RATE, SourceInfo
from talas_stream.output.delivery import Delivery, Profile, Wire
from talas_stream.output.feed import Feed
from talas_stream.output.sizes import Sizes
from talas_stream.station.life import LIFE, Event, State
from talas_stream.station.station import Change, Station

FRAMES = frames_of(programme(2.0), "mp3")
TICKS = len(FRAMES) * 1152
PLAIN, ICY, OGG = Delivery(), Delivery(Wire.ICY), Delivery(Wire.OGG)
LOW = Delivery(profile=Profile.LOW)
HOLD = 5.0


class Source:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    def close(self, reason: str) -> None: ...


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def codecs() -> RecordedCodecs:
    return RecordedCodecs()


def test_it_is_offered_in_what_its_record_says_and_what_its_source_sends(
    station: Station,
) -> None:
    def names() -> list[str]:
        return [rendition.name for rendition in station.offer.renditions]

    assert (names(), station.offer.usual) == (["opus", "aac", "mp3"], LADDER["mp3"])
    station.record = record(renditions=("32.opus", "of a later version", "flac"))
    assert (names(), station.offer.usual) == (["32.opus", "flac"], LADDER["32.opus"])
    sent(station)
    assert (names(), station.offer.usual) == (["32.opus", "flac", "mp3"], LADDER["mp3"])
    station.record = record(renditions=("of a later version",))
    assert names() == ["mp3"]


@pytest.fixture
def station(clock: FakeClock, codecs: RecordedCodecs) -> Station:
    return Station(record(), clock, KERNELS, codecs, Sizes(49_152, 65_536))


@pytest.fixture
def holding(clock: FakeClock, codecs: RecordedCodecs) -> Station:
    """One that holds its listeners for a while."""
    sizes = Sizes(49_152, 65_536)
    return Station(record(), clock, KERNELS, codecs, sizes, hold_seconds=HOLD)


def sent(station: Station) -> Source:
    """A source that is heard."""
    source = Source()
    station.claim(source, SourceInfo())
    station.accept(FRAMES)
    return source


def to(station: Station, state: State) -> Source:
    """Bring a station that holds its listeners into a state; gives its source, or the last."""
    source = Source()
    if state is not State.OFF:
        station.claim(source, SourceInfo())
    if state not in (State.OFF, State.CLAIMED):
        station.accept(FRAMES)
    if state in (State.HELD, State.RETURNING):
        station.release(source)
    if state is State.RETURNING:
        station.claim(source := Source(), SourceInfo())
    assert station.state is state
    return source


def happen(station: Station, event: Event, source: Source, clock: FakeClock) -> None:
    if event is Event.CLAIM:
        station.claim(Source(), SourceInfo())
    elif event is Event.AUDIO:
        station.accept(FRAMES)
    elif event is Event.RELEASE:
        if station.source is None:
            raise KeyError("there is nobody")
        station.release(source)
    else:
        clock.advance(HOLD)
        station.rest()


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_the_table_is_the_life(
    holding: Station, state: State, event: Event, clock: FakeClock
) -> None:
    source = to(holding, state)
    if (state, event) in LIFE:
        happen(holding, event, source, clock)
        assert holding.state is LIFE[state, event]
    elif event is Event.EXPIRE:
        happen(holding, event, source, clock)
        assert holding.state is state
    else:
        with pytest.raises(Conflict if event is Event.CLAIM else KeyError):
            happen(holding, event, source, clock)
        assert holding.state is state


def test_a_second_source_is_refused_and_changes_nothing(station: Station) -> None:
    first = sent(station)
    station.retitle("Song")
    with pytest.raises(Conflict, match="in use"):
        station.claim(Source(), SourceInfo(name="thief"))
    station.release(Source())
    assert station.source is first
    assert (station.title, station.info.name) == ("Song", "")
    assert station.on_air


def test_nothing_is_on_the_air_before_the_first_frame(station: Station) -> None:
    station.claim(Source(), SourceInfo())
    station.accept([])
    assert not station.on_air
    with pytest.raises(Unavailable, match="off the air") as refused:
        station.outputs  # noqa: B018
    assert refused.value.retry_after == 5
    station.accept(FRAMES[:1])
    assert station.on_air
    assert station.started_at == "2030-01-01T00:00:00+00:00"


def test_a_source_that_failed_leaves_no_trace(station: Station) -> None:
    source = Source()
    station.claim(source, SourceInfo(name="Noise"))
    station.release(source)
    assert (station.state, station.source, station.info) == (State.OFF, None, SourceInfo())
    assert station.count.listeners == 0
    sent(station)
    assert station.outputs.end_at == TICKS


def test_media_time_starts_with_the_clock_and_follows_it_over_gaps(
    station: Station, clock: FakeClock
) -> None:
    clock.advance(10.0)
    source = sent(station)
    assert station.outputs.end_at == 10 * RATE + TICKS
    clock.advance(60.0)
    station.release(source)
    clock.advance(30.0)
    sent(station)
    assert station.outputs.end_at == 100 * RATE + TICKS


def test_media_time_never_goes_back_after_a_source_that_ran_ahead(
    station: Station, clock: FakeClock
) -> None:
    """Two seconds of sound in no time at all: the next source starts after them."""
    station.release(sent(station))
    clock.advance(0.5)
    station.release(sent(station))
    sent(station)
    assert station.outputs.end_at == 3 * TICKS


def test_the_end_of_a_source_ends_its_listeners_and_frees_the_station(station: Station) -> None:
    source = sent(station)
    hearer = Hearer()
    station.join(hearer, LADDER["mp3"], PLAIN, lambda feed: None)
    assert station.count.listeners == 1
    station.release(source)
    assert hearer.ended
    assert station.count.listeners == 0
    with pytest.raises(Unavailable):
        station.join(Hearer(), LADDER["mp3"], PLAIN, lambda feed: None)
    station.release(source)
    assert station.state is State.OFF


def test_bytes_are_counted_for_the_session(station: Station, clock: FakeClock) -> None:
    source = sent(station)
    heard: list[Feed] = []
    first, second = Hearer(), Hearer()
    station.join(first, LADDER["mp3"], PLAIN, heard.append)
    station.join(second, LADDER["mp3"], LOW, heard.append)
    assert station.count.bytes_sent == len(first.heard) + len(second.heard) > 0
    for feed, hearer in zip(heard, (first, second), strict=True):
        feed.leave(hearer)
    for _ in range(2):
        station.tidy(5.0)
        clock.advance(5.0)
    assert station.outputs.all == []
    assert station.count.bytes_sent == len(first.heard) + len(second.heard), (
        "what closed still counts"
    )
    third = Hearer()
    station.join(third, LADDER["mp3"], PLAIN, heard.append)
    assert station.count.bytes_sent == len(first.heard) + len(second.heard) + len(third.heard)
    station.release(source)
    assert station.count.bytes_sent == 0


def test_the_most_listeners_at_once_are_remembered_for_the_session(station: Station) -> None:
    source = sent(station)
    feeds: list[Feed] = []
    hearers = [Hearer(), Hearer()]
    for hearer in hearers:
        station.join(hearer, LADDER["mp3"], PLAIN, feeds.append)
    feeds[0].leave(hearers[0])
    station.join(Hearer(), LADDER["mp3"], PLAIN, feeds.append)
    assert station.count.listeners == 2
    assert station.count.peak == 2
    station.release(source)
    assert station.count.peak == 2
    station.claim(Source(), SourceInfo())
    assert station.count.peak == 0


def test_a_title_is_the_session_s_and_a_new_source_starts_without(station: Station) -> None:
    station.claim(first := Source(), SourceInfo())
    station.retitle("early")
    station.accept(FRAMES)
    hearer = Hearer()
    station.join(hearer, LADDER["mp3"], ICY, lambda feed: None)
    assert b"StreamTitle='early';" in hearer.heard
    station.retitle("late")
    assert station.title == "late"
    station.release(first)
    sent(station)
    assert station.title == ""


def test_owner_may_prefer_what_the_source_says(station: Station) -> None:
    station.record = msgspec.structs.replace(station.record, prefer_source=True)
    source = Source()
    station.claim(source, SourceInfo(name="Guest"))
    assert (station.offer.name, station.offer.description) == ("Guest", "")
    station.release(source)
    station.claim(source, SourceInfo())
    assert station.offer.name == "Night Line"


def test_name_of_the_record_goes_before_the_source_s(station: Station) -> None:
    source, hearer = Source(), Hearer()
    station.claim(source, SourceInfo(name="Guest", description="A guest's"))
    assert (station.offer.name, station.offer.description) == ("Night Line", "A guest's")
    station.accept(frames_of(programme(0.5), "opus"))
    station.join(hearer, LADDER["opus"], OGG, lambda feed: None)
    station.release(source)
    assert b"TITLE=Night Line" in hearer.heard


def test_source_that_has_gone_gives_way_to_another(station: Station) -> None:
    class Gone(Source):
        def close(self, reason: str) -> None:
            station.release(self)

    gone, other = Gone(), Source()
    station.claim(gone, SourceInfo())
    station.accept(frames_of(programme(0.5), "mp3"))
    with pytest.raises(Conflict):
        station.claim(other, SourceInfo())
    gone.has_gone = True
    station.claim(other, SourceInfo(name="other"))
    assert (station.source, station.info.name, station.on_air) == (other, "other", False)


@pytest.mark.parametrize(("said", "told"), [("", 128), ("Q", 128), ("0", 128), ("96", 96)])
def test_bit_rate_is_the_source_s_word_or_what_its_packets_come_to(
    station: Station, said: str, told: int
) -> None:
    assert station.offer.bit_rate(LADDER["mp3"]) == 128
    station.claim(Source(), SourceInfo(bit_rate=said))
    station.accept(FRAMES)
    assert [station.offer.bit_rate(LADDER[name]) for name in ("mp3", "32.opus", "flac")] == [
        told,
        32,
        0,
    ]


def test_listener_that_only_looks_counts_when_it_stays(station: Station) -> None:
    station.claim(Source(), SourceInfo())
    station.accept(frames_of(programme(0.5), "mp3"))
    looks, plays = Hearer(), Hearer()
    station.count.looks(looks)
    for hearer in (looks, plays):
        station.join(hearer, LADDER["mp3"], PLAIN, lambda feed: None)
    assert (station.count.listeners, station.count.peak) == (1, 1)
    assert station.count.stays(looks)
    assert (station.count.listeners, station.count.peak) == (2, 2)
    assert not station.count.stays(looks)


def test_station_is_shown_as_its_source_codes_it_or_else_as_usual(station: Station) -> None:
    assert station.offer.shown == LADDER["mp3"]
    for coding, shown in (("aac", "aac"), ("opus", "opus"), ("vorbis", "mp3")):
        source = Source()
        station.claim(source, SourceInfo())
        station.accept(frames_of(programme(0.5), coding))
        assert station.offer.shown == LADDER[shown]
        station.release(source)


def test_tidying_is_passed_on_to_the_outputs(
    station: Station, clock: FakeClock, codecs: RecordedCodecs
) -> None:
    station.tidy(5.0)
    sent(station)
    hearer = Hearer()
    live = station.join(hearer, LADDER["opus"], OGG, lambda feed: None)
    live.forget(hearer)
    station.tidy(5.0)
    clock.advance(5.0)
    station.tidy(5.0)
    assert station.outputs.all == []
    assert codecs.jobs[0].orders[-1] == ("finish", None)


class Witness:
    def __init__(self) -> None:
        self.seen: list[tuple[Change, str]] = []

    def changed(self, station: Station, change: Change) -> None:
        self.seen.append((change, station.title))


def test_watchers_are_told_of_each_change_once(station: Station) -> None:
    witness = Witness()
    station.watchers.add(witness)
    station.claim(source := Source(), SourceInfo())
    station.retitle("early")
    assert witness.seen == []
    station.accept(FRAMES[:10])
    station.accept(FRAMES[10:])
    station.retitle("late")
    station.retitle("late")
    station.release(source)
    station.claim(failed := Source(), SourceInfo())
    station.release(failed)
    assert witness.seen == [
        (Change.ON_AIR, "early"),
        (Change.TITLE, "late"),
        (Change.OFF_AIR, "late"),
    ]


def test_a_song_begins_where_the_source_was_when_it_was_told(
    station: Station, clock: FakeClock
) -> None:
    clock.advance(10.0)
    station.claim(source := Source(), SourceInfo())
    station.retitle("A - B", "A")
    clock.advance(2.0)
    station.accept(FRAMES)
    clock.advance(1.0)
    station.retitle("C")
    songs = [(song.text, song.artist, song.at, song.started_at) for song in station.history.songs]
    assert songs == [
        ("C", "", 12 * RATE + TICKS, "2030-01-01T00:00:13+00:00"),
        ("A - B", "A", 12 * RATE, "2030-01-01T00:00:12+00:00"),
    ]
    assert station.song is station.history.songs[0]
    assert station.connected_seconds == 3.0
    station.retitle("")
    assert station.song is None
    station.release(source)
    assert (station.song, station.connected_seconds) == (None, 0.0)
    assert len(station.history.songs) == 2


def test_source_that_comes_back_in_time_is_heard_on_the_same_output(
    holding: Station, clock: FakeClock
) -> None:
    holding.release(sent(holding))
    hearer = Hearer()
    output = holding.join(hearer, LADDER["mp3"], PLAIN, lambda feed: None)
    assert (holding.on_air, holding.audible, holding.count.listeners) == (False, True, 1)
    clock.advance(1.0)
    holding.rest()
    assert output.end_at is not None
    assert TICKS + RATE - 1152 < output.end_at <= TICKS + RATE
    clock.advance(HOLD - 1.5)
    sent(holding)
    assert holding.outputs.all == [output]
    gone = int((HOLD - 0.5) * RATE)
    assert 0 <= holding.outputs.end_at - 2 * TICKS - gone < 1152
    assert output.end_at == holding.outputs.end_at
    assert not hearer.ended


def test_listeners_end_when_nobody_has_come_back_in_time(
    holding: Station, clock: FakeClock
) -> None:
    source, hearer = sent(holding), Hearer()
    holding.join(hearer, LADDER["mp3"], PLAIN, lambda feed: None)
    holding.release(source)
    clock.advance(HOLD - 0.1)
    holding.rest()
    assert not hearer.ended
    clock.advance(0.1)
    holding.rest()
    assert hearer.ended
    assert (holding.audible, holding.count.listeners, holding.state) == (False, 0, State.OFF)
    with pytest.raises(Unavailable, match="off the air"):
        holding.join(Hearer(), LADDER["mp3"], PLAIN, lambda feed: None)


def test_source_that_will_not_come_back_ends_its_listeners_at_once(holding: Station) -> None:
    source, hearer = sent(holding), Hearer()
    holding.join(hearer, LADDER["mp3"], PLAIN, lambda feed: None)
    holding.release(source, hold=False)
    assert hearer.ended
    assert holding.state is State.OFF


def test_closing_ends_listeners_who_are_held(holding: Station) -> None:
    source, hearer = sent(holding), Hearer()
    holding.join(hearer, LADDER["mp3"], PLAIN, lambda feed: None)
    holding.release(source)
    holding.close("the service is stopping")
    assert hearer.ended


def test_a_station_that_is_held_says_that_nobody_sends(holding: Station, clock: FakeClock) -> None:
    watcher = Witness()
    holding.watchers.add(watcher)
    holding.claim(source := Source(), SourceInfo(name="Guest", genre="jazz", bit_rate="96"))
    holding.retitle("Song")
    holding.accept(FRAMES)
    holding.release(source)
    assert (holding.song, holding.reading, holding.source) == (None, None, None)
    assert (holding.info, holding.started_at) == (SourceInfo(), "")
    assert (holding.count.bytes_sent, holding.connected_seconds) == (0, 0.0)
    clock.advance(1.0)
    holding.claim(Source(), SourceInfo())
    holding.retitle("Next")
    assert not holding.on_air
    holding.accept(FRAMES)
    assert watcher.seen == [
        (Change.ON_AIR, "Song"), (Change.OFF_AIR, "Song"), (Change.ON_AIR, "Next"),
    ]  # fmt: skip


def test_titles_and_counts_of_listeners_who_stayed_are_the_new_source_s(
    holding: Station, clock: FakeClock
) -> None:
    source, hearer = sent(holding), Hearer()
    holding.join(hearer, LADDER["mp3"], ICY, lambda feed: None)
    before = len(hearer.heard)
    holding.release(source)
    clock.advance(1.0)
    holding.claim(Source(), SourceInfo())
    holding.retitle("Next")
    holding.accept(FRAMES)
    for feed in holding.outputs.all[0].feeds:
        feed.flush()
    assert b"StreamTitle='Next';" in hearer.heard
    assert (holding.count.listeners, holding.count.peak) == (1, 1)
    assert holding.count.bytes_sent == len(hearer.heard) - before


def test_what_one_source_was_ahead_is_known_to_the_next(station: Station, clock: FakeClock) -> None:
    assert station.ahead_seconds == 0.0
    source = sent(station)
    assert station.ahead_seconds == TICKS / RATE
    clock.advance(1.0)
    station.release(source)
    assert station.ahead_seconds == TICKS / RATE - 1.0
    clock.advance(60.0)
    assert station.ahead_seconds == 0.0
