"""The AAC coders that are heard beside each other, at any bit rate.

Does:        code a sound by ours, by FFmpeg's with either of its coders, and by Fraunhofer's where
             `fdkaac` is installed (Debian has it in `contrib`); decode all by FFmpeg's decoder.
Guarantees:  what comes out begins at the sound's first sample, and is as long.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import NamedTuple

import av
import numpy as np
import pytest
from msgspec.structs import replace

from support.sound import Array
from support.stage import KERNELS, TOOLS
from talas_stream.codec.stages import encode
from talas_stream.codec.stages.aac import FRAME, AacCoder
from talas_stream.codec.stages.encode import AvCoder
from talas_stream.media import LADDER, RATE, Codec

HEADER = 7  # bytes of ADTS
FDK_LATE = 2 * FRAME  # samples that come out before the sound's first


class Coded(NamedTuple):
    sound: Array
    bit_rate: float  # headers left out


Coder = Callable[[Array, int], Coded]


def decoded(frames: list[bytes], late: int, size: int) -> Coded:
    """`size` samples after the first `late` of those that ADTS frames hold."""
    decoder = av.CodecContext.create("aac", "r")
    pieces = [piece.to_ndarray() for each in frames for piece in decoder.decode(av.Packet(each))]
    out = np.concatenate(pieces, axis=1)[:, late : late + size]
    bits = 8 * sum(len(each) - HEADER for each in frames)
    padded = np.pad(out, ((0, 0), (0, size - out.shape[1])))
    return Coded(padded, bits / (len(frames) * FRAME / RATE))


def _coded(coder: AacCoder | AvCoder, sound: Array) -> Coded:
    packets = coder.encode(sound, 0) + coder.flush()
    return decoded([packet.payload for packet in packets], FRAME, sound.shape[1])


def ours(sound: Array, bit_rate: int) -> Coded:
    assert KERNELS.aac_encoder is not None
    return _coded(AacCoder(KERNELS.aac_encoder, bit_rate), sound)


def twoloop(sound: Array, bit_rate: int) -> Coded:
    return _coded(AvCoder(replace(LADDER["aac"], bit_rate=bit_rate), TOOLS), sound)


def fast(sound: Array, bit_rate: int) -> Coded:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encode._OPTIONS, Codec.AAC, {"aac_coder": "fast"})
        coder = AvCoder(replace(LADDER["aac"], bit_rate=bit_rate), TOOLS)
    return _coded(coder, sound)


def split(stream: bytes) -> Iterator[bytes]:
    """The ADTS frames of a stream that is nothing else."""
    at = 0
    while at < len(stream):
        size = (stream[at + 3] & 3) << 11 | stream[at + 4] << 3 | stream[at + 5] >> 5
        yield stream[at : at + size]
        at += size


def fdk(sound: Array, bit_rate: int) -> Coded:
    """It takes samples of 16 bits, and gives what is left of a block only when more follows."""
    program = shutil.which("fdkaac")
    assert program is not None
    more = np.pad(sound, ((0, 0), (0, 4 * FRAME)))
    samples = np.clip(np.round(more.T * 32768), -32768, 32767).astype("<i2").tobytes()
    command = [program, "-S", "-R", "--raw-channels", "2", "--raw-rate", str(RATE), "-f", "2"]
    done = subprocess.run(
        [*command, "-b", str(bit_rate), "-o", "-", "-"],
        input=samples, stdout=subprocess.PIPE, check=True, timeout=120,
    )  # fmt: skip
    return decoded(list(split(done.stdout)), FDK_LATE, sound.shape[1])


def coders() -> dict[str, Coder]:
    """Those that this machine has."""
    found: dict[str, Coder] = {"ours": ours, "twoloop": twoloop, "fast": fast}
    return found | {"fdk": fdk} if shutil.which("fdkaac") else found
