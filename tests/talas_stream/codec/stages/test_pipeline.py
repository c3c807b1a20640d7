"""The pipeline: one decode for many encodes, one clock for all."""

import random
import time
from itertools import pairwise

import numpy as np
import pytest

from support.sound import coded, decoded, likeness, programme
from support.stage import TOOLS, WITHOUT_NATIVE, open_whole
from talas_stream import kernels
from talas_stream.codec.stages import normalise
from talas_stream.codec.stages.govern import BEST, Effort
from talas_stream.codec.stages.pipeline import LEAST_BLOCK, Opened, Pipeline
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import (
    LADDER,
    RATE,
    SILENT,
    Codec,
    Format,
    Frame,
    Packet,
    Rendition,
    SourceCodec,
)
from talas_stream.output.packetise import OggPacketiser, Packetiser, PlainPacketiser, flac_head
from talas_stream.station.timeline import Timeline

MP3, AAC, OPUS = LADDER["mp3"], LADDER["aac"], LADDER["opus"]


def frames_of(sound: np.ndarray, coding: str, rate: int = 48_000) -> list[Frame]:
    reader = SourceReader(kernels.select("off"))
    return reader.feed(coded(sound, coding, rate)) + reader.flush()


def placed(frames: list[Frame], start: int = 0) -> list[tuple[Frame, Packet]]:
    timeline = Timeline(start)
    return [(frame, timeline.place(frame)) for frame in frames]


@pytest.mark.parametrize(("coding", "rate"), [("mp3", 44_100), ("aac", 48_000), ("opus", 48_000)])
def test_pipeline_gives_out_the_sound_that_it_was_fed(coding: str, rate: int) -> None:
    source = programme(3.0, rate)
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    open_whole(pipeline, MP3)
    out = []
    for frame, packet in placed(frames_of(source, coding, rate)):
        out += pipeline.feed(frame, packet)[MP3]
    out += pipeline.flush()[MP3]
    heard = decoded(b"".join(packet.payload for packet in out), rate)
    score, _ = likeness(heard[4000 : 2 * rate], source.mean(axis=0))
    assert score > 0.95
    assert pipeline.errors == 0


def test_a_rendition_opened_late_starts_with_the_history_in_step_with_the_others() -> None:
    pipeline = Pipeline(2 * RATE, WITHOUT_NATIVE)
    open_whole(pipeline, AAC)
    work = placed(frames_of(programme(5.0, 44_100), "mp3", 44_100))
    early: list[Packet] = []
    for frame, packet in work[:150]:
        early += pipeline.feed(frame, packet)[AAC]
    config, burst = open_whole(pipeline, OPUS)
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
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    open_whole(pipeline, OPUS)
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
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    open_whole(pipeline, AAC)
    out: list[Packet] = []
    for frame, packet in work:
        out += pipeline.feed(frame, packet)[AAC]
    assert out[0].at == 960_000 - 1024


def test_a_closed_rendition_costs_nothing_more() -> None:
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    open_whole(pipeline, OPUS)
    pipeline.close(OPUS)
    pipeline.close(AAC)
    frame, packet = placed(frames_of(programme(0.2), "mp3"))[0]
    assert pipeline.feed(frame, packet) == {}
    assert Pipeline(RATE, WITHOUT_NATIVE).flush() == {}


def test_errors_are_counted_over_changes_of_format() -> None:
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    for frames in (frames_of(programme(0.3), "mp3"), frames_of(programme(0.3), "aac")):
        for frame, packet in placed(frames):
            pipeline.feed(frame, packet)
        broken = Frame(b"\0" * 40, frames[0].format, frames[0].samples)
        pipeline.feed(broken, placed([broken])[0][1])
    assert pipeline.errors == 2


def test_a_rendition_begun_catches_up_bit_by_bit_while_the_source_goes_on() -> None:
    work = placed(frames_of(programme(4.0, 44_100), "mp3", 44_100))
    whole, sliced = Pipeline(2 * RATE, WITHOUT_NATIVE), Pipeline(2 * RATE, WITHOUT_NATIVE)
    for frame, packet in work[:100]:
        whole.feed(frame, packet)
        sliced.feed(frame, packet)
    config, expected = open_whole(whole, OPUS)
    sliced.begin(OPUS, 60 * RATE)
    opened: list[Opened] = []
    heard: list[Packet] = []
    for frame, packet in work[100:]:
        expected += whole.feed(frame, packet)[OPUS]
        made = sliced.feed(frame, packet).get(OPUS, [])
        assert not (made and sliced.catching_up)
        heard += made
        for part in sliced.advance(RATE // 5):
            opened.append(part)
            heard += part.packets
    assert not sliced.catching_up
    assert len(opened) > 8
    assert all(part.packets for part in opened)
    assert {part.rendition for part in opened} == {OPUS}
    assert [part.config for part in opened] == [config] + [None] * (len(opened) - 1)
    assert heard == expected


def test_a_rendition_begins_with_as_much_of_the_history_as_it_needs() -> None:
    pipeline = Pipeline(3 * RATE, WITHOUT_NATIVE)
    for frame, packet in placed(frames_of(programme(4.0), "mp3")):
        pipeline.feed(frame, packet)
    starts = []
    for ticks in (RATE, 2 * RATE):
        pipeline.begin(AAC, ticks)
        (opened,) = pipeline.advance(10 * RATE)
        starts.append(opened.packets[-1].end - opened.packets[0].at)
        pipeline.close(AAC)
    assert starts == [pytest.approx(RATE, abs=5000), pytest.approx(2 * RATE, abs=5000)]


def test_renditions_begun_together_catch_up_together() -> None:
    pipeline = Pipeline(3 * RATE, WITHOUT_NATIVE)
    for frame, packet in placed(frames_of(programme(2.0), "mp3")):
        pipeline.feed(frame, packet)
    for rendition in (MP3, OPUS):
        pipeline.begin(rendition, RATE)
    made = pipeline.advance(RATE // 2)
    assert [opened.rendition for opened in made if opened.packets] == [MP3, OPUS]


def test_a_rendition_closed_while_it_catches_up_is_forgotten() -> None:
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    pipeline.feed(*placed(frames_of(programme(0.2), "mp3"))[0])
    pipeline.begin(OPUS, 60 * RATE)
    pipeline.close(OPUS)
    assert pipeline.advance(RATE) == []
    assert pipeline.flush() == {}


def test_new_effort_is_taken_up_one_encoder_at_a_time_and_the_clock_runs_on() -> None:
    pipeline, out = Pipeline(RATE, WITHOUT_NATIVE), {OPUS: [], LADDER["32.opus"]: []}
    for rendition in (OPUS, LADDER["32.opus"], AAC, MP3, LADDER["flac"]):
        open_whole(pipeline, rendition)
    work = placed(frames_of(programme(2.0, 44_100), "mp3", 44_100))
    for number, (frame, packet) in enumerate(work):
        if number in (2, 40, 60):
            pipeline.effort = BEST if number == 60 else Effort(0)
        made = pipeline.feed(frame, packet)
        for rendition in out:
            out[rendition] += made[rendition]
        if number == 2:
            assert not pipeline.swap(), "too little to roll"
        if number in (40, 60):
            assert [pipeline.swap() for _ in range(5)] == [True, True, False, False, False]
    assert not pipeline.swap()
    for packets in out.values():
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert work[-1][1].end - packets[-1].end < 2048 + 1152


@pytest.mark.parametrize(("coding", "rate"), [("mp3", 44_100), ("opus", 48_000)])
def test_frames_left_out_are_silence_and_the_clock_is_kept(coding: str, rate: int) -> None:
    work = placed(frames_of(programme(2.0, rate), coding, rate), start=RATE)
    whole, gaps = Pipeline(RATE, WITHOUT_NATIVE), Pipeline(RATE, WITHOUT_NATIVE)
    ends = []
    for pipeline in (whole, gaps):
        open_whole(pipeline, AAC)
        out: list[Packet] = []
        for number, (frame, packet) in enumerate(work):
            if pipeline is gaps and (number < 2 or 20 <= number < 40 or number == len(work) - 1):
                pipeline.skip(packet.duration)
            else:
                out += pipeline.feed(frame, packet)[AAC]
        out += pipeline.flush()[AAC]
        assert all(a.end == b.at for a, b in pairwise(out))
        ends.append(out[-1].end)
    assert abs(ends[0] - ends[1]) <= 1024


def test_frames_left_out_around_a_change_of_format_count_once() -> None:
    first = frames_of(programme(1.0, 44_100), "mp3", 44_100)
    second = frames_of(programme(1.0, 22_050, channels=1), "mp3", 22_050)
    work = placed(first + second)
    pipeline, out = Pipeline(RATE, WITHOUT_NATIVE), []
    open_whole(pipeline, OPUS)
    for number, (frame, packet) in enumerate(work):
        if abs(number - len(first)) < 4:
            pipeline.skip(packet.duration)
        else:
            out += pipeline.feed(frame, packet)[OPUS]
    out += pipeline.flush()[OPUS]
    assert all(a.end == b.at for a, b in pairwise(out))
    assert abs(out[-1].end - work[-1][1].end) < 1000


def test_the_tap_gets_what_was_decoded_and_nothing_that_was_left_out() -> None:
    pipeline, heard = Pipeline(RATE, WITHOUT_NATIVE), []
    pipeline.tap = heard.extend
    work = placed(frames_of(programme(1.0), "mp3"))
    for number, (frame, packet) in enumerate(work):
        if 10 <= number < 20:
            pipeline.skip(packet.duration)
        else:
            pipeline.feed(frame, packet)
    assert sum(pcm.end - pcm.at for pcm in heard) == (len(work) - 10) * 1152
    assert all(np.abs(pcm.samples).max() > 0 for pcm in heard[3:-3])


MINUTES = 10


def links() -> list[list[Frame]]:
    """Stretches of sound in every coding, at many rates, mono and stereo, each a format of its
    own; the lengths of their frames do not go into each other."""
    kinds = [
        ("mp3", 44_100, 2), ("vorbis", 44_100, 1), ("aac", 48_000, 2), ("flac", 22_050, 1),
        ("opus", 48_000, 1), ("wav-24", 32_000, 2), ("vorbis", 48_000, 2), ("mp3", 22_050, 1),
        ("ogg-flac", 96_000, 2), ("webm", 48_000, 2), ("wav", 8_000, 1), ("aac", 44_100, 1),
    ]  # fmt: skip
    return [
        frames_of(programme(2.0, rate, channels, seed), coding, rate)
        for seed, (coding, rate, channels) in enumerate(kinds)
    ]


def wreck(frames: list[Frame], dice: random.Random) -> list[Frame]:
    """Some frames never came, some came damaged; what is left is a new link of a chain."""
    first = frames[0].format
    form = Format(first.codec, first.rate, first.channels, first.config, first.pre_skip)
    kept = frames[: dice.randrange(8, len(frames))]
    return [
        Frame(b"" if dice.random() < 0.02 else frame.payload, form, frame.samples)
        for frame in kept
        if dice.random() > 0.03
    ]


def test_ten_minutes_of_drops_and_changes_do_not_make_the_clock_drift() -> None:
    dice, stretches = random.Random(11), links()
    timeline, pipeline = Timeline(0), Pipeline(RATE, WITHOUT_NATIVE)
    pipeline.effort = Effort(complexity=0)
    open_whole(pipeline, OPUS)
    out: list[Packet] = []
    began = time.process_time()
    behind = changes = 0
    while timeline.end < MINUTES * 60 * RATE:
        changes += 1
        for frame in wreck(dice.choice(stretches), dice):
            packet = timeline.place(frame)
            out += pipeline.feed(frame, packet)[OPUS]
            if out:
                behind = max(behind, abs(packet.end - out[-1].end))
    assert MINUTES * 60 / (time.process_time() - began) > 20
    out += pipeline.flush()[OPUS]
    assert changes > 300
    assert pipeline.errors > 100
    assert all(before.end == after.at for before, after in pairwise(out))
    # Never further from the source than what the resampler and the encoder hold, at any time.
    assert behind < 4096
    assert abs(out[-1].end - timeline.end) <= 960 + 312


def resumed(rendition: Rendition, since: int) -> tuple[bytes, list[Packet], int]:
    """Packets of a pipeline that was lost after its hundredth frame, the last three on their way,
    and then those of another that has kept the frames from `since` on. The config of both, and
    where the second begin."""
    work = placed(frames_of(programme(6.0, 44_100), "mp3", 44_100))
    first, second = Pipeline(RATE, TOOLS), Pipeline(4 * RATE, TOOLS)
    config, _ = open_whole(first, rendition)
    packets = [p for frame, at in work[:100] for p in first.feed(frame, at)[rendition]][:-3]
    lost = len(packets)
    for frame, at in work[since:120]:
        second.feed(frame, at)
    second.begin(rendition, 0, packets[-1].end)
    while second.catching_up:
        for opened in second.advance(RATE // 10):
            packets += opened.packets
            assert opened.config in {config, None}
    for frame, at in work[120:]:
        packets += second.feed(frame, at)[rendition]
    return config, packets + second.flush()[rendition], lost


def framed(rendition: Rendition, config: bytes, packets: list[Packet]) -> bytes:
    """A listener's stream of them."""
    packetiser: Packetiser = PlainPacketiser()
    if rendition.codec is Codec.OPUS:
        packetiser = OggPacketiser(kernels.select("auto"), config, 1, "")
    elif rendition.codec is Codec.FLAC:
        packetiser = PlainPacketiser(flac_head(config))
    wire = [piece for packet in packets for piece in packetiser.feed(packet)]
    return packetiser.head + b"".join(piece.payload for piece in [*wire, *packetiser.flush()])


@pytest.mark.parametrize("name", LADDER)
def test_rendition_resumed_by_another_encoder_goes_on_at_the_packet_where_it_was_lost(
    name: str,
) -> None:
    config, packets, lost = resumed(LADDER[name], since=40)
    assert all(a.end == b.at for a, b in pairwise(packets))
    heard = decoded(framed(LADDER[name], config, packets), 44_100)
    assert abs(len(heard) * 480 // 441 - packets[-1].end) < 2400
    at = packets[lost].at * 441 // 480
    around = heard[at - 44_100 // 10 : at + 44_100 // 4]
    score, _ = likeness(around, programme(6.0, 44_100).mean(axis=0))
    assert score > 0.85


@pytest.mark.parametrize("name", LADDER)
def test_rendition_resumed_after_what_is_kept_has_silence_for_what_is_gone(name: str) -> None:
    config, packets, lost = resumed(LADDER[name], since=115)
    assert all(a.end == b.at for a, b in pairwise(packets))
    heard = decoded(framed(LADDER[name], config, packets))
    quiet = heard[packets[lost].at + 4000 :][: RATE // 10]
    assert np.abs(quiet).max() < 0.01
    assert np.abs(heard[packets[-1].at - RATE :]).max() > 0.1


def test_links_of_one_sample_make_no_resampler_and_no_block_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(normalise, "Resampler", lambda *told: pytest.fail("made for nothing"))
    pipeline = Pipeline(60 * RATE, WITHOUT_NATIVE)
    open_whole(pipeline, OPUS)
    fed: list[Packet] = []
    for number in range(2000):
        rate = (191_999, 187_507)[number % 2]
        frame = Frame(bytes(4), Format(SourceCodec.PCM_S16, rate, 2), rate // 1000)
        at = number * RATE // 1000
        fed += pipeline.feed(frame, Packet(frame.payload, at, RATE // 1000))[OPUS]
    fed += pipeline.flush()[OPUS]
    assert len(pipeline._history) <= 2 * RATE // LEAST_BLOCK
    assert all(a.end == b.at for a, b in pairwise(fed))


def test_source_that_breaks_off_and_another_that_comes_are_faded_without_a_step() -> None:
    """In FLAC, which changes nothing: between them there is nothing but silence."""
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32) * np.float32(0.5)
    sound = frames_of(np.array([tone, tone]), "wav")
    pipeline, timeline, flac = Pipeline(RATE, WITHOUT_NATIVE), Timeline(0), LADDER["flac"]
    config, _ = open_whole(pipeline, flac)
    made: list[Packet] = []
    # Off at a peak, and on again at one.
    for frame in (*sound[:-7], *[Frame(b"", SILENT, 960)] * 25, *sound[3:]):
        made += pipeline.feed(frame, timeline.place(frame))[flac]
    made += pipeline.flush()[flac]
    heard = decoded(framed(flac, config, made))
    assert all(a.end == b.at for a, b in pairwise(made))
    assert np.abs(np.diff(heard)).max() < 1.05 * 0.5 * 2 * np.pi * 440 / RATE
    gone = sum(frame.samples for frame in sound[:-7])
    assert np.abs(heard[gone + 1000 : gone + 25 * 960 - 10]).max() < 0.0002
    assert np.abs(heard[-RATE // 2 :]).max() > 0.49


def test_links_of_one_source_s_chain_are_not_faded() -> None:
    links = [frames_of(programme(0.5), "opus"), frames_of(programme(0.5), "opus")]
    pipeline, timeline = Pipeline(RATE, WITHOUT_NATIVE), Timeline(0)
    for frame in (*links[0], *links[1]):
        pipeline.feed(frame, timeline.place(frame))
        assert pipeline._seam._ringing is None
