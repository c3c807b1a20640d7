"""Encoders of other rates and of mono: the sound is the same, and so is its place."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from support.sound import decoded, likeness, programme
from support.stage import TOOLS
from talas_stream.codec.stages.encode import Encoder, grid
from talas_stream.codec.stages.reshape import Reshaped
from talas_stream.media import LADDER, RATE, Packet, Pcm, Rendition, Samples

SHAPES = [
    msgspec.structs.replace(LADDER[name], rate=rate, channels=channels)
    for name, rate, channels in [
        ("mp3", 44_100, 2), ("mp3", 48_000, 1), ("mp3", 22_050, 1), ("mp3", 11_025, 2),
        ("aac", 44_100, 1), ("aac", 32_000, 2), ("aac", 48_000, 1),
    ]
]  # fmt: skip


@pytest.mark.parametrize("rendition", SHAPES, ids=str)
def test_packets_touch_and_sound_as_what_went_in(rendition: Rendition) -> None:
    sound, encoder = programme(3.0), Encoder(rendition, TOOLS)
    packets: list[Packet] = []
    for at in range(0, sound.shape[1], 1000):
        packets += encoder.encode(Pcm(sound[:, at : at + 1000], 5000 + at))
    assert all(a.end == b.at for a, b in pairwise(packets))
    heard = decoded(b"".join(packet.payload for packet in packets))
    assert abs(len(heard) - (packets[-1].end - packets[0].at)) < 100
    score, lag = likeness(heard[RATE : 2 * RATE], sound.mean(axis=0))
    assert score > 0.9
    # Where the packets say: their first begins before the sound does.
    assert abs(lag - RATE - (packets[0].at - 5000)) <= 2


@pytest.mark.parametrize("rendition", SHAPES, ids=str)
def test_encoder_that_goes_on_begins_exactly_where_it_is_told(rendition: Rendition) -> None:
    lead, duration = grid(rendition, TOOLS)
    resume = 1_000_003
    start = resume + lead - 8 * duration
    encoder = Encoder(rendition, TOOLS, resume=resume)
    sound = programme(1.0)
    packets = encoder.encode(Pcm(sound, start))
    assert packets[0].at == resume
    assert all(a.end == b.at for a, b in pairwise(packets))


class Echo:
    """A coder whose packets are as long as what it is given."""

    config = b"told"

    def __init__(self) -> None:
        self.taken: list[Samples] = []

    def encode(self, samples: Samples, at: int) -> list[Packet]:
        self.taken.append(samples)
        return [Packet(b"x", at, samples.shape[1])]

    def flush(self) -> list[Packet]:
        return [Packet(b"last", sum(samples.shape[1] for samples in self.taken), 10)]


def test_mono_is_the_mean_of_both_channels_at_the_same_rate() -> None:
    echo = Echo()
    reshaped = Reshaped(echo, RATE, 1)
    sound = np.array([[0.5] * 8, [0.1] * 8], np.float32)
    assert reshaped.encode(sound, 100) == [Packet(b"x", 100, 8)]
    assert np.allclose(echo.taken[0], 0.3)
    assert echo.taken[0].shape == (1, 8)
    assert reshaped.flush() == [Packet(b"last", 108, 10)]
    assert reshaped.config == b"told"


def test_reshaped_encoder_fed_nothing_gives_no_packet() -> None:
    assert Reshaped(Echo(), 44_100, 2).flush() == []
    assert Reshaped(Echo(), 44_100, 2).encode(np.zeros((2, 0), np.float32), 0) == []
