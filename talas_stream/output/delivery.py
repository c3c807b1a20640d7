"""How an output reaches a listener: a wire format, in a profile.

Does:        name the wire formats and profiles; say which format carries a coding; make the
             packetiser of each.
Never:       holds a packet or a listener.
Guarantees:  two listeners of one delivery get the same bytes; a new wire format is a row of
             PACKETISERS and a packetiser.
From / to:   egress  ->  here  ->  output.py
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from talas_stream.kernels import Kernels
from talas_stream.media import TITLED, Codec
from talas_stream.output.packetise import (
    PAGE_TICKS,
    IcyPacketiser,
    OggPacketiser,
    Packetiser,
    PlainPacketiser,
    flac_head,
)


class Wire(StrEnum):
    """What surrounds the packets on their way."""

    PLAIN = "plain"
    ICY = "icy"
    OGG = "ogg"
    FLAC = "flac"


class Profile(StrEnum):
    """When bytes are written: merged, or each packet at once."""

    STEADY = "steady"
    LOW = "low"


class Delivery(msgspec.Struct, frozen=True):
    """One way of delivering an output; listeners of the same one share a feed."""

    wire: Wire = Wire.PLAIN
    profile: Profile = Profile.STEADY


class Stream(msgspec.Struct, frozen=True):
    """What a packetiser is to know of the output when it begins: `config` is the coding's, see
    Format; `serial` and `name` go into Ogg's headers, `title` is what is playing."""

    config: bytes
    serial: int
    name: str
    title: str


_Make = Callable[[Kernels, Stream, Profile], Packetiser]

PACKETISERS: dict[Wire, _Make] = {
    Wire.PLAIN: lambda kernels, stream, profile: PlainPacketiser(),
    Wire.FLAC: lambda kernels, stream, profile: PlainPacketiser(flac_head(stream.config)),
    Wire.ICY: lambda kernels, stream, profile: IcyPacketiser(kernels, stream.title),
    Wire.OGG: lambda kernels, stream, profile: OggPacketiser(
        kernels, stream.config, stream.serial, stream.name,
        1 if profile is Profile.LOW else PAGE_TICKS,
    ),
}  # fmt: skip

_CONTAINER = {Codec.OPUS: Wire.OGG, Codec.FLAC: Wire.FLAC}


def wire_of(codec: Codec, titled: bool) -> Wire:
    """What carries `codec` over HTTP, with titles between the audio where they are asked for and
    there is room."""
    if titled and codec in TITLED:
        return Wire.ICY
    return _CONTAINER.get(codec, Wire.PLAIN)
