"""The native AAC encoder, judged by what decoders hear of it."""

import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from support.ear import noise_to_mask
from support.programs import needs
from support.sound import Array, programme
from support.stage import KERNELS, TOOLS
from talas_stream.codec.stages.aac import FRAME, AacCoder
from talas_stream.codec.stages.encode import AvCoder
from talas_stream.media import LADDER, RATE, Packet

pytestmark = pytest.mark.skipif(KERNELS.aac_encoder is None, reason="no native core")

AAC = LADDER["aac"]
START = 1_000_000


def opened(bit_rate: int = AAC.bit_rate) -> AacCoder:
    assert KERNELS.aac_encoder is not None
    return AacCoder(KERNELS.aac_encoder, bit_rate)


def run(coder: AacCoder | AvCoder, sound: Array, step: int = 1152) -> list[Packet]:
    packets: list[Packet] = []
    for at in range(0, sound.shape[1], step):
        packets += coder.encode(sound[:, at : at + step], START + at)
    return packets + coder.flush()


def heard(packets: list[Packet], size: int) -> Array:
    """What FFmpeg's decoder makes of the packets, from the beginning of the sound on. It takes each
    without an error, or raises."""
    decoder = av.CodecContext.create("aac", "r")
    pieces = []
    for packet in packets:
        fed = av.Packet(len(packet.payload))
        fed.update(packet.payload)
        pieces += [frame.to_ndarray() for frame in decoder.decode(fed)]
    return np.concatenate(pieces, axis=1)[:, FRAME : FRAME + size]


def distance(sound: Array, other: Array) -> float:
    """Signal to noise below 8 kHz, in dB: an encoder leaves the highest out, where it has few
    bits."""
    size = min(sound.shape[1], other.shape[1])
    spectra = [np.fft.rfft(each[:, :size])[:, : size // 6] for each in (sound, other)]
    noise = np.square(np.abs(spectra[0] - spectra[1])).sum()
    return float(10 * np.log10(np.square(np.abs(spectra[0])).sum() / noise))


def stereo() -> Array:
    """A voice in the middle, an instrument at either side, and a beat."""
    clock = np.arange(3 * RATE) / RATE
    middle = sum(np.sin(2 * np.pi * 190 * n * clock) / n for n in range(1, 20)) * 0.1
    beat = np.exp(-30 * (clock % 0.4)) * np.random.default_rng(7).normal(0, 0.2, clock.size)
    sides = 0.3 * programme(3.0, seed=9)
    return (sides + middle + beat).astype(np.float32)


def rate_of(packets: list[Packet]) -> float:
    """In bit/s, headers left out."""
    bits = sum(8 * (len(packet.payload) - 7) for packet in packets)
    return bits / (len(packets) * FRAME / RATE)


def test_packets_stand_where_ffmpeg_s_do() -> None:
    sound = programme(1.0)
    ours, theirs = run(opened(), sound), run(AvCoder(AAC, TOOLS), sound)
    assert [packet.at for packet in ours[:40]] == [packet.at for packet in theirs[:40]]
    assert all(before.end == after.at for before, after in pairwise(ours))


@pytest.mark.parametrize("samples", [1, 1023, 1024, 1025, 2047, 2048, 2049, 30_000])
def test_aac_coder_flushed_gives_the_end_of_the_sound(samples: int) -> None:
    sound = programme(1.0)[:, :samples]
    packets = run(opened(), sound)
    assert START + samples <= packets[-1].end < START + samples + FRAME
    assert packets[0].at == START - FRAME


@pytest.mark.parametrize("step", [1, 480, FRAME, FRAME + 1, 20_000])
def test_aac_packets_are_the_same_however_the_sound_is_cut(step: int) -> None:
    sound = programme(0.3)
    assert run(opened(), sound, step) == run(opened(), sound)


@pytest.mark.parametrize("make", [lambda: programme(3.0), stereo])
@pytest.mark.parametrize("bit_rate", [96_000, 128_000, 192_000])
def test_aac_noise_is_masked_better_than_that_of_ffmpeg_s_better_coder(
    make: Callable[[], Array], bit_rate: int
) -> None:
    sound = make()
    size = sound.shape[1]
    theirs = AvCoder(replace(AAC, bit_rate=bit_rate), TOOLS)
    ours = noise_to_mask(sound, heard(run(opened(bit_rate), sound), size))
    assert ours <= noise_to_mask(sound, heard(run(theirs, sound), size))


@pytest.mark.parametrize("bit_rate", [96_000, 128_000, 192_000])
def test_a_voice_with_a_beat_is_closer_to_the_sound_than_by_ffmpeg_s_better_coder(
    bit_rate: int,
) -> None:
    sound = stereo()
    theirs = AvCoder(replace(AAC, bit_rate=bit_rate), TOOLS)
    ours = distance(sound, heard(run(opened(bit_rate), sound), sound.shape[1]))
    assert ours > distance(sound, heard(run(theirs, sound), sound.shape[1]))


def hissing(level: float) -> Array:
    """A programme with much hiss up to the highest frequencies, at some level."""
    hiss = np.random.default_rng(4).normal(0, 0.01, (2, 2 * RATE))
    return (level * (programme(2.0) + hiss)).astype(np.float32)


@pytest.mark.parametrize("bit_rate", [96_000, 128_000, 192_000])
@pytest.mark.parametrize("quieter", [6.0, 12.0, 24.0])
def test_a_quieter_programme_is_as_bright(bit_rate: int, quieter: float) -> None:
    def high(level: float) -> float:
        out = heard(run(opened(bit_rate), hissing(level)), 2 * RATE) / level
        lines = np.abs(np.fft.rfft(out))[:, 8_000 * 2 : 14_000 * 2]
        return float(10 * np.log10(np.square(lines).sum()))

    assert high(10 ** (-quieter / 20)) == pytest.approx(high(1.0), abs=1.0)


@pytest.mark.parametrize("bit_rate", [96_000, 128_000, 192_000])
def test_hiss_over_14_khz_of_a_quiet_programme_is_as_loud(bit_rate: int) -> None:
    """Far below what is heard alone at a usual volume: who plays it turns it up."""
    sound = hissing(0.06)
    out = heard(run(opened(bit_rate), sound), sound.shape[1])
    powers = [np.square(np.abs(np.fft.rfft(x)[:, 14_000 * 2 : 16_500 * 2])) for x in (sound, out)]
    before, after = (10 * np.log10(each.sum()) for each in powers)
    assert after == pytest.approx(before, abs=1.0)


def test_instruments_at_either_side_stay_there() -> None:
    """Below 1 kHz, where noise of most of a band would be heard to wander between the speakers."""
    rng = np.random.default_rng(8)
    clock = np.arange(3 * RATE) / RATE
    sound = np.zeros((2, clock.size))
    for at in np.arange(0.1, 2.9, 0.11):
        since = np.maximum(clock - at, 0)
        drum = rng.normal(0, 1, clock.size) * np.exp(-25 * since) * (clock > at)
        place = rng.uniform(0, np.pi / 2)
        sound += 0.2 * np.outer([np.cos(place), np.sin(place)], drum)
    out = heard(run(opened(96_000), sound.astype(np.float32)), clock.size)
    low = [np.fft.rfft(each)[:, : 3 * 1000] for each in (sound, sound[:, : out.shape[1]] - out)]
    sounds, noise = (np.square(np.abs(each)).sum() for each in low)
    assert 10 * np.log10(sounds / noise) > 12


@pytest.mark.parametrize("bit_rate", [40_000, 64_000, 96_000, 128_000, 192_000, 320_000])
def test_aac_at_each_bit_rate_is_close_to_the_sound_and_keeps_its_rate(bit_rate: int) -> None:
    sound = stereo()
    packets = run(opened(bit_rate), sound)
    assert rate_of(packets[:-2]) == pytest.approx(bit_rate, rel=0.02)
    least = {40_000: 11, 64_000: 15, 96_000: 19, 128_000: 21, 192_000: 26, 320_000: 34}
    assert distance(sound, heard(packets, sound.shape[1])) > least[bit_rate]


def test_silence_is_silent_and_takes_as_many_bytes() -> None:
    sound = np.zeros((2, RATE), np.float32)
    packets = run(opened(), sound)
    assert not heard(packets, RATE).any()
    assert rate_of(packets[5:]) == pytest.approx(AAC.bit_rate, rel=0.02)


def test_a_beat_out_of_silence_has_no_sound_before_it() -> None:
    sound = np.zeros((2, RATE), np.float32)
    at = 20_600
    beat = np.random.default_rng(1).normal(0, 0.3, 3000) * np.exp(-np.arange(3000) / 600)
    sound[:, at : at + 3000] = beat
    out = heard(run(opened(), sound), RATE)
    assert np.abs(out[:, : at - 256]).max() < 1e-4
    before, after = (np.square(out[:, part]).mean() for part in (
        slice(at - 256, at - 32), slice(at, at + 600)))  # fmt: skip
    assert before < after / 1000


@pytest.mark.parametrize("bit_rate", [64_000, 96_000, 128_000])
def test_little_is_heard_before_a_beat_over_music(bit_rate: int) -> None:
    """Beats over a quiet chord: what is before each is not hidden by it."""
    rng = np.random.default_rng(6)
    clock = np.arange(3 * RATE) / RATE
    chord = 0.01 * sum(np.sin(2 * np.pi * tone * clock) for tone in (220.0, 277.2, 1310.0, 2900.0))
    sound = np.tile(chord, (2, 1))
    beats = [10_000 + 9_111 * n for n in range(14)]
    for at in beats:
        sound[:, at : at + 4000] += rng.normal(0, 0.2, 4000) * np.exp(-np.arange(4000) / 900)
    noise = heard(run(opened(bit_rate), sound.astype(np.float32)), clock.size) - sound
    before = np.mean([np.square(noise[:, at - 480 : at - 160]).mean() for at in beats])
    least = {64_000: 21, 96_000: 34, 128_000: 39}
    assert 10 * np.log10(np.square(chord).mean() / before) > least[bit_rate]


def test_aac_coder_fed_what_is_not_a_number_recovers() -> None:
    sound = programme(1.0)
    broken = sound.copy()
    broken[:, 20_000:20_400] = np.nan
    broken[0, 25_000] = np.inf
    out = heard(run(opened(), broken), sound.shape[1])
    assert np.isfinite(out).all()
    assert distance(sound[:, 30_000:46_000], out[:, 30_000:46_000]) > 12


def test_aac_bit_rate_out_of_range_is_refused() -> None:
    for bit_rate in (0, 39_999, 512_001):
        with pytest.raises(ValueError, match="between 40000 and 512000"):
            opened(bit_rate)


def test_aac_block_of_another_shape_is_refused() -> None:
    assert KERNELS.aac_encoder is not None
    coder = KERNELS.aac_encoder(128_000)
    with pytest.raises(ValueError, match="two planes"):
        coder.encode(np.zeros((2, 1000), np.float32))


@needs("faad")
@pytest.mark.parametrize("bit_rate", [64_000, 128_000, 256_000])
def test_aac_packets_sound_the_same_in_another_decoder(tmp_path: Path, bit_rate: int) -> None:
    sound = stereo()
    packets = run(opened(bit_rate), sound)
    coded, wav = tmp_path / "sound.aac", tmp_path / "sound.wav"
    coded.write_bytes(b"".join(packet.payload for packet in packets))
    faad = shutil.which("faad")
    assert faad is not None
    subprocess.run([faad, "-q", "-f", "1", "-b", "4", "-o", wav, coded], check=True, timeout=60)
    other, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    assert rate == RATE
    ours = heard(packets, sound.shape[1])
    # FAAD leaves the first frame out.
    offset = FRAME - (len(packets) * FRAME - other.shape[0])
    assert distance(ours, other.T[:, offset : offset + ours.shape[1]]) > 60
