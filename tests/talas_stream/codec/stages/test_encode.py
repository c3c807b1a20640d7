"""Encoding: media time, constant rate, no hidden threads."""

import io
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from support.sound import Array, programme
from support.stage import KERNELS, TOOLS, WITHOUT_NATIVE
from talas_stream.codec.stages.decode import Decoder
from talas_stream.codec.stages.encode import PRE_ROLL, Encoder, successor
from talas_stream.codec.stages.govern import BEST, Effort
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet, Pcm, SourceCodec
from talas_stream.output.packetise import flac_head
from talas_stream.wire.flac import parse_streaminfo

NAMES = [*LADDER, "native aac"] if KERNELS.aac_encoder else list(LADDER)
"""AAC has two encoders: FFmpeg's, and the native one where that is built."""
LOSSY = [name for name in NAMES if name != "flac"]
STEADY = [name for name in LOSSY if name != "aac"]
"""FFmpeg's AAC encoder sends little for silence."""


def encoder_of(name: str, effort: Effort = BEST) -> Encoder:
    tools = TOOLS if name.startswith("native ") else WITHOUT_NATIVE
    return Encoder(LADDER[name.removeprefix("native ")], tools, effort)


def threads() -> int:
    """Threads of this process, FFmpeg's own too."""
    return len(list(Path("/proc/self/task").iterdir()))


def run(encoder: Encoder, seconds: float = 2.0, start: int = 0, step: int = 1152) -> list[Packet]:
    sound = programme(seconds)
    packets: list[Packet] = []
    for at in range(0, sound.shape[1], step):
        packets += encoder.encode(Pcm(sound[:, at : at + step], start + at))
    return packets + encoder.flush()


@pytest.mark.parametrize("name", NAMES)
def test_packets_touch_and_cover_the_sound(name: str) -> None:
    packets = run(encoder_of(name), start=1_000_000)
    for before, after in pairwise(packets):
        assert after.at == before.end
    # The encoder's delay stands before the start: the first packet sounds earlier than its input.
    assert -2000 < packets[0].at - 1_000_000 <= 0
    # LAME ends on a frame's edge of its own; the others cover everything.
    assert packets[-1].end >= 1_000_000 + 2 * RATE - 1152


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_encoder_sends_a_constant_rate_for_silence_as_for_music(name: str) -> None:
    """Players count their buffers in bytes, so silence must send as much as music."""
    music, silent = run(encoder_of(name), 4.0), encoder_of(name)
    silence = [
        packet
        for n in range(200)
        for packet in silent.encode(Pcm(np.zeros((2, 960), np.float32), n * 960))
    ]
    for packets in (music, silence if name in STEADY else music):
        size = sum(len(packet.payload) for packet in packets)
        seconds = sum(packet.duration for packet in packets) / RATE
        assert size * 8 / seconds == pytest.approx(silent.rendition.bit_rate, rel=0.04)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0.95, 0.5, 0.1])
def test_tone_keeps_its_level_within_a_tenth_of_a_decibel(name: str, level: float) -> None:
    encoder = encoder_of(name)
    time = np.arange(3 * RATE) / RATE
    tone = np.tile((level * np.sin(2 * np.pi * 997 * time)).astype(np.float32), (2, 1))
    data = [packet for at in range(0, tone.shape[1], 960)
            for packet in encoder.encode(Pcm(tone[:, at : at + 960], at))]  # fmt: skip
    heard = heard_of(encoder, data)[:, RATE : 2 * RATE]
    power = np.mean(np.square(heard, dtype=np.float64), axis=1)
    assert 10 * np.log10(power / (level * level / 2)) == pytest.approx([0, 0], abs=0.1)


def heard_of(encoder: Encoder, packets: list[Packet]) -> Array:
    """What a listener's decoder makes of the packets."""
    codec = encoder.rendition.codec
    coded = SourceCodec.FLAC if codec is Codec.FLAC else codec
    config = encoder.config if codec in (Codec.OPUS, Codec.FLAC) else b""
    form = Format(coded, RATE, 2, config)
    decoder = Decoder(form)
    pieces = [decoder.decode(Frame(p.payload, form, p.duration)) for p in packets]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("name", [name for name in NAMES if "aac" in name])
def test_aac_comes_as_adts(name: str) -> None:
    packet = run(encoder_of(name), 0.2)[2]
    assert packet.payload[:2] == b"\xff\xf1"
    assert int.from_bytes(packet.payload[3:6], "big") >> 5 & 0x1FFF == len(packet.payload)


def test_flac_is_the_sound_itself_in_16_bits_joined_anywhere() -> None:
    encoder = Encoder(LADDER["flac"], TOOLS)
    whole = (np.rint(programme(2.0) * 32768) / 32768).astype(np.float32)
    packets = [
        packet
        for at in range(0, whole.shape[1], 1000)
        for packet in encoder.encode(Pcm(whole[:, at : at + 1000], at))
    ] + encoder.flush()
    assert {packet.duration for packet in packets[:-1]} == {1152}
    info = parse_streaminfo(encoder.config)
    assert (info.rate, info.channels, info.bits) == (RATE, 2, 16)
    late = packets[40:]
    stream = io.BytesIO(flac_head(encoder.config) + b"".join(p.payload for p in late))
    with av.open(stream, format="flac") as file:
        pieces = [frame.to_ndarray().reshape(-1, 2).T for frame in file.decode(audio=0)]
    heard = np.concatenate(pieces, axis=1) / 32768
    assert np.array_equal(heard, whole[:, late[0].at :])


def test_flac_of_what_16_bits_do_not_hold_is_dithered() -> None:
    """A tone of less than half a step would be rounded to nothing."""
    encoder = Encoder(LADDER["flac"], TOOLS)
    faint = 0.4 / 32768 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    sound = np.tile(faint, (2, 1)).astype(np.float32)
    packets = encoder.encode(Pcm(sound, 0)) + encoder.flush()
    stream = io.BytesIO(flac_head(encoder.config) + b"".join(p.payload for p in packets))
    with av.open(stream, format="flac") as file:
        pieces = [frame.to_ndarray().reshape(-1, 2).T for frame in file.decode(audio=0)]
    lines = np.abs(np.fft.rfft(np.concatenate(pieces, axis=1)[0])) / RATE
    assert lines[2 * 1000] == pytest.approx(0.4, abs=0.05)


def test_opus_says_its_pre_skip() -> None:
    encoder = Encoder(LADDER["opus"], TOOLS)
    assert encoder.config.startswith(b"OpusHead")
    first = run(encoder, 0.1)[0]
    assert -first.at == int.from_bytes(encoder.config[10:12], "little")


@pytest.mark.parametrize("name", NAMES)
def test_encoder_flushed_before_any_sound_gives_no_packet(name: str) -> None:
    assert encoder_of(name).flush() == []


def test_twenty_encoders_start_no_thread() -> None:
    before = threads()
    encoders = [encoder_of(name) for name in NAMES for _ in range(5)]
    for encoder in encoders:
        run(encoder, 0.1)
    assert threads() == before


STEP = 1152
"""Samples of a block: not a packet's, so that a swap finds half a packet inside the encoder."""


def blocks(sound: Array, start: int = 7_000) -> list[Pcm]:
    return [
        Pcm(sound[:, at : at + STEP], start + at) for at in range(0, sound.shape[1] - STEP, STEP)
    ]


def spliced(work: list[Pcm], at: int, before: Effort, after: Effort) -> list[Packet]:
    """`work` as Opus with one effort up to block `at`, and with another from there."""
    encoder = encoder_of("opus", before)
    packets = [packet for pcm in work[:at] for packet in encoder.encode(pcm)]
    new = successor(encoder, after, work[:at])
    assert new is not None
    assert new.effort == after
    packets += [packet for pcm in work[at:] for packet in new.encode(pcm)]
    return packets + new.flush()


def straight(work: list[Pcm], effort: Effort) -> list[Packet]:
    """`work` coded by one encoder."""
    encoder = encoder_of("opus", effort)
    return [packet for pcm in work for packet in encoder.encode(pcm)] + encoder.flush()


def heard(packets: list[Packet]) -> Array:
    """What one decoder makes of the packets, shape (2, n), from the beginning of the sound on: it
    leaves the delay out by itself."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.extradata = encoder_of("opus").config
    pieces = []
    for packet in packets:
        fed = av.Packet(len(packet.payload))
        fed.update(packet.payload)
        pieces += [f.to_ndarray().reshape(-1, 2).T / 32768.0 for f in decoder.decode(fed)]
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


WELL, FAIR, POOR = Effort(10), Effort(5), Effort(0)
SWAPS = [(WELL, FAIR), (FAIR, POOR), (POOR, FAIR), (FAIR, WELL), (WELL, POOR)]
FRAME = 960
"""Ticks of an Opus packet. An encoder holds one of sound that it has not given out."""


def test_only_what_changes_the_coding_is_a_reason_to_swap() -> None:
    opus = [name for name in NAMES if name.endswith("opus")]
    assert [name for name in NAMES if encoder_of(name, WELL).takes(FAIR)] == opus
    assert not any(encoder_of(name, WELL).takes(WELL) for name in NAMES)


@pytest.mark.parametrize(("before", "after"), SWAPS)
def test_a_successor_s_packets_touch_its_predecessor_s(before: Effort, after: Effort) -> None:
    work = blocks(programme(2.0))
    whole = straight(work, before)
    for at in (20, 21, 22, 23, 24):
        packets = spliced(work, at, before, after)
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert [p.at for p in packets] == [p.at for p in whole]


@pytest.mark.parametrize(("before", "after"), SWAPS)
def test_encoder_swapped_on_the_way_leaves_no_step_in_the_sound(
    before: Effort, after: Effort
) -> None:
    work = blocks(low_notes())
    for at in range(60, 80, 3):
        packets = spliced(work, at, before, after)
        edge = at * STEP - FRAME
        around = heard(packets)[:, edge - 4 * FRAME : edge + 12 * FRAME]
        assert roughness(around) < -75


def test_a_swap_without_pre_roll_would_be_heard() -> None:
    """The measure finds a click where there is one."""
    sound, edge = low_notes(), 50 * FRAME
    whole, fresh = encoder_of("opus", WELL), encoder_of("opus", FAIR)
    packets = whole.encode(Pcm(sound[:, :edge], 0)) + fresh.encode(Pcm(sound[:, edge:], edge))
    assert roughness(heard(packets)[:, edge - 4 * FRAME : edge + 4 * FRAME]) > -50


def test_across_a_swap_the_music_is_no_further_from_the_source_than_before() -> None:
    sound = programme(4.0)
    work = blocks(sound, start=0)
    edge = 83 * STEP - FRAME
    around = slice(edge - 2 * FRAME, edge + 8 * FRAME)

    def error(packets: list[Packet]) -> float:
        return float(np.square(heard(packets)[:, around] - sound[:, around]).mean())

    mixed = error(spliced(work, 83, WELL, POOR))
    assert mixed < 1.5 * max(error(straight(work, effort)) for effort in (WELL, POOR))


def test_successor_without_a_last_packet_or_enough_history_is_none() -> None:
    work = blocks(programme(1.0))
    encoder = encoder_of("opus")
    assert successor(encoder, POOR, work) is None
    for pcm in work[:20]:
        encoder.encode(pcm)
    assert successor(encoder, POOR, []) is None
    enough = PRE_ROLL * FRAME // STEP + 2
    assert successor(encoder, POOR, work[20 - enough + 3 : 20]) is None
    assert successor(encoder, POOR, work[20 - enough : 20]) is not None
    # A history that does not end where the encoder stands is not swapped on.
    assert successor(encoder, POOR, work[:18]) is None
