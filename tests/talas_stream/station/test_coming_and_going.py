"""Outputs across inputs that come, go and change: one coding, one timeline, no gap."""

from itertools import pairwise

import pytest

from support.outputs import (
    MONO,
    MP3,
    MP3_FRAMES,
    OPUS,
    STEREO_OPUS,
    feeds_flushed,
    gone,
    join,
    outputs_of,
    payloads,
)
from support.sound import programme
from support.stage import OPUS_HEAD, Hearer, RecordedCodecs, RecordedJob, frames_of, noise
from talas_core.errors import Unavailable
from talas_stream.codec.messages import Coded
from talas_stream.media import LADDER, RATE, Packet
from talas_stream.output.output import MOST_HELD_TICKS, Output
from talas_stream.output.sizes import Sizes
from talas_stream.station.coding import MOST_FAILURES
from talas_stream.station.input_history import MAX_HISTORY_TICKS
from talas_stream.station.outputs import REST_TICKS, Outputs
from talas_stream.wire.mpeg import MpegFramer


def shapes(data: bytes) -> set[tuple[int, int, int]]:
    framer = MpegFramer()
    return {framer.shape(frame) for frame in framer.cut(data) + framer.cut_rest()}


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


@pytest.mark.parametrize("coding", ["mp3", "aac", "opus"])
def test_packets_touch_over_silence_and_the_next_source(
    coding: str, codecs: RecordedCodecs
) -> None:
    frames = frames_of(programme(1.0), coding)
    outputs = outputs_of(codecs, 1_000, "", "", sizes=Sizes(131_072, 65_536))
    outputs.accept(frames)
    _, _, output = join(outputs, LADDER[coding])
    for _ in range(3):
        for ticks in (3_000, 777, 12_345):
            gone(outputs, ticks)
        outputs.accept(frames_of(programme(1.0), coding))
    packets = output._history.read(0)
    assert (packets[0].at, output._history.tail) == (1_000 - frames[0].format.pre_skip, 0)
    assert all(a.end == b.at for a, b in pairwise(packets))
    assert output.end_at == packets[-1].end
    assert 0 <= packets[-1].end - outputs.end_at < 960
    assert codecs.jobs == []


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
