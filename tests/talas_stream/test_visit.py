"""One source's visit: pass-through, codec jobs, and what is kept for a newcomer."""

import gc
import weakref
from collections.abc import Iterable
from typing import Any

import pytest

from support.sound import programme
from support.stage import (
    KERNELS,
    OPUS_HEAD,
    Hearer,
    RecordedCodecs,
    frames_of,
    noise,
    placed,
)
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_stream.codec.messages import Coded, Metered
from talas_stream.coding import AGAIN_SECONDS, FAILURES_SECONDS, MOST_FAILURES
from talas_stream.delivery import Delivery, wire_of
from talas_stream.feed import Feed
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet, Rendition, SourceCodec
from talas_stream.output import Output
from talas_stream.sizes import Sizes
from talas_stream.stages.meter import Reading
from talas_stream.visit import (
    MAX_HISTORY_BYTES,
    MAX_HISTORY_FORMATS,
    MAX_HISTORY_FRAMES,
    MAX_HISTORY_TICKS,
    Visit,
)

SIZES = Sizes(49_152, 65_536)
MP3_FRAMES = frames_of(programme(8.0), "mp3")
OPUS, AAC, MP3 = LADDER["opus"], LADDER["aac"], LADDER["mp3"]
FLAC, LEAN = LADDER["flac"], LADDER["32.opus"]
OFFERED = (OPUS, AAC, MP3)


def visit_of(
    codecs: RecordedCodecs,
    *told: Any,
    renditions: Iterable[Rendition] = OFFERED,
    clock: FakeClock | None = None,
) -> Visit:
    now = (clock or FakeClock()).monotonic
    return Visit(*told, renditions=renditions, kernels=KERNELS, codecs=codecs, sizes=SIZES, now=now)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def codecs() -> RecordedCodecs:
    return RecordedCodecs()


@pytest.fixture
def visit(codecs: RecordedCodecs, clock: FakeClock) -> Visit:
    visit = visit_of(codecs, 96_000, "Night Line", "Song", clock=clock)
    visit.accept(MP3_FRAMES)
    return visit


def join(
    visit: Visit, rendition: Rendition, icy: bool = False
) -> tuple[Hearer, list[Feed], Output]:
    hearer, feeds = Hearer(), []  # type: tuple[Hearer, list[Feed]]
    live = visit.join(hearer, rendition, Delivery(wire_of(rendition.codec, icy)), feeds.append)
    return hearer, feeds, live


def payloads(frames: list[Frame]) -> bytes:
    return b"".join(frame.payload for frame in frames)


def test_media_time_follows_the_frames(visit: Visit) -> None:
    assert visit.end_at == 96_000 + len(MP3_FRAMES) * 1152
    assert visit.through is MP3


def test_before_its_first_frame_a_visit_has_no_coding(codecs: RecordedCodecs) -> None:
    visit = visit_of(codecs, 5, "", "")
    assert visit.through is None
    assert visit.end_at == 5
    visit.end()


@pytest.mark.parametrize("coding", ["vorbis", "flac", "wav"])
def test_a_coding_that_nobody_is_served_is_coded_anew_for_everybody(
    coding: str, codecs: RecordedCodecs
) -> None:
    visit = visit_of(codecs, 0, "", "")
    visit.accept(frames_of(programme(0.5), coding))
    assert visit.through is None
    join(visit, MP3)
    visit.end()
    assert [order for order, _ in codecs.jobs[0].orders] == ["open", "finish"]
    assert codecs.jobs[0].fed


def test_the_source_s_own_coding_passes_through_without_a_job(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    hearer, (feed,), live = join(visit, MP3)
    assert payloads(MP3_FRAMES).endswith(hearer.heard)
    assert len(hearer.heard) >= SIZES.burst
    visit.accept(MP3_FRAMES[:3])
    feed.flush()
    assert hearer.heard.endswith(payloads(MP3_FRAMES[:3]))
    assert codecs.jobs == []
    assert visit.live == [live]
    assert visit.listeners == 1


def test_another_coding_starts_one_job_with_the_history(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    opus, opus_feeds, _ = join(visit, OPUS)
    join(visit, AAC)
    (job,) = codecs.jobs
    assert job.orders == [("open", OPUS), ("open", AAC)]
    assert job.fed[-1].end == visit.end_at
    assert job.history_ticks > 3 * RATE
    visit.accept(MP3_FRAMES[:2])
    assert job.fed[-1].end == visit.end_at
    assert (opus.heard, opus_feeds) == (b"", [])
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    assert opus.heard.count(b"OggS") == 3
    assert visit.listeners == 2


def test_the_title_reaches_newcomers_and_those_there(visit: Visit) -> None:
    hearer, (feed,), _ = join(visit, MP3, icy=True)
    assert b"StreamTitle='Song';" in hearer.heard
    visit.retitle("Next")
    visit.accept(MP3_FRAMES)
    feed.flush()
    assert b"StreamTitle='Next';" in hearer.heard


def test_outputs_of_a_coding_nobody_needs_any_more_are_dropped(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    hearer, _, live = join(visit, OPUS)
    join(visit, AAC)
    live.forget(hearer)
    visit.tidy(0.0, 10.0)
    visit.tidy(10.0, 10.0)
    (job,) = codecs.jobs
    assert job.orders[-1] == ("close", OPUS)
    job.deliver([Coded(OPUS, noise([100]), OPUS_HEAD)])
    assert [live.rendition for live in visit.live] == [AAC]


def test_an_idle_coding_is_closed_after_its_time_and_its_job_stopped(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    hearer, _, live = join(visit, OPUS)
    (job,) = codecs.jobs
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    visit.tidy(0.0, 10.0)
    for feed in live.feeds:
        feed.leave(hearer)
    visit.tidy(100.0, 10.0)
    visit.tidy(109.9, 10.0)
    assert visit.live == [live]
    visit.tidy(110.0, 10.0)
    assert visit.live == []
    assert job.orders == [("open", OPUS), ("close", OPUS), ("finish", None)]


def test_a_listener_in_time_keeps_it_open(visit: Visit, codecs: RecordedCodecs) -> None:
    hearer, _, live = join(visit, OPUS)
    live.forget(hearer)
    visit.tidy(0.0, 10.0)
    join(visit, OPUS)
    visit.tidy(9.0, 10.0)
    visit.tidy(20.0, 10.0)
    assert visit.live == [live]


def test_pass_through_is_closed_when_idle_as_well_and_opens_again(visit: Visit) -> None:
    hearer, (feed,), _ = join(visit, MP3)
    feed.leave(hearer)
    visit.tidy(0.0, 0.0)
    visit.tidy(0.0, 0.0)
    assert visit.live == []
    again, _, _ = join(visit, MP3)
    assert again.heard == hearer.heard


def test_what_a_stopped_job_still_delivers_is_ignored(visit: Visit, codecs: RecordedCodecs) -> None:
    hearer, _, live = join(visit, OPUS)
    live.forget(hearer)
    visit.tidy(0.0, 0.0)
    visit.tidy(0.0, 0.0)
    newcomer, feeds, _ = join(visit, OPUS)
    stale, fresh = codecs.jobs
    stale.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    stale.done(False)
    assert (newcomer.heard, feeds, newcomer.ended) == (b"", [], False)
    fresh.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    assert newcomer.heard


def test_a_coding_closed_and_opened_in_one_breath_takes_the_new_encoder_s_packets_only(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    join(visit, AAC)
    hearer, _, live = join(visit, OPUS)
    live.forget(hearer)
    visit.tidy(0.0, 0.0)
    visit.tidy(0.0, 0.0)
    newcomer, _, _ = join(visit, OPUS)
    (job,) = codecs.jobs
    assert job.orders[-2:] == [("close", OPUS), ("open", OPUS)]
    old, new = noise([100] * 5, seed=1), noise([100] * 5, seed=2)
    job.deliver([Coded(OPUS, old)])
    job.deliver([Coded(OPUS, new, OPUS_HEAD)])
    assert old[0].payload not in newcomer.heard
    assert new[0].payload in newcomer.heard


def test_programme_whose_jobs_fail_again_and_again_ends_its_encoded_listeners_and_nobody_else(
    visit: Visit, codecs: RecordedCodecs, clock: FakeClock
) -> None:
    own, _, _ = join(visit, MP3)
    waits, _, _ = join(visit, OPUS)
    for number in range(MOST_FAILURES):
        assert not waits.ended
        codecs.jobs[number].done(False)
    assert waits.ended
    assert not own.ended
    assert [live.rendition for live in visit.live] == [MP3]
    assert len(codecs.jobs) == MOST_FAILURES
    with pytest.raises(Unavailable):
        join(visit, OPUS)
    clock.advance(FAILURES_SECONDS)
    again, _, _ = join(visit, OPUS)
    assert len(codecs.jobs) == MOST_FAILURES + 1
    assert not again.ended


def test_the_end_of_the_visit_ends_its_own_coding_at_once_and_the_others_when_flushed(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    own, _, _ = join(visit, MP3)
    other, _, _ = join(visit, OPUS)
    (job,) = codecs.jobs
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    visit.end()
    assert own.ended
    assert not other.ended
    assert job.orders[-1] == ("finish", None)
    last = noise([100], seed=9)
    job.deliver([Coded(OPUS, last)])
    job.done(False)
    assert other.ended
    assert last[0].payload in other.heard


def small(count: int, duration_code: int = 0xF8) -> list[Frame]:
    form = Format(Codec.OPUS, RATE, 2, OPUS_HEAD, 312)
    return [Frame(bytes((duration_code, 1)), form, 960) for _ in range(count)]


def test_visit_that_has_ended_is_freed_with_its_last_reference(codecs: RecordedCodecs) -> None:
    gc.disable()
    try:
        visit = visit_of(codecs, 96_000, "Night Line", "Song")
        visit.accept(MP3_FRAMES)
        join(visit, OPUS)
        join(visit, MP3)
        codecs.jobs[0].deliver([Coded(OPUS, noise([500] * 3), OPUS_HEAD)])
        visit.end()
        codecs.jobs.pop().done(False)
        left = weakref.ref(visit)
        del visit
        assert left() is None
    finally:
        gc.enable()


def test_the_history_of_a_source_that_sends_next_to_nothing_is_bounded_in_time(
    codecs: RecordedCodecs,
) -> None:
    """An hour of silence in Opus is less than half a megabyte."""
    visit = visit_of(codecs, 0, "", "")
    for _ in range(5):
        visit.accept(small(9000))
    join(visit, MP3)
    fed = codecs.jobs[0].fed
    assert fed[-1].end - fed[0].at <= MAX_HISTORY_TICKS + 2 * 960


def fed_to_a_newcomer(codecs: RecordedCodecs, frames: list[Frame]) -> list[Packet]:
    """What a listener who joins after these frames has decoded."""
    visit = visit_of(codecs, 0, "", "")
    visit.accept(frames)
    join(visit, MP3)
    return codecs.jobs[0].fed


def test_history_of_frames_without_length_is_bounded_in_number(codecs: RecordedCodecs) -> None:
    form = Format(SourceCodec.FLAC, 192_000, 2)
    fed = fed_to_a_newcomer(codecs, [Frame(b"x", form, 0)] * (2 * MAX_HISTORY_FRAMES))
    assert len(fed) == MAX_HISTORY_FRAMES


def test_history_of_large_frames_is_bounded_in_bytes(codecs: RecordedCodecs) -> None:
    form = Format(SourceCodec.VORBIS, 48_000, 2)
    payload = bytes(250_000)
    fed = fed_to_a_newcomer(codecs, [Frame(payload, form, 32)] * 300)
    assert len(fed) == MAX_HISTORY_BYTES // len(payload)


def test_history_holds_few_formats_so_that_a_newcomer_costs_few_decoders(
    codecs: RecordedCodecs,
) -> None:
    """Links of Opus that skip more than they hold do not even move media time."""
    links = [Format(Codec.OPUS, RATE, 2, OPUS_HEAD, 65_535) for _ in range(50)]
    frames = [Frame(bytes(9), link, 120) for link in links for _ in range(3)]
    assert len(fed_to_a_newcomer(codecs, frames)) == 3 * MAX_HISTORY_FORMATS


def test_the_history_fills_a_burst_of_every_coding(codecs: RecordedCodecs) -> None:
    visit = visit_of(codecs, 0, "", "")
    for _ in range(20):
        visit.accept(MP3_FRAMES)
    join(visit, OPUS)
    fed: list[Packet] = codecs.jobs[0].fed
    assert sum(len(packet.payload) for packet in fed) >= SIZES.burst
    assert (fed[-1].end - fed[0].at) * OPUS.bit_rate / 8 / RATE >= SIZES.burst
    assert len(fed) < 2 * len(MP3_FRAMES)


def test_a_new_link_of_another_shape_passes_through_on_one_stream(codecs: RecordedCodecs) -> None:
    stereo = frames_of(programme(1.0), "opus")
    mono = frames_of(programme(1.0, channels=1), "opus")
    visit = visit_of(codecs, 0, "", "")
    visit.accept(stereo)
    hearer, (feed,), _ = join(visit, OPUS)
    visit.accept(mono)
    feed.flush()
    assert hearer.heard.count(b"OpusHead") == 1
    assert mono[0].payload in hearer.heard
    assert visit.end_at == placed(stereo + mono)[-1].end


def test_with_no_time_left_only_what_needs_an_encoder_more_is_refused(
    visit: Visit, codecs: RecordedCodecs
) -> None:
    codecs.full = True
    with pytest.raises(Unavailable) as caught:
        join(visit, OPUS)
    assert caught.value.retry_after == 10
    assert codecs.jobs == []
    assert visit.live == []
    own, _, _ = join(visit, MP3)
    assert own.heard
    codecs.full = False
    join(visit, OPUS)
    codecs.full = True
    join(visit, OPUS)
    # The station's own worker is asked, whatever the others have left.
    codecs.jobs[0].full, codecs.full = True, False
    with pytest.raises(Unavailable):
        visit.admit(AAC)
    visit.admit(OPUS)
    codecs.jobs[0].full = False
    join(visit, AAC)
    assert codecs.jobs[0].orders == [("open", OPUS), ("open", AAC)]


def test_what_is_kept_depends_on_what_the_station_is_offered_in(codecs: RecordedCodecs) -> None:
    for renditions in (OFFERED, (MP3, FLAC), (*OFFERED, LEAN)):
        visit = visit_of(codecs, 0, "", "", renditions=renditions)
        visit.accept(MP3_FRAMES)
        join(visit, FLAC)
    usual, rich, lean = (job.history_ticks / RATE for job in codecs.jobs)
    assert rich < usual < lean < 10.0


def test_the_lean_coding_is_made_even_where_the_source_sends_its_codec(
    codecs: RecordedCodecs,
) -> None:
    visit = visit_of(codecs, 0, "", "", renditions=(OPUS, LEAN))
    visit.accept(frames_of(programme(1.0), "opus"))
    own, _, _ = join(visit, OPUS)
    lean, _, _ = join(visit, LEAN)
    assert own.heard
    (job,) = codecs.jobs
    assert job.orders == [("open", LEAN)]
    job.deliver([Coded(LEAN, noise([80] * 5), OPUS_HEAD)])
    assert lean.heard.count(b"OggS") == 3
    visit.end()
    assert own.ended
    job.done(False)
    assert lean.ended


READING = Reading(-20.0, None, -21.0, None, -3.0, 0.0)


def metered() -> tuple[Visit, RecordedCodecs]:
    codecs = RecordedCodecs(metering=True)
    visit = visit_of(codecs, 0, "", "")
    visit.accept(MP3_FRAMES)
    return visit, codecs


def test_a_metered_visit_has_one_job_from_its_first_frame_to_its_end() -> None:
    visit, codecs = metered()
    hearer, (feed,), _ = join(visit, MP3)
    opus, _, live = join(visit, OPUS)
    live.forget(opus)
    visit.tidy(0.0, 10.0)
    visit.tidy(10.0, 10.0)
    visit.accept(MP3_FRAMES[:2])
    feed.flush()
    visit.end()
    (job,) = codecs.jobs
    assert len(job.fed) == len(MP3_FRAMES) + 2
    assert [order for order, _ in job.orders] == ["meter", "open", "close", "finish"]
    assert (payloads(MP3_FRAMES) + payloads(MP3_FRAMES[:2])).endswith(hearer.heard)


def test_the_last_reading_is_kept_until_the_job_has_ended() -> None:
    visit, codecs = metered()
    assert visit.reading is None
    codecs.jobs[0].deliver([Metered(READING), Coded(OPUS, noise([80]), OPUS_HEAD)])
    assert visit.reading == READING
    codecs.jobs[0].deliver([Metered(None)])
    assert visit.reading is None
    codecs.jobs[0].deliver([Metered(READING)])
    codecs.jobs[0].done(False)
    assert visit.reading is None
    visit.accept(MP3_FRAMES[:5])
    assert len(codecs.jobs) == 1, "a job that failed is not begun again for the meter's sake"
    join(visit, OPUS)
    assert [order for order, _ in codecs.jobs[1].orders] == ["meter", "open"]


def test_a_programme_whose_job_was_lost_is_measured_again_later() -> None:
    visit, codecs = metered()
    codecs.jobs[0].done(False)
    for now in (100.0, 100.0 + AGAIN_SECONDS - 1):
        visit.tidy(now, 10.0)
        assert len(codecs.jobs) == 1
    visit.tidy(100.0 + AGAIN_SECONDS, 10.0)
    assert [order for order, _ in codecs.jobs[1].orders] == ["meter"]
    visit.end()
    codecs.jobs[1].done(False)
    for now in (300.0, 300.0 + AGAIN_SECONDS):
        visit.tidy(now, 10.0)
    assert len(codecs.jobs) == 2, "it is over"


def test_a_job_that_only_measures_gives_way_to_one_where_there_is_room() -> None:
    visit, codecs = metered()
    codecs.jobs[0].full = True
    join(visit, OPUS)
    assert [[order for order, _ in job.orders] for job in codecs.jobs] == [
        ["meter", "finish"], ["meter", "open"],
    ]  # fmt: skip
    codecs.jobs[0].deliver([Metered(READING)])
    codecs.jobs[0].done(False)
    assert visit.reading is None
    codecs.full = True
    other = visit_of(codecs, 0, "", "")
    other.accept(MP3_FRAMES)
    with pytest.raises(Unavailable):
        join(other, OPUS)
