"""Encoding: media time, constant rate, no hidden threads."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from support.sound import programme
from talas_stream.media import LADDER, RATE, Codec, Packet, Pcm, Rendition
from talas_stream.stages.encode import Encoder, one_cpu


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
