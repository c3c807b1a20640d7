"""Encoding: media time, constant rate, no hidden threads."""

import os
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from support.sound import Array, decoded, programme
from talas_stream.media import LADDER, RATE, Codec, Packet, Pcm, Rendition
from talas_stream.stages.encode import OPUS_FRAME, PRE_ROLL, Encoder, one_cpu, successor

OPUS = LADDER[Codec.OPUS]


def threads() -> int:
    """Threads of this process, FFmpeg's own too."""
    return len(list(Path("/proc/self/task").iterdir()))


def run(encoder: Encoder, seconds: float = 2.0, start: int = 0, step: int = 1152) -> list[Packet]:
    sound = programme(seconds)
    packets: list[Packet] = []
    for at in range(0, sound.shape[1], step):
        packets += encoder.encode(Pcm(sound[:, at : at + step], start + at))
    return packets + encoder.flush()


@pytest.mark.parametrize("codec", list(Codec))
def test_packets_touch_and_cover_the_sound(codec: Codec) -> None:
    packets = run(Encoder(LADDER[codec]), start=1_000_000)
    for before, after in pairwise(packets):
        assert after.at == before.end
    # The encoder's delay stands before the start: the first packet sounds earlier than its input.
    assert -2000 < packets[0].at - 1_000_000 <= 0
    # LAME ends on a frame's edge of its own; the others cover everything.
    assert packets[-1].end >= 1_000_000 + 2 * RATE - 1152


@pytest.mark.parametrize("codec", list(Codec))
def test_the_rate_is_constant(codec: Codec) -> None:
    """Players count their buffers in bytes, so silence must send as much as music."""
    rendition = LADDER[codec]
    encoder = Encoder(rendition)
    music = run(encoder, 4.0)
    silent = Encoder(rendition)
    silence = [
        packet
        for n in range(200)
        for packet in silent.encode(Pcm(np.zeros((2, 960), np.float32), n * 960))
    ]
    for packets in (music, silence if codec is not Codec.AAC else music):
        size = sum(len(packet.payload) for packet in packets)
        seconds = sum(packet.duration for packet in packets) / RATE
        assert size * 8 / seconds == pytest.approx(rendition.bit_rate, rel=0.04)


@pytest.mark.parametrize("codec", list(Codec))
def test_a_loud_tone_keeps_its_level(codec: Codec) -> None:
    encoder = Encoder(LADDER[codec])
    time = np.arange(2 * RATE) / RATE
    tone = np.tile((0.95 * np.sin(2 * np.pi * 600 * time)).astype(np.float32), (2, 1))
    data = [packet for at in range(0, tone.shape[1], 960)
            for packet in encoder.encode(Pcm(tone[:, at : at + 960], at))]  # fmt: skip
    if codec is Codec.OPUS:
        decoder = av.CodecContext.create("libopus", "r")
        pieces = [decoder.decode(av.Packet(packet.payload)) for packet in data]
        heard = np.concatenate([f.to_ndarray()[0, ::2] / 32768 for p in pieces for f in p])
    else:
        heard = decoded(b"".join(packet.payload for packet in data))
    level = float(np.sqrt(np.mean(np.square(heard[RATE // 2 : RATE], dtype=np.float64))))
    assert level == pytest.approx(0.95 / np.sqrt(2), rel=0.06)


def test_aac_comes_as_adts() -> None:
    packet = run(Encoder(LADDER[Codec.AAC]), 0.2)[2]
    assert packet.payload[:2] == b"\xff\xf1"
    assert int.from_bytes(packet.payload[3:6], "big") >> 5 & 0x1FFF == len(packet.payload)


def test_opus_says_its_pre_skip() -> None:
    encoder = Encoder(LADDER[Codec.OPUS])
    assert encoder.config.startswith(b"OpusHead")
    first = run(encoder, 0.1)[0]
    assert -first.at == int.from_bytes(encoder.config[10:12], "little")


def test_flush_before_anything_is_nothing() -> None:
    assert Encoder(LADDER[Codec.OPUS]).flush() == []


def test_twenty_encoders_start_no_thread() -> None:
    before = threads()
    encoders = [Encoder(Rendition(codec, 96_000)) for codec in Codec for _ in range(7)]
    for encoder in encoders:
        run(encoder, 0.1)
    assert threads() == before


def test_one_cpu_gives_the_processors_back() -> None:
    allowed = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), one_cpu():
        assert len(os.sched_getaffinity(0)) == 1
        raise RuntimeError
    assert os.sched_getaffinity(0) == allowed


STEP = 1152
"""Samples of a block: not a packet's, so that a swap finds half a packet inside the encoder."""


def blocks(sound: Array, start: int = 7_000) -> list[Pcm]:
    return [
        Pcm(sound[:, at : at + STEP], start + at) for at in range(0, sound.shape[1] - STEP, STEP)
    ]


def spliced(work: list[Pcm], at: int, before: int, after: int) -> list[Packet]:
    """`work` coded with one complexity up to block `at`, and with another from there."""
    encoder = Encoder(OPUS, before)
    packets = [packet for pcm in work[:at] for packet in encoder.encode(pcm)]
    new = successor(encoder, after, work[:at])
    assert new is not None
    assert new.complexity == after
    packets += [packet for pcm in work[at:] for packet in new.encode(pcm)]
    return packets + new.flush()


def heard(packets: list[Packet]) -> Array:
    """What one decoder makes of the packets, shape (2, n)."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.extradata = Encoder(OPUS).config
    pieces = []
    for packet in packets:
        fed = av.Packet(len(packet.payload))
        fed.update(packet.payload)
        pieces += [frame.to_ndarray().reshape(-1, 2).T / 32768.0 for frame in decoder.decode(fed)]
    return np.concatenate(pieces, axis=1).astype(np.float32)


def low_notes() -> Array:
    time = np.arange(3 * RATE) / RATE
    chord = sum(0.12 * np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6, 440.0))
    return np.stack([chord, chord]).astype(np.float32)


def roughness(sound: Array) -> float:
    """The peak in dBFS of what lies over 1.5 kHz: of low notes only coding noise and clicks."""
    size, share = 257, 2 * 1500 / RATE
    ramp = np.arange(size) - size // 2
    taps = (np.sinc(ramp) - share * np.sinc(share * ramp)) * np.blackman(size)
    passed = [np.convolve(channel, taps, "valid") for channel in sound]
    return float(20 * np.log10(np.abs(passed).max() + 1e-9))


@pytest.mark.parametrize(("before", "after"), [(10, 5), (5, 0), (0, 5), (5, 10), (10, 0)])
def test_a_successor_s_packets_touch_its_predecessor_s(before: int, after: int) -> None:
    work = blocks(programme(2.0))
    for at in (20, 21, 22, 23, 24):
        packets = spliced(work, at, before, after)
        assert all(a.end == b.at for a, b in pairwise(packets))
        whole = Encoder(OPUS, before)
        straight = [p for pcm in work for p in whole.encode(pcm)] + whole.flush()
        assert [p.at for p in packets] == [p.at for p in straight]


@pytest.mark.parametrize(("before", "after"), [(10, 5), (5, 0), (0, 5), (5, 10)])
def test_a_swap_makes_no_step(before: int, after: int) -> None:
    work = blocks(low_notes())
    for at in range(60, 80, 3):
        packets = spliced(work, at, before, after)
        edge = at * STEP - 2 * OPUS_FRAME
        assert roughness(heard(packets)[:, edge - 4 * OPUS_FRAME : edge + 12 * OPUS_FRAME]) < -75


def test_a_swap_without_pre_roll_would_be_heard() -> None:
    """The measure finds a click where there is one."""
    sound, edge = low_notes(), 50 * OPUS_FRAME
    whole, fresh = Encoder(OPUS, 10), Encoder(OPUS, 5)
    packets = whole.encode(Pcm(sound[:, :edge], 0)) + fresh.encode(Pcm(sound[:, edge:], edge))
    assert roughness(heard(packets)[:, edge - 4 * OPUS_FRAME : edge + 4 * OPUS_FRAME]) > -50


def test_across_a_swap_the_music_is_no_further_from_the_source_than_before() -> None:
    sound = programme(4.0)
    work = blocks(sound, start=0)
    mixed, worse = heard(spliced(work, 83, 10, 0)), Encoder(OPUS, 0)
    pure = heard([packet for pcm in work for packet in worse.encode(pcm)])
    edge = 83 * STEP - OPUS_FRAME
    around = slice(edge - 2 * OPUS_FRAME, edge + 8 * OPUS_FRAME)

    def error(decoded: Array) -> float:
        return float(np.square(decoded[:, around] - sound[:, around]).mean())

    assert error(mixed) < 1.5 * error(pure)


def test_a_successor_needs_something_to_follow_and_enough_to_roll() -> None:
    work = blocks(programme(1.0))
    encoder = Encoder(OPUS)
    assert successor(encoder, 5, work) is None
    for pcm in work[:20]:
        encoder.encode(pcm)
    assert successor(encoder, 5, []) is None
    enough = PRE_ROLL * OPUS_FRAME // STEP + 2
    assert successor(encoder, 5, work[20 - enough + 3 : 20]) is None
    assert successor(encoder, 5, work[20 - enough : 20]) is not None
    # A history that does not end where the encoder stands is not swapped on.
    assert successor(encoder, 5, work[:18]) is None
