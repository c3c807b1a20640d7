"""What a listener's request asks for beyond a station and a coding.

Does:        read titles, delivery profile and byte range out of a request's head.
Never:       refuses: what is not understood is as if it had not been said.
Guarantees:  only a range that lies inside every burst is taken up, so its answer never waits; none
             is where titles are asked for, which a part of a stream has no place for.
From / to:   wire.request  ->  here  ->  egress.http
"""

from __future__ import annotations

import re

import msgspec

from talas_stream.media import Rendition
from talas_stream.output.delivery import Delivery, Profile, Wire, wire_of
from talas_stream.output.packetise import METAINT
from talas_stream.wire.request import RequestHead

PROBE_BYTES = METAINT // 4
"""Longest range that is answered as one. Safari asks for two bytes before it plays."""

ALLOWED = "Icy-MetaData, Range, Content-Type, Authorization"
"""Request fields that pages of other origins may set."""

PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
    ("Access-Control-Allow-Headers", ALLOWED),
    ("Access-Control-Max-Age", "86400"),
)
"""What a browser asks for before its page may fetch with such fields."""

FIREFOX = "Firefox/"

_FROM_START = re.compile(r"bytes=0-([0-9]{1,6})", re.ASCII)


class Wish(msgspec.Struct, frozen=True):
    """`delivery`: in which wire format and profile. `probe`: only so many bytes from the start, or
    None for all that comes. `looks`: only the first bytes were asked for, whatever the answer:
    perhaps to play by another request. `blocks`: the player begins once it has a block of bytes,
    see `gather`."""

    delivery: Delivery = Delivery()
    probe: int | None = None
    looks: bool = False
    blocks: bool = False


def wish(head: RequestHead, rendition: Rendition) -> Wish:
    """What `head` asks for, of `rendition`."""
    ranged = _FROM_START.fullmatch(head.headers.get("range", "")) if head.method == "GET" else None
    size = int(ranged[1]) + 1 if ranged else 0
    looks = 0 < size <= PROBE_BYTES
    wire = wire_of(rendition.codec, head.headers.get("icy-metadata") == "1")
    if looks and wire is not Wire.ICY:
        return Wish(Delivery(wire), probe=size, looks=True)
    # An iPhone that gets a part of a stream with titles never asks for titles again.
    profile = Profile.LOW if head.query.get("latency") == "low" else Profile.STEADY
    firefox = FIREFOX in head.headers.get("user-agent", "")
    blocks = firefox and profile is Profile.STEADY
    return Wish(Delivery(wire, profile), looks=looks, blocks=blocks)
