"""`message.send`: say something in a room."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta

from talas_api.chat.limits import NONCE_CHARACTERS, TEXT_CHARACTERS
from talas_api.chat.replies import Ack, Reply, failure, our_fault
from talas_api.chat.requests.base import Request, RoomId, Verb
from talas_api.chat.requests.client import Client
from talas_api.chat.values import Draft, Kept
from talas_core.errors import TalasError
from talas_core.ids import uuid7

Nonce = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NONCE_CHARACTERS,
        pattern=r"\A[^\x00]+\Z",
        description=f"must be 1 to {NONCE_CHARACTERS} characters, without NUL",
    ),
]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TEXT_CHARACTERS,
        pattern=r"(?s)\A(?=.*\S)[^\x00]+\Z",
        description=f"must be 1 to {TEXT_CHARACTERS:,} characters, not all blank, without NUL",
    ),
]


class SendMessage(Request, frozen=True, tag="message.send"):
    """Say something in a room this socket is in."""

    room: RoomId
    nonce: Nonce
    text: Text


async def answer(client: Client, request: SendMessage) -> None:
    """Hands the message to the outbox; the client is told once its commit is decided."""
    person = client.signed_in()
    client.joined(request.room)
    at = client.shared.clock.now()
    draft = Draft(request.room, person.sender, request.nonce, request.text, uuid7(), at)

    def decided(outcome: asyncio.Future[Kept]) -> None:
        if not outcome.cancelled():
            client.say(_receipt(outcome, request))

    client.shared.outbox.submit(draft).add_done_callback(decided)


def _receipt(outcome: asyncio.Future[Kept], request: SendMessage) -> Reply:
    """What is told of a message whose commit is decided."""
    error = outcome.exception()
    if error is not None:
        told = error if isinstance(error, TalasError) else our_fault()
        return failure(told, request.ref)
    kept = outcome.result()
    return Ack(
        nonce=request.nonce, room=request.room, offset=kept.offset, id=kept.id, ref=request.ref
    )


VERB = Verb(SendMessage, answer)
