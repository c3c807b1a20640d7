"""libopus without PyAV around it: the packets PyAV's encoder makes, to the bit."""

import ctypes
from itertools import pairwise

import numpy as np
import pytest

from support.sound import Array, programme
from support.stage import TOOLS
from talas_stream.codec.stages.encode import AvCoder, Encoder
from talas_stream.codec.stages.govern import Effort
from talas_stream.codec.stages.libopus import FRAME, OpusCoder
from talas_stream.codec.stages.tools import Tools
from talas_stream.media import LADDER, Packet, Pcm

OPUS = LADDER["opus"]
START = 1_000_000


@pytest.fixture(name="opus")
def loaded() -> ctypes.CDLL:
    found = TOOLS.opus
    if found is None:
        pytest.skip("this PyAV brings no libopus file along")
    return found


def run(coder: OpusCoder | AvCoder, sound: Array, step: int = 1152) -> list[Packet]:
    packets: list[Packet] = []
    for at in range(0, sound.shape[1], step):
        packets += coder.encode(sound[:, at : at + step], START + at)
    return packets + coder.flush()


@pytest.mark.parametrize("name", ["opus", "32.opus"])
@pytest.mark.parametrize("complexity", [0, 5, 10])
def test_opus_packets_are_those_of_pyav_to_the_bit(
    opus: ctypes.CDLL, name: str, complexity: int
) -> None:
    theirs = AvCoder(LADDER[name], TOOLS, Effort(complexity))
    ours = OpusCoder(opus, LADDER[name].bit_rate, complexity)
    assert ours.config == theirs.config
    sound = programme(3.0)
    assert run(ours, sound) == run(theirs, sound)


@pytest.mark.parametrize("samples", [1, 312, 647, 648, 649, 960, 2880, 2881, 5000])
def test_last_opus_packet_is_that_of_pyav(opus: ctypes.CDLL, samples: int) -> None:
    sound = programme(0.2)[:, :samples]
    packets = run(OpusCoder(opus, OPUS.bit_rate, 10), sound)
    assert packets == run(AvCoder(OPUS, TOOLS), sound)
    assert packets[-1].end == START + samples


@pytest.mark.parametrize("step", [1, 7, 480, FRAME - 1, FRAME, FRAME + 1, 4 * FRAME, 20_000])
def test_opus_packets_are_the_same_however_the_sound_is_cut(opus: ctypes.CDLL, step: int) -> None:
    sound = programme(0.3)
    packets = run(OpusCoder(opus, OPUS.bit_rate, 5), sound, step)
    assert packets == run(OpusCoder(opus, OPUS.bit_rate, 5), sound)
    assert all(before.end == after.at for before, after in pairwise(packets))


def test_opus_packets_of_interleaved_planes_are_the_same(opus: ctypes.CDLL) -> None:
    sound = programme(0.3)
    interleaved = np.ascontiguousarray(sound.T).T
    assert run(OpusCoder(opus, OPUS.bit_rate, 5), interleaved) == run(
        OpusCoder(opus, OPUS.bit_rate, 5), sound
    )


def test_opus_coder_fed_nothing_gives_no_packet(opus: ctypes.CDLL) -> None:
    coder = OpusCoder(opus, OPUS.bit_rate, 5)
    assert coder.encode(np.zeros((2, 0), np.float32), 0) == []
    assert coder.flush() == []


@pytest.mark.parametrize(("bit_rate", "complexity"), [(0, 5), (96_000, 11)])
def test_opus_bit_rate_or_complexity_out_of_range_is_refused(
    opus: ctypes.CDLL, bit_rate: int, complexity: int
) -> None:
    with pytest.raises(ValueError, match="libopus refused"):
        OpusCoder(opus, bit_rate, complexity)


def test_eight_opus_coders_in_turn_do_not_disturb_each_other(opus: ctypes.CDLL) -> None:
    sounds = [programme(0.2, seed=seed) for seed in range(8)]
    apart = [run(OpusCoder(opus, OPUS.bit_rate, 5), sound) for sound in sounds]
    coders = [OpusCoder(opus, OPUS.bit_rate, 5) for _ in sounds]
    made: list[list[Packet]] = [[] for _ in sounds]
    for at in range(0, sounds[0].shape[1], 1152):
        for number, coder in enumerate(coders):
            made[number] += coder.encode(sounds[number][:, at : at + 1152], START + at)
    for number, coder in enumerate(coders):
        made[number] += coder.flush()
    assert made == apart


def test_encoder_without_libopus_gives_the_same_packets() -> None:
    direct, around = Encoder(OPUS, TOOLS), Encoder(OPUS, Tools(TOOLS.one_cpu))
    assert around.config == direct.config
    pcm = Pcm(programme(0.5), START)
    assert around.encode(pcm) == direct.encode(pcm)
