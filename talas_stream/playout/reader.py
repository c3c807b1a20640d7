"""From an audio file to normalised samples.

Does:        decode with PyAV, bring everything to stereo at 48 kHz, ease the first and the last
             moments so that two tracks meet without a click.
Never:       lets a sample over full scale, or one that is no number, go on; starts a thread.
Guarantees:  a damaged file yields what can be decoded of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from talas_core.telemetry.logs import logger
from talas_stream.codec.stages.normalise import Normaliser
from talas_stream.media import RATE, Samples

EDGE = RATE // 20
"""Samples of the ease at either end: 50 ms."""

BAD_PACKETS = 200
"""Packets in a row that may fail before a file is given up."""

_log = logger("reader")


def read(path: Path) -> Iterator[Samples]:
    """The file's sound in blocks of shape (2, n), eased at both ends."""
    return eased(decoded(path))


def decoded(path: Path) -> Iterator[Samples]:
    """The file's sound in blocks of shape (2, n). What cannot be decoded is logged, and ends it."""
    normaliser: Normaliser | None = None
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            for frame in _frames(container):
                planes = planes_of(frame)
                form = (frame.sample_rate, planes.shape[0])
                if normaliser is None or (normaliser.rate, normaliser.channels) != form:
                    if normaliser is not None:
                        yield normaliser.flush()
                    normaliser = Normaliser(*form)
                yield normaliser.feed(planes)
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        _log.warning("file broken off", path=str(path), problem=str(error))
    if normaliser is not None:
        yield normaliser.flush()


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    """Every frame that decodes. Packets that do not are passed over, unless it is all of them."""
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    failed = 0
    for packet in container.demux(stream):
        try:
            frames = stream.decode(packet)
        except av.InvalidDataError:
            failed += 1
            if failed > BAD_PACKETS:
                raise
            continue
        failed = 0
        yield from frames


def planes_of(frame: AudioFrame) -> Samples:
    """The frame's samples as float32 in [-1, 1], shape (channels, n), whatever their format."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "u":
        return samples.astype(np.float32) / np.float32(128) - np.float32(1)
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(2.0 ** (8 * samples.dtype.itemsize - 1))
    return np.clip(np.nan_to_num(samples.astype(np.float32, copy=False)), -1, 1)


def eased(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """The same sound, faded in over its first EDGE samples and out over its last."""
    seen = 0
    held: Samples = np.zeros((2, 0), np.float32)
    for block in blocks:
        fresh = block
        if seen < EDGE:
            ramp = np.arange(seen, seen + block.shape[1], dtype=np.float32) / EDGE
            fresh = block * np.minimum(ramp, 1)
        seen += block.shape[1]
        held = np.concatenate([held, fresh], axis=1)
        if held.shape[1] > EDGE:
            yield held[:, :-EDGE]
            held = held[:, -EDGE:]
    if held.shape[1]:
        yield held * np.linspace(1, 0, held.shape[1], dtype=np.float32)
