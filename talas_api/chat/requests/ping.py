"""`ping`: ask whether the server is there."""

from __future__ import annotations

from talas_api.chat.replies import Pong
from talas_api.chat.requests.base import Request, Verb
from talas_api.chat.requests.client import Client


class Ping(Request, frozen=True, tag="ping"):
    """Ask whether the server is there."""


async def answer(_: Client, request: Ping) -> Pong:
    """Says that it is."""
    return Pong(ref=request.ref)


VERB = Verb(Ping, answer)
