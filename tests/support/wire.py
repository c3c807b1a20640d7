"""What tests of parsers share: real encoded material, and ways to cut it into pieces."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from functools import cache

import av
import numpy as np

BLOCK = 1024


@cache
def encoded(
    container: str, codec: str, *, rate: int = 48000, layout: str = "stereo", seconds: float = 1.0
) -> bytes:
    """Quiet noise, encoded and muxed in memory; the same every time."""
    out = io.BytesIO()
    noise = np.random.default_rng(7)
    with av.open(out, "w", format=container) as muxer:
        stream = muxer.add_stream(
            codec, rate=rate, layout=layout, options={"strict": "experimental"}
        )
        for start in range(0, int(seconds * rate), BLOCK):
            channels = len(av.AudioLayout(layout).channels)
            block = (noise.standard_normal((channels, BLOCK)) * 0.1).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            muxer.mux(stream.encode(frame))
        muxer.mux(stream.encode(None))
    return out.getvalue()


def demuxed(data: bytes, container: str) -> list[bytes]:
    """The packets that FFmpeg's own demuxer finds."""
    with av.open(io.BytesIO(data), format=container) as demuxer:
        return [bytes(packet) for packet in demuxer.demux() if packet.size]


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """`data` whole, byte by byte, in even pieces and in uneven ones."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    yield [data[at : at + 417] for at in range(0, len(data), 417)]
    dice = random.Random(3)
    pieces, at = [], 0
    while at < len(data):
        size = dice.randrange(1, 3000)
        pieces.append(data[at : at + size])
        at += size
    yield pieces
