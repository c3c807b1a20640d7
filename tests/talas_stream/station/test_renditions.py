"""What a station has encoded: jobs that begin and end, outputs in use, and what is measured."""

import pytest

from support.outputs import AAC, LEAN, MONO, MP3, MP3_FRAMES, OPUS, gone, join, outputs_of, payloads
from support.sound import programme
from support.stage import OPUS_HEAD, RecordedCodecs, frames_of, noise
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_stream.codec.messages import Coded, Metered
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import RATE
from talas_stream.station.coding import AGAIN_SECONDS, FAILURES_SECONDS, MOST_FAILURES
from talas_stream.station.outputs import Outputs


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


def test_packets_of_an_output_that_was_closed_are_dropped(
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


def test_idle_output_is_closed_after_its_time_and_its_job_stopped(
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


def test_listener_who_comes_in_time_keeps_an_idle_output_open(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    hearer, _, live = join(outputs, OPUS)
    live.forget(hearer)
    outputs.tidy(0.0, 10.0)
    join(outputs, OPUS)
    outputs.tidy(9.0, 10.0)
    outputs.tidy(20.0, 10.0)
    assert outputs.all == [live]


def test_packets_that_a_stopped_job_still_delivers_are_ignored(
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


def test_last_reading_of_loudness_is_kept_until_the_job_has_ended() -> None:
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


def test_measuring_begins_anew_with_each_source() -> None:
    outputs, codecs = metered()
    codecs.jobs[0].deliver([Metered(READING)])
    gone(outputs)
    outputs.accept(MP3_FRAMES)
    assert outputs.reading is None
    assert [order for order, _ in codecs.jobs[0].orders] == ["meter", "meter"]
