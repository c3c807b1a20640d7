"""The pipeline: one decode for many encodes, one clock for all."""

from itertools import pairwise

import numpy as np
import pytest

from support.sound import coded, decoded, likeness, programme
from talas_stream import kernels
from talas_stream.media import LADDER, RATE, Codec, Frame, Packet
from talas_stream.stages.ingest import Ingest
from talas_stream.stages.pipeline import Pipeline
from talas_stream.stages.timeline import Timeline

MP3, AAC, OPUS = LADDER[Codec.MP3], LADDER[Codec.AAC], LADDER[Codec.OPUS]


def frames_of(sound: np.ndarray, coding: str, rate: int = 48_000) -> list[Frame]:
    ingest = Ingest(kernels.select("off"))
    return ingest.feed(coded(sound, coding, rate)) + ingest.flush()


def placed(frames: list[Frame], start: int = 0) -> list[tuple[Frame, Packet]]:
    timeline = Timeline(start)
    return [(frame, timeline.place(frame)) for frame in frames]


@pytest.mark.parametrize(("coding", "rate"), [("mp3", 44_100), ("aac", 48_000), ("opus", 48_000)])
def test_what_comes_out_is_what_went_in(coding: str, rate: int) -> None:
    source = programme(3.0, rate)
    pipeline = Pipeline(RATE)
    pipeline.open(MP3)
    out = []
    for frame, packet in placed(frames_of(source, coding, rate)):
        out += pipeline.feed(frame, packet)[MP3]
    out += pipeline.flush()[MP3]
    heard = decoded(b"".join(packet.payload for packet in out), rate)
    score, _ = likeness(heard[4000 : 2 * rate], source.mean(axis=0))
    assert score > 0.95
    assert pipeline.errors == 0


def test_a_rendition_opened_late_starts_with_the_history_in_step_with_the_others() -> None:
    pipeline = Pipeline(2 * RATE)
    pipeline.open(AAC)
    work = placed(frames_of(programme(5.0, 44_100), "mp3", 44_100))
    early: list[Packet] = []
    for frame, packet in work[:150]:
        early += pipeline.feed(frame, packet)[AAC]
    config, burst = pipeline.open(OPUS)
    assert config.startswith(b"OpusHead")
    assert 1.9 * RATE < burst[-1].end - burst[0].at < 2.2 * RATE
    # Both renditions have taken in the same sound; they differ by their encoders' frames only.
    assert abs(early[-1].end - burst[-1].end) < 2048
    after = pipeline.feed(*work[150])
    assert after[OPUS][0].at == burst[-1].end


def test_a_change_of_rate_and_channels_leaves_no_step_in_the_clock() -> None:
    first = frames_of(programme(1.0, 44_100), "mp3", 44_100)
    second = frames_of(programme(1.0, 22_050, channels=1), "mp3", 22_050)
    work = placed(first + second + first)
    pipeline = Pipeline(RATE)
    pipeline.open(OPUS)
    out: list[Packet] = []
    for frame, packet in work:
        out += pipeline.feed(frame, packet)[OPUS]
    out += pipeline.flush()[OPUS]
    for before, after in pairwise(out):
        assert after.at == before.end
    # libopus pads its last packet; all else is the source's own length.
    assert abs(out[-1].end - work[-1][1].end) < 1000


def test_the_clock_starts_where_the_source_was_placed() -> None:
    work = placed(frames_of(programme(1.0), "opus"), start=960_000)
    pipeline = Pipeline(RATE)
    pipeline.open(AAC)
    out: list[Packet] = []
    for frame, packet in work:
        out += pipeline.feed(frame, packet)[AAC]
    assert out[0].at == 960_000 - 1024


def test_a_closed_rendition_costs_nothing_more() -> None:
    pipeline = Pipeline(RATE)
    pipeline.open(OPUS)
    pipeline.close(OPUS)
    pipeline.close(AAC)
    frame, packet = placed(frames_of(programme(0.2), "mp3"))[0]
    assert pipeline.feed(frame, packet) == {}
    assert Pipeline(RATE).flush() == {}


def test_errors_are_counted_over_changes_of_format() -> None:
    pipeline = Pipeline(RATE)
    for frames in (frames_of(programme(0.3), "mp3"), frames_of(programme(0.3), "aac")):
        for frame, packet in placed(frames):
            pipeline.feed(frame, packet)
        broken = Frame(b"\0" * 40, frames[0].format, frames[0].samples)
        pipeline.feed(broken, placed([broken])[0][1])
    assert pipeline.errors == 2
