"""How good the AAC rendition sounds, beside FFmpeg's encoder with either of its coders.

The figures are those of support/ear.py, on the excerpts of excerpts.py that this machine has: what
needs a Debian package is left out, and named, where it is not installed. `TALAS_BENCH=short` takes
three excerpts at one rate and judges no figure.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import av
import numpy as np
import pytest
from excerpts import JUDGE, SIZE, made
from msgspec.structs import replace

from support import ear
from support.sound import Array
from support.stage import KERNELS
from talas_stream.media import LADDER, Codec
from talas_stream.stages import encode
from talas_stream.stages.aac import FRAME, AacCoder
from talas_stream.stages.encode import AvCoder
from talas_stream.stages.govern import BEST

SHORT = os.environ.get("TALAS_BENCH") == "short"
RATES = (128_000,) if SHORT else (64_000, 96_000, 128_000, 192_000)
OWN_MUSIC = ("voice, high", "applause, two", "bells, two")


def coders(bit_rate: int) -> dict[str, AacCoder | AvCoder]:
    assert KERNELS.aac_encoder is not None
    ladder = replace(LADDER["aac"], bit_rate=bit_rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encode._OPTIONS, Codec.AAC, {"aac_coder": "fast"})
        fast = AvCoder(ladder, BEST)
    return {
        "ours": AacCoder(KERNELS.aac_encoder, bit_rate),
        "FFmpeg": AvCoder(ladder, BEST),
        "its fast": fast,
    }


def heard(coder: AacCoder | AvCoder, sound: Array) -> Array:
    """What FFmpeg's decoder makes of the sound, coded."""
    decoder = av.CodecContext.create("aac", "r")
    packets = coder.encode(sound, 0) + coder.flush()
    frames = [f for packet in packets for f in decoder.decode(av.Packet(packet.payload))]
    out = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return out[:, FRAME : FRAME + sound.shape[1]]


def figures(sound: Array, other: Array) -> list[float]:
    return [
        ear.noise_to_mask(sound, other), ear.level(sound, other), ear.bandwidth(other),
        ear.image(sound, other), ear.pre_echo(sound, other),
    ]  # fmt: skip


def measured() -> dict[tuple[int, str], list[float]]:
    """Means over the excerpts, by rate and coder."""
    chosen = {name: JUDGE[name] for name in OWN_MUSIC} if SHORT else JUDGE
    found: dict[tuple[int, str], list[list[float]]] = {}
    for name, sound in made(chosen):
        if sound is None:
            sys.stdout.write(f"{name}: not installed\n")
            continue
        for rate in RATES:
            for coder, opened in coders(rate).items():
                cut = sound[:, :SIZE].astype(np.float32)
                found.setdefault((rate, coder), []).append(figures(cut, heard(opened, cut)))
    return {key: [float(each) for each in np.mean(rows, axis=0)] for key, rows in found.items()}


@pytest.mark.timeout(1800)
@pytest.mark.skipif(KERNELS.aac_encoder is None, reason="no native core")
def test_less_noise_is_heard_than_of_ffmpeg_s_better_coder(
    benchmark: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        found = benchmark.pedantic(measured, rounds=1)
        head = "noise to mask, level (dB), bandwidth (kHz), image, pre-echo (dB)"
        sys.stdout.write(f"\n{head}\n")
        for (rate, coder), row in found.items():
            sys.stdout.write(f"{rate:7} {coder:8}" + "".join(f"{each:8.2f}" for each in row) + "\n")
    if SHORT:
        return
    for rate in RATES:
        assert found[rate, "ours"][0] <= found[rate, "FFmpeg"][0]
