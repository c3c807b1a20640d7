"""Which set of kernels works: those in C, or their Python twins, which define what is right.

Does:        pick one set, once, by the setting TALAS_NATIVE; say why when the twins must serve.
Never:       mixes the two sets, or falls back when the native ones were demanded.
Guarantees:  both sets have the same names, take the same arguments and give the same answers. The
             one exception is the AAC encoder, which has no twin.
From / to:   compose.py, codec/worker.py  ->  here  ->  ingest, codec/stages, output
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from talas_core.errors import UsageError
from talas_stream.batch import Send, batch_send
from talas_stream.wire.adts import adts_scan
from talas_stream.wire.flac_crc import Crc16Step, flac_crc16
from talas_stream.wire.framing import Scan
from talas_stream.wire.icy import Interleave, icy_interleave
from talas_stream.wire.loudness import Weigh, loudness_steps
from talas_stream.wire.mpeg import mpeg_scan
from talas_stream.wire.ogg_pages import PageLay, PageScan, ogg_page, ogg_scan
from talas_stream.wire.samples import (
    Floats,
    Limit,
    limit_planes,
)


class NativeMissing(UsageError):
    """TALAS_NATIVE=on, and the extension cannot be loaded."""

    code = "native_missing"


class AacEncoder(Protocol):
    """One AAC-LC stream at 48 kHz, stereo."""

    def encode(self, samples: Floats, /) -> bytes:
        """The raw frame that the next 1024 samples complete, shape (2, 1024) and contiguous: that
        of the 1024 before them. Nothing at the first call. Raises ValueError for another shape."""
        ...


class Kernels(msgspec.Struct, frozen=True):
    """One set of kernels. `name` is "native" or "python"; `note` says why the twins serve, or
    ""."""

    name: str
    note: str
    mpeg_scan: Scan
    adts_scan: Scan
    ogg_scan: PageScan
    ogg_page: PageLay
    flac_crc16: Crc16Step
    icy_interleave: Interleave
    limit_planes: Limit
    loudness_steps: Weigh
    batch_send: Send
    aac_encoder: Callable[[int], AacEncoder] | None = None
    """Opens one at a bit rate; raises ValueError for one outside 40,000 to 512,000 bit/s. None
    among the twins: FFmpeg's encoder serves."""


def select(mode: str) -> Kernels:
    """The kernels for TALAS_NATIVE: "auto" takes the native ones where they are built, "on" demands
    them, "off" takes the twins. Raises NativeMissing, and ValueError for another mode."""
    if mode not in {"auto", "on", "off"}:
        raise ValueError(f"native mode {mode!r} is not one of auto, on, off")
    if mode == "off":
        return _twins("switched off by TALAS_NATIVE")
    try:
        return _native()
    except (ImportError, AttributeError) as error:
        if mode == "on":
            raise NativeMissing(
                f"TALAS_NATIVE=on, but the native core cannot be loaded: {error}"
            ) from error
        return _twins(f"the native core cannot be loaded: {error}")


def _twins(note: str) -> Kernels:
    return Kernels(
        name="python",
        note=note,
        mpeg_scan=mpeg_scan,
        adts_scan=adts_scan,
        ogg_scan=ogg_scan,
        ogg_page=ogg_page,
        flac_crc16=flac_crc16,
        icy_interleave=icy_interleave,
        limit_planes=limit_planes,
        loudness_steps=loudness_steps,
        batch_send=batch_send,
    )


def _native() -> Kernels:
    from talas_stream import _native as native

    return Kernels(
        name="native",
        note="",
        mpeg_scan=native.mpeg_scan,
        adts_scan=native.adts_scan,
        ogg_scan=native.ogg_scan,
        ogg_page=native.ogg_page,
        flac_crc16=native.flac_crc16,
        icy_interleave=native.icy_interleave,
        limit_planes=native.limit_planes,
        loudness_steps=native.loudness_steps,
        batch_send=native.batch_send,
        aac_encoder=native.AacEncoder,
    )
