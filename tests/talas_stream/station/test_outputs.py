"""A station's outputs: passed on or encoded, across inputs, and what is kept for a newcomer."""

import gc
import weakref
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from support.sound import programme
from support.stage import (
    KERNELS,
    OPUS_HEAD,
    Hearer,
    RecordedCodecs,
    RecordedJob,
    frames_of,
    noise,
    placed,
)
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_stream.codec.messages import Coded, Metered
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet, Rendition, SourceCodec
from talas_stream.output.delivery import Delivery, wire_of
from talas_stream.output.feed import Feed
from talas_stream.output.output import MOST_HELD_TICKS, Output
from talas_stream.output.sizes import Sizes
from talas_stream.station.coding import AGAIN_SECONDS, FAILURES_SECONDS, MOST_FAILURES
from talas_stream.station.input_history import (
    MAX_HISTORY_BYTES,
    MAX_HISTORY_FORMATS,
    MAX_HISTORY_FRAMES,
    MAX_HISTORY_TICKS,
)
from talas_stream.station.outputs import REST_TICKS, Outputs
from talas_stream.wire.mpeg import MpegFramer

SIZES = Sizes(49_152, 65_536)
MP3_FRAMES = frames_of(programme(8.0), "mp3")
OPUS, AAC, MP3 = LADDER["opus"], LADDER["aac"], LADDER["mp3"]
FLAC, LEAN = LADDER["flac"], LADDER["32.opus"]
OFFERED = (OPUS, AAC, MP3)


def outputs_of(
    codecs: RecordedCodecs,
    *told: Any,
    renditions: Iterable[Rendition] = OFFERED,
    clock: FakeClock | None = None,
) -> Outputs:
    now = (clock or FakeClock()).monotonic
    return Outputs(
        *told, renditions=renditions, kernels=KERNELS, codecs=codecs, sizes=SIZES, now=now
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def codecs() -> RecordedCodecs:
    return RecordedCodecs()


@pytest.fixture
def outputs(codecs: RecordedCodecs, clock: FakeClock) -> Outputs:
    outputs = outputs_of(codecs, 96_000, "Night Line", "Song", clock=clock)
    outputs.accept(MP3_FRAMES)
    return outputs


def join(
    outputs: Outputs, rendition: Rendition, icy: bool = False
) -> tuple[Hearer, list[Feed], Output]:
    hearer, feeds = Hearer(), []  # type: tuple[Hearer, list[Feed]]
    live = outputs.join(hearer, rendition, Delivery(wire_of(rendition.codec, icy)), feeds.append)
    return hearer, feeds, live


def payloads(frames: list[Frame]) -> bytes:
    return b"".join(frame.payload for frame in frames)


def test_media_time_follows_the_frames(outputs: Outputs) -> None:
    assert outputs.end_at == 96_000 + len(MP3_FRAMES) * 1152
    assert outputs.through is MP3


def test_before_the_first_frame_there_is_no_coding(codecs: RecordedCodecs) -> None:
    outputs = outputs_of(codecs, 5, "", "")
    assert outputs.through is None
    assert outputs.end_at == 5
    outputs.end()


@pytest.mark.parametrize("coding", ["vorbis", "flac", "wav"])
def test_a_coding_that_nobody_is_served_is_coded_anew_for_everybody(
    coding: str, codecs: RecordedCodecs
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(frames_of(programme(0.5), coding))
    assert outputs.through is None
    join(outputs, MP3)
    outputs.end()
    assert [order for order, _ in codecs.jobs[0].orders] == ["open", "finish"]
    assert codecs.jobs[0].fed


def test_the_source_s_own_coding_passes_through_without_a_job(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    hearer, (feed,), live = join(outputs, MP3)
    assert payloads(MP3_FRAMES).endswith(hearer.heard)
    assert len(hearer.heard) >= SIZES.burst
    outputs.accept(MP3_FRAMES[:3])
    feed.flush()
    assert hearer.heard.endswith(payloads(MP3_FRAMES[:3]))
    assert codecs.jobs == []
    assert outputs.all == [live]
    assert outputs.listeners == 1


def test_another_coding_starts_one_job_with_the_history(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    opus, opus_feeds, _ = join(outputs, OPUS)
    join(outputs, AAC)
    (job,) = codecs.jobs
    assert job.orders == [("open", OPUS), ("open", AAC)]
    assert job.fed[-1].end == outputs.end_at
    assert job.history_ticks > 3 * RATE
    outputs.accept(MP3_FRAMES[:2])
    assert job.fed[-1].end == outputs.end_at
    assert (opus.heard, opus_feeds) == (b"", [])
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    assert opus.heard.count(b"OggS") == 3
    assert outputs.listeners == 2


def test_the_title_reaches_newcomers_and_those_there(outputs: Outputs) -> None:
    hearer, (feed,), _ = join(outputs, MP3, icy=True)
    assert b"StreamTitle='Song';" in hearer.heard
    outputs.retitle("Next")
    outputs.accept(MP3_FRAMES)
    feed.flush()
    assert b"StreamTitle='Next';" in hearer.heard


def test_outputs_of_a_coding_nobody_needs_any_more_are_dropped(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    hearer, _, live = join(outputs, OPUS)
    join(outputs, AAC)
    live.forget(hearer)
    outputs.tidy(0.0, 10.0)
    outputs.tidy(10.0, 10.0)
    (job,) = codecs.jobs
    assert job.orders[-1] == ("close", OPUS)
    job.deliver([Coded(OPUS, noise([100]), OPUS_HEAD)])
    assert [live.rendition for live in outputs.all] == [AAC]


def test_an_idle_coding_is_closed_after_its_time_and_its_job_stopped(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    hearer, _, live = join(outputs, OPUS)
    (job,) = codecs.jobs
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    outputs.tidy(0.0, 10.0)
    for feed in live.feeds:
        feed.leave(hearer)
    outputs.tidy(100.0, 10.0)
    outputs.tidy(109.9, 10.0)
    assert outputs.all == [live]
    outputs.tidy(110.0, 10.0)
    assert outputs.all == []
    assert job.orders == [("open", OPUS), ("close", OPUS), ("finish", None)]


def test_a_listener_in_time_keeps_it_open(outputs: Outputs, codecs: RecordedCodecs) -> None:
    hearer, _, live = join(outputs, OPUS)
    live.forget(hearer)
    outputs.tidy(0.0, 10.0)
    join(outputs, OPUS)
    outputs.tidy(9.0, 10.0)
    outputs.tidy(20.0, 10.0)
    assert outputs.all == [live]


def test_pass_through_is_closed_when_idle_as_well_and_opens_again(outputs: Outputs) -> None:
    hearer, (feed,), _ = join(outputs, MP3)
    feed.leave(hearer)
    outputs.tidy(0.0, 0.0)
    outputs.tidy(0.0, 0.0)
    assert outputs.all == []
    again, _, _ = join(outputs, MP3)
    assert again.heard == hearer.heard


def test_what_a_stopped_job_still_delivers_is_ignored(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    hearer, _, live = join(outputs, OPUS)
    live.forget(hearer)
    outputs.tidy(0.0, 0.0)
    outputs.tidy(0.0, 0.0)
    newcomer, feeds, _ = join(outputs, OPUS)
    stale, fresh = codecs.jobs
    stale.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    stale.done(False)
    assert (newcomer.heard, feeds, newcomer.ended) == (b"", [], False)
    fresh.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    assert newcomer.heard


def test_a_coding_closed_and_opened_in_one_breath_takes_the_new_encoder_s_packets_only(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    join(outputs, AAC)
    hearer, _, live = join(outputs, OPUS)
    live.forget(hearer)
    outputs.tidy(0.0, 0.0)
    outputs.tidy(0.0, 0.0)
    newcomer, _, _ = join(outputs, OPUS)
    (job,) = codecs.jobs
    assert job.orders[-2:] == [("close", OPUS), ("open", OPUS)]
    old, new = noise([100] * 5, seed=1), noise([100] * 5, seed=2)
    job.deliver([Coded(OPUS, old)])
    job.deliver([Coded(OPUS, new, OPUS_HEAD)])
    assert old[0].payload not in newcomer.heard
    assert new[0].payload in newcomer.heard


def test_programme_whose_jobs_fail_again_and_again_ends_its_encoded_listeners_and_nobody_else(
    outputs: Outputs, codecs: RecordedCodecs, clock: FakeClock
) -> None:
    own, _, _ = join(outputs, MP3)
    waits, _, _ = join(outputs, OPUS)
    for number in range(MOST_FAILURES):
        assert not waits.ended
        codecs.jobs[number].done(False)
    assert waits.ended
    assert not own.ended
    assert [live.rendition for live in outputs.all] == [MP3]
    assert len(codecs.jobs) == MOST_FAILURES
    with pytest.raises(Unavailable):
        join(outputs, OPUS)
    clock.advance(FAILURES_SECONDS)
    again, _, _ = join(outputs, OPUS)
    assert len(codecs.jobs) == MOST_FAILURES + 1
    assert not again.ended


def test_the_end_ends_its_own_coding_at_once_and_the_others_when_flushed(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    own, _, _ = join(outputs, MP3)
    other, _, _ = join(outputs, OPUS)
    (job,) = codecs.jobs
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    outputs.end()
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


def test_outputs_that_have_ended_are_freed_with_their_last_reference(
    codecs: RecordedCodecs,
) -> None:
    gc.disable()
    try:
        outputs = outputs_of(codecs, 96_000, "Night Line", "Song")
        outputs.accept(MP3_FRAMES)
        join(outputs, OPUS)
        join(outputs, MP3)
        codecs.jobs[0].deliver([Coded(OPUS, noise([500] * 3), OPUS_HEAD)])
        outputs.end()
        codecs.jobs.pop().done(False)
        left = weakref.ref(outputs)
        del outputs
        assert left() is None
    finally:
        gc.enable()


def test_the_history_of_a_source_that_sends_next_to_nothing_is_bounded_in_time(
    codecs: RecordedCodecs,
) -> None:
    """An hour of silence in Opus is less than half a megabyte."""
    outputs = outputs_of(codecs, 0, "", "")
    for _ in range(5):
        outputs.accept(small(9000))
    join(outputs, MP3)
    fed = codecs.jobs[0].fed
    assert fed[-1].end - fed[0].at <= MAX_HISTORY_TICKS + 2 * 960


def fed_to_a_newcomer(codecs: RecordedCodecs, frames: list[Frame]) -> list[Packet]:
    """What a listener who joins after these frames has decoded."""
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(frames)
    join(outputs, MP3)
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
    outputs = outputs_of(codecs, 0, "", "")
    for _ in range(20):
        outputs.accept(MP3_FRAMES)
    join(outputs, OPUS)
    fed: list[Packet] = codecs.jobs[0].fed
    assert sum(len(packet.payload) for packet in fed) >= SIZES.burst
    assert (fed[-1].end - fed[0].at) * OPUS.bit_rate / 8 / RATE >= SIZES.burst
    assert len(fed) < 2 * len(MP3_FRAMES)


def test_a_new_link_of_another_shape_passes_through_on_one_stream(codecs: RecordedCodecs) -> None:
    stereo = frames_of(programme(1.0), "opus")
    mono = frames_of(programme(1.0, channels=1), "opus")
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(stereo)
    hearer, (feed,), _ = join(outputs, OPUS)
    outputs.accept(mono)
    feed.flush()
    assert hearer.heard.count(b"OpusHead") == 1
    assert mono[0].payload in hearer.heard
    assert outputs.end_at == placed(stereo + mono)[-1].end


def test_with_no_time_left_only_what_needs_an_encoder_more_is_refused(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    codecs.full = True
    with pytest.raises(Unavailable) as caught:
        join(outputs, OPUS)
    assert caught.value.retry_after == 10
    assert codecs.jobs == []
    assert outputs.all == []
    own, _, _ = join(outputs, MP3)
    assert own.heard
    codecs.full = False
    join(outputs, OPUS)
    codecs.full = True
    join(outputs, OPUS)
    # The station's own worker is asked, whatever the others have left.
    codecs.jobs[0].full, codecs.full = True, False
    with pytest.raises(Unavailable):
        outputs.admit(AAC)
    outputs.admit(OPUS)
    codecs.jobs[0].full = False
    join(outputs, AAC)
    assert codecs.jobs[0].orders == [("open", OPUS), ("open", AAC)]


def test_what_is_kept_depends_on_what_the_station_is_offered_in(codecs: RecordedCodecs) -> None:
    for renditions in (OFFERED, (MP3, FLAC), (*OFFERED, LEAN)):
        outputs = outputs_of(codecs, 0, "", "", renditions=renditions)
        outputs.accept(MP3_FRAMES)
        join(outputs, FLAC)
    usual, rich, lean = (job.history_ticks / RATE for job in codecs.jobs)
    assert rich < usual < lean < 10.0


def test_the_lean_coding_is_made_even_where_the_source_sends_its_codec(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "", renditions=(OPUS, LEAN))
    outputs.accept(frames_of(programme(1.0), "opus"))
    own, _, _ = join(outputs, OPUS)
    lean, _, _ = join(outputs, LEAN)
    assert own.heard
    (job,) = codecs.jobs
    assert job.orders == [("open", LEAN)]
    job.deliver([Coded(LEAN, noise([80] * 5), OPUS_HEAD)])
    assert lean.heard.count(b"OggS") == 3
    outputs.end()
    assert own.ended
    job.done(False)
    assert lean.ended


READING = Reading(-20.0, None, -21.0, None, -3.0, 0.0)


def metered() -> tuple[Outputs, RecordedCodecs]:
    codecs = RecordedCodecs(metering=True)
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MP3_FRAMES)
    return outputs, codecs


def test_a_metered_programme_has_one_job_from_its_first_frame_to_its_end() -> None:
    outputs, codecs = metered()
    hearer, (feed,), _ = join(outputs, MP3)
    opus, _, live = join(outputs, OPUS)
    live.forget(opus)
    outputs.tidy(0.0, 10.0)
    outputs.tidy(10.0, 10.0)
    outputs.accept(MP3_FRAMES[:2])
    feed.flush()
    outputs.end()
    (job,) = codecs.jobs
    assert len(job.fed) == len(MP3_FRAMES) + 2
    assert [order for order, _ in job.orders] == ["meter", "open", "close", "finish"]
    assert (payloads(MP3_FRAMES) + payloads(MP3_FRAMES[:2])).endswith(hearer.heard)


def test_the_last_reading_is_kept_until_the_job_has_ended() -> None:
    outputs, codecs = metered()
    assert outputs.reading is None
    codecs.jobs[0].deliver([Metered(READING), Coded(OPUS, noise([80]), OPUS_HEAD)])
    assert outputs.reading == READING
    codecs.jobs[0].deliver([Metered(None)])
    assert outputs.reading is None
    codecs.jobs[0].deliver([Metered(READING)])
    codecs.jobs[0].done(False)
    assert outputs.reading is None
    outputs.accept(MP3_FRAMES[:5])
    assert len(codecs.jobs) == 1, "a job that failed is not begun again for the meter's sake"
    join(outputs, OPUS)
    assert [order for order, _ in codecs.jobs[1].orders] == ["meter", "open"]


def test_a_programme_whose_job_was_lost_is_measured_again_later() -> None:
    outputs, codecs = metered()
    codecs.jobs[0].done(False)
    for now in (100.0, 100.0 + AGAIN_SECONDS - 1):
        outputs.tidy(now, 10.0)
        assert len(codecs.jobs) == 1
    outputs.tidy(100.0 + AGAIN_SECONDS, 10.0)
    assert [order for order, _ in codecs.jobs[1].orders] == ["meter"]
    outputs.end()
    codecs.jobs[1].done(False)
    for now in (300.0, 300.0 + AGAIN_SECONDS):
        outputs.tidy(now, 10.0)
    assert len(codecs.jobs) == 2, "it is over"


def test_a_job_that_only_measures_gives_way_to_one_where_there_is_room() -> None:
    outputs, codecs = metered()
    codecs.jobs[0].full = True
    join(outputs, OPUS)
    assert [[order for order, _ in job.orders] for job in codecs.jobs] == [
        ["meter", "finish"], ["meter", "open"],
    ]  # fmt: skip
    codecs.jobs[0].deliver([Metered(READING)])
    codecs.jobs[0].done(False)
    assert outputs.reading is None
    codecs.full = True
    other = outputs_of(codecs, 0, "", "")
    other.accept(MP3_FRAMES)
    with pytest.raises(Unavailable):
        join(other, OPUS)


MONO = frames_of(programme(2.0, 44_100, 1), "mp3", 44_100)
STEREO_OPUS = frames_of(programme(2.0), "opus")


def gone(outputs: Outputs, ticks: int = RATE) -> None:
    """The source goes, and so long nobody sends."""
    outputs.rest(outputs.end_at + ticks)


def feeds_flushed(output: Output) -> None:
    for feed in output.feeds:
        feed.flush()


def shapes(data: bytes) -> set[tuple[int, int, int]]:
    framer = MpegFramer()
    return {framer.shape(frame) for frame in framer.cut(data) + framer.cut_rest()}


def test_coding_of_an_output_never_changes_while_it_has_a_listener(
    codecs: RecordedCodecs,
) -> None:
    """Whatever comes: other rates and channels, other codings, and its own again."""
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    hearer, _, output = join(outputs, MP3)
    was = output.coding
    for frames in (MP3_FRAMES, STEREO_OPUS, frames_of(programme(1.0), "flac"), MONO):
        gone(outputs)
        outputs.accept(frames)
        assert outputs.all == [output]
        assert output.coding is was
    feeds_flushed(output)
    assert (was.rate, was.channels) == (44_100, 1)
    assert shapes(hearer.heard) == {(1152, 44_100, 1)}


def test_input_that_would_change_an_output_is_encoded_into_it_from_where_it_ended(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    _, _, output = join(outputs, MP3)
    gone(outputs)
    ended = output.end_at
    outputs.accept(MP3_FRAMES)
    (job,) = codecs.jobs
    assert job.orders == [("open", output.coding)]
    assert job.resumed[output.coding] == ended
    assert not outputs.passes(MP3)
    encoded = [Packet(b"x" * 300, ended or 0, 1253)]
    job.deliver([Coded(output.coding, encoded, b"")])
    assert output.end_at == (ended or 0) + 1253


def test_output_goes_back_to_what_the_source_sends_when_that_fits_again(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    hearer, _, output = join(outputs, MP3)
    gone(outputs)
    outputs.accept(STEREO_OPUS)
    gone(outputs)
    outputs.accept(MONO)
    (job,) = codecs.jobs
    assert outputs.passes(MP3)
    deliver_up_to(outputs.end_at, output, job)
    assert job.orders[-1] == ("close", output.coding)
    assert output.end_at == outputs.end_at
    feeds_flushed(output)
    assert hearer.heard.endswith(payloads(MONO))
    # What the encoder still delivers is nobody's.
    job.deliver([Coded(output.coding, [Packet(b"late", 0, 1253)])])
    assert output.end_at == outputs.end_at


def deliver_up_to(until: int, output: Output, job: RecordedJob) -> list[Packet]:
    """What the encoder makes of all that it was fed, in whole packets."""
    samples, rate = 1152, output.coding.rate
    start = output.end_at or 0
    edges = [start + n * samples * RATE // rate for n in range((until - start) // 1000)]
    packets = [
        Packet(b"\xff\xfb" + b"encoded %d" % a, a, b - a) for a, b in pairwise(edges) if b <= until
    ]
    job.deliver([Coded(output.coding, packets)])
    return packets


def turned_back(codecs: RecordedCodecs) -> tuple[Outputs, Hearer, Output, int]:
    """An output whose first coding has come back, just as soon as it may, after another that is
    being encoded into it; with the media time at which it came back."""
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    hearer, _, output = join(outputs, MP3)
    gone(outputs)
    outputs.accept(STEREO_OPUS)
    gone(outputs, REST_TICKS)
    back_at = outputs.end_at
    outputs.accept(MONO[:20])
    return outputs, hearer, output, back_at


def test_end_of_what_was_encoded_is_heard_before_what_is_passed_on_again(
    codecs: RecordedCodecs,
) -> None:
    """However far the worker is behind: with no time in between it has told nothing of it yet."""
    outputs, hearer, output, back_at = turned_back(codecs)
    (job,) = codecs.jobs
    outputs.accept(MONO[20:])
    feeds_flushed(output)
    assert MONO[0].payload not in hearer.heard[-len(payloads(MONO)) :]
    assert job.orders[-1] == ("open", output.coding), "it goes on"
    made = deliver_up_to(outputs.end_at, output, job)
    feeds_flushed(output)
    told = [packet for packet in made if packet.at < back_at]
    assert len(told) > 75
    told_and_passed = b"".join(packet.payload for packet in told) + payloads(MONO)
    assert hearer.heard.endswith(told_and_passed), "no silence, and nothing twice"
    assert job.orders[-1] == ("close", output.coding)
    packets = output._history.read(output._history.tail)
    assert all(abs(a.end - b.at) <= 2 for a, b in pairwise(packets))
    outputs.accept(MONO[:3])
    feeds_flushed(output)
    assert hearer.heard.endswith(payloads(MONO) + payloads(MONO[:3]))


def test_input_that_goes_before_its_output_has_turned_to_it_is_left_to_the_encoder(
    codecs: RecordedCodecs,
) -> None:
    outputs, hearer, output, _ = turned_back(codecs)
    gone(outputs)
    (job,) = codecs.jobs
    assert job.orders == [("open", output.coding)]
    made = deliver_up_to(outputs.end_at, output, job)
    feeds_flushed(output)
    assert hearer.heard.endswith(b"".join(packet.payload for packet in made))
    outputs.end()
    assert (job.orders[-1], hearer.ended) == (("finish", None), False)
    job.done(False)
    assert hearer.ended


def test_change_of_the_input_before_its_output_has_turned_is_left_to_the_encoder(
    codecs: RecordedCodecs,
) -> None:
    outputs, hearer, output, _ = turned_back(codecs)
    outputs.accept(MP3_FRAMES[:50])
    (job,) = codecs.jobs
    assert job.orders == [("open", output.coding)]
    made = deliver_up_to(outputs.end_at, output, job)
    feeds_flushed(output)
    assert hearer.heard.endswith(b"".join(packet.payload for packet in made))


@pytest.mark.parametrize("loss", ["failures", "no end of it", "no room", "room lost"])
def test_what_an_encoder_never_tells_is_silence_before_what_is_passed_on(
    loss: str, codecs: RecordedCodecs
) -> None:
    if loss == "no room":
        outputs = outputs_of(codecs, 0, "", "")
        outputs.accept(MONO)
        hearer, _, output = join(outputs, MP3)
        gone(outputs)
        outputs.accept(STEREO_OPUS)
        codecs.full = True
        codecs.jobs[0].done(True)
        gone(outputs, REST_TICKS)
        outputs.accept(MONO)
    else:
        outputs, hearer, output, _ = turned_back(codecs)
        if loss == "room lost":
            codecs.full = True
            codecs.jobs[0].done(True)
        outputs.accept(MONO[20:])
    if loss == "failures":
        for number in range(MOST_FAILURES):
            codecs.jobs[number].done(False)
    while loss == "no end of it" and output.turning:
        outputs.accept(MONO)
        assert outputs.end_at - (output.end_at or 0) < 2 * MOST_HELD_TICKS
    assert not hearer.ended
    assert output.end_at == outputs.end_at
    feeds_flushed(output)
    assert hearer.heard.endswith(payloads(MONO))
    packets = output._history.read(output._history.tail)
    assert all(a.end == b.at for a, b in pairwise(packets))


def test_output_that_nobody_hears_is_not_encoded_on(codecs: RecordedCodecs) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    hearer, (feed,), _ = join(outputs, MP3)
    feed.leave(hearer)
    gone(outputs)
    outputs.accept(MP3_FRAMES)
    assert (outputs.all, codecs.jobs) == ([], [])
    _, _, output = join(outputs, MP3)
    assert (output.coding.rate, output.coding.channels) == (RATE, 2)


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_packets_touch_over_silence_and_the_next_source(
    coding: str, codecs: RecordedCodecs
) -> None:
    frames = frames_of(programme(1.0), coding)
    outputs = outputs_of(codecs, 1_000, "", "")
    outputs.accept(frames)
    _, _, output = join(outputs, LADDER[coding])
    for _ in range(3):
        for ticks in (3_000, 777, 12_345):
            gone(outputs, ticks)
        outputs.accept(frames_of(programme(1.0), coding))
    packets = output._history.read(output._history.tail)
    assert all(a.end == b.at for a, b in pairwise(packets))
    assert output.end_at == packets[-1].end
    assert 0 <= packets[-1].end - outputs.end_at < 960
    assert codecs.jobs == []


def test_source_changed_within_its_stay_is_encoded_into_the_output_too(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    _, _, output = join(outputs, MP3)
    outputs.accept(MP3_FRAMES)
    (job,) = codecs.jobs
    assert job.resumed == {output.coding: output.end_at}
    assert job.fed[-1].end == outputs.end_at


def test_whoever_comes_while_nobody_sends_hears_what_was_sent_last_and_silence(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MP3_FRAMES)
    gone(outputs, RATE // 2)
    hearer, _, output = join(outputs, MP3)
    join(outputs, OPUS)
    assert payloads(MP3_FRAMES[-5:]) in hearer.heard
    assert output.end_at is not None
    assert 0 <= outputs.end_at - output.end_at < 1152
    assert codecs.jobs[0].fed[-1].end == outputs.end_at


def test_measuring_begins_anew_with_each_source() -> None:
    outputs, codecs = metered()
    codecs.jobs[0].deliver([Metered(READING)])
    gone(outputs)
    outputs.accept(MP3_FRAMES)
    assert outputs.reading is None
    assert [order for order, _ in codecs.jobs[0].orders] == ["meter", "meter"]


def test_whoever_comes_after_minutes_of_silence_is_served_by_an_encoder(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(STEREO_OPUS)
    gone(outputs, MAX_HISTORY_TICKS + RATE)
    hearer, _, output = join(outputs, OPUS)
    (job,) = codecs.jobs
    assert job.orders == [("open", OPUS)]
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    assert hearer.heard
    assert output.listeners == 1


def test_whoever_comes_after_minutes_of_silence_is_refused_where_no_encoder_has_time(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(STEREO_OPUS)
    codecs.full = True
    gone(outputs)
    outputs.admit(OPUS)
    gone(outputs, MAX_HISTORY_TICKS + RATE)
    assert outputs.through is OPUS
    with pytest.raises(Unavailable):
        join(outputs, OPUS)
    assert (outputs.all, codecs.jobs) == ([], [])


def test_input_that_needs_an_encoder_waits_for_room_and_takes_nobody_s(
    codecs: RecordedCodecs,
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    hearer, _, output = join(outputs, MP3)
    codecs.full = True
    gone(outputs)
    outputs.accept(STEREO_OPUS)
    assert codecs.jobs == []
    outputs.tidy(0.0, 10.0)
    codecs.full = False
    outputs.tidy(1.0, 10.0)
    (job,) = codecs.jobs
    assert job.resumed == {output.coding: output.end_at}
    assert not hearer.ended


def test_reconnecting_source_whose_jobs_fail_begins_no_more_of_them(clock: FakeClock) -> None:
    codecs = RecordedCodecs(metering=True)
    outputs = outputs_of(codecs, 0, "", "", clock=clock)
    for frames in (MONO, MP3_FRAMES, MONO, MP3_FRAMES, MONO):
        outputs.accept(frames)
        if outputs.listeners == 0:
            join(outputs, MP3)
        for job in codecs.jobs[-1:]:
            job.done(False)
        gone(outputs)
    assert len(codecs.jobs) <= MOST_FAILURES
