"""The clock: whatever a source drops, damages, joins or changes, media time goes on as it was sent.

Bytes of real files go through ingest, timeline and codecs; no time is asked for, so ten minutes of
broadcast take a moment. What comes out stands where the timeline says, to the sample.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from support.sound import Array, coded, likeness, programme
from support.stage import KERNELS, OPUS_HEAD, WITHOUT_NATIVE, open_whole
from talas_stream.codec.stages.decode import Decoder
from talas_stream.codec.stages.pipeline import Pipeline
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import LADDER, RATE, Codec, Format, Frame, Packet
from talas_stream.station.timeline import Timeline

pytestmark = pytest.mark.journey

MINUTES = 10
KINDS = [(44_100, 2), (48_000, 1), (32_000, 2), (44_100, 1), (22_050, 2), (48_000, 2)]
CODED = (LADDER[Codec.OPUS], LADDER[Codec.AAC])
SERVED = {
    Codec.OPUS: Format(Codec.OPUS, RATE, 2, OPUS_HEAD[:10] + bytes(2) + OPUS_HEAD[12:]),
    Codec.AAC: Format(Codec.AAC, RATE, 2),
}


def sound_of(samples: int, rate: int, channels: int, seed: int = 1) -> Array:
    """`samples` of programme: a length that no coding's frames go into."""
    return programme(samples / rate + 0.1, rate, channels, seed)[:, :samples]


def visit(pieces: Iterable[bytes]) -> Iterator[tuple[Frame, Packet]]:
    """A source's frames, placed."""
    ingest, timeline = SourceReader(KERNELS), Timeline(0)
    for piece in pieces:
        for frame in ingest.feed(piece):
            yield frame, timeline.place(frame)
    for frame in ingest.flush():
        yield frame, timeline.place(frame)


def links_of(work: list[tuple[Frame, Packet]]) -> list[list[tuple[Frame, Packet]]]:
    """The frames of each format."""
    found: list[list[tuple[Frame, Packet]]] = []
    for frame, packet in work:
        if not found or found[-1][-1][0].format is not frame.format:
            found.append([])
        found[-1].append((frame, packet))
    return found


@pytest.mark.parametrize(
    ("coding", "rate"),
    [("opus", 48_000), ("vorbis", 48_000), ("vorbis", 44_100), ("ogg-flac", 44_100)],
)
def test_chained_ogg_link_lasts_as_long_as_it_says_to_the_sample(coding: str, rate: int) -> None:
    lengths = (rate + 37, rate // 2 + 811, rate // 3 + 1)
    sounds = [sound_of(length, rate, 2, seed) for seed, length in enumerate(lengths)]
    work = list(visit(coded(sound, coding, rate) for sound in sounds))
    begins = [link[0][1].at + link[0][0].format.pre_skip for link in links_of(work)]
    apart = [after - before for before, after in pairwise([*begins, work[-1][1].end])]
    assert apart == [length * RATE // rate for length in lengths]
    for link, sound in zip(links_of(work), sounds, strict=True):
        decoder = Decoder(link[0][0].format)
        heard = np.concatenate([decoder.decode(frame) for frame, _ in link], axis=1)
        assert heard.shape == sound.shape
        # The end is the sound's own end: what was cut off is what the coder had filled up.
        end = sound[0, -rate // 2 :]
        score, lag = likeness(heard[0, -rate // 4 :], end)
        assert score > 0.95
        assert lag == len(end) - rate // 4


def damaged(link: bytes, dice: random.Random) -> bytes:
    """Bytes lost, bytes changed, noise in between, or the rest never sent."""
    data, at = bytearray(link), dice.randrange(len(link) // 3, len(link) - 500)
    hurt = dice.randrange(5)
    if hurt == 0:
        del data[at : at + dice.randrange(1, 400)]
    elif hurt == 1:
        data[at] ^= 0x55
    elif hurt == 2:
        data[at:at] = dice.randbytes(3000)
    elif hurt == 3:
        del data[at:]
    return bytes(data)


def coded_packets(work: Iterable[tuple[Frame, Packet]]) -> tuple[dict[Codec, list[Packet]], int]:
    """What the pipeline makes of it, and how often the source's format changed."""
    pipeline = Pipeline(RATE, WITHOUT_NATIVE)
    out: dict[Codec, list[Packet]] = {rendition.codec: [] for rendition in CODED}
    formats: dict[int, Format] = {}
    for rendition in CODED:
        open_whole(pipeline, rendition)
    for frame, packet in work:
        formats[id(frame.format)] = frame.format
        for rendition, packets in pipeline.feed(frame, packet).items():
            out[rendition.codec] += packets
    for rendition, packets in pipeline.flush().items():
        out[rendition.codec] += packets
    return out, len(formats)


def heard_at(packets: list[Packet], codec: Codec) -> tuple[Array, int]:
    """The packets as mono sound, and the media time of its first sample."""
    decoder = Decoder(SERVED[codec])
    frames = [Frame(packet.payload, SERVED[codec], packet.duration) for packet in packets]
    sound = np.concatenate([decoder.decode(frame).mean(axis=0) for frame in frames])
    return sound, packets[0].at


@pytest.mark.timeout(600)
def test_ten_minutes_of_a_damaged_chain_end_on_the_sample() -> None:
    dice = random.Random(3)
    links = [
        coded(sound_of(3 * rate + 101 * seed + 7, rate, channels, seed), "vorbis", rate)
        for seed, (rate, channels) in enumerate(KINDS)
    ]
    last = sound_of(5 * RATE, RATE, 2, 99)
    chain = [damaged(dice.choice(links), dice) for _ in range(MINUTES * 60 // 2)]
    work = list(visit([*chain, coded(last, "vorbis")]))
    assert work[-1][1].end > MINUTES * 60 * RATE * 3 // 4
    out, changes = coded_packets(work)
    assert changes > MINUTES * 20
    start = work[-1][1].end - last.shape[1]
    assert links_of(work)[-1][0][1].at == start
    for codec, packets in out.items():
        assert all(before.end == after.at for before, after in pairwise(packets))
        assert 0 <= packets[-1].end - work[-1][1].end < 3000  # the encoder's last frames
        tail = [packet for packet in packets if packet.at > start + RATE]
        heard, at = heard_at(tail, codec)
        score, lag = likeness(heard[RATE : 3 * RATE], last.mean(axis=0))
        assert score > 0.95
        assert lag == at + RATE - start
