"""From a request to the device that it came from.

Does:        read a request's device off its connection and headers.
Never:       believes a header about an address but from a trusted proxy (talas_core/web/peer.py).
Guarantees:  the text can be kept: printable, bounded, and of characters that a database takes.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from talas_api.request.origin import Device
from talas_core.web import peer

LONGEST_USER_AGENT = 255


def device(request: web.Request) -> Device:
    """Where a request comes from, in a form that can be kept: aiohttp hands over header bytes that
    are not UTF-8 as lone surrogates, which no database takes."""
    agent = request.headers.get(hdrs.USER_AGENT, "").encode("utf-8", "replace").decode()
    plain = "".join(character for character in agent if character.isprintable())
    return Device(plain[:LONGEST_USER_AGENT], peer.client(request))
