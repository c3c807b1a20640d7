"""`room.join`: be in a room, and go on where one was."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.chat.delivery import wire
from talas_api.chat.replies import RoomJoined, encode
from talas_api.chat.requests.base import Request, RoomId, Verb
from talas_api.chat.requests.client import Client
from talas_api.chat.values import Position
from talas_core.errors import BadInput

Epoch = Annotated[UUID, Meta(description="must be an epoch")]
Reached = Annotated[int, Meta(ge=0, le=2**63 - 1, description="must be an offset, 0 or greater")]


class JoinRoom(Request, frozen=True, tag="room.join"):
    """Be in a room; with `epoch` and `offset`, go on after the last message seen."""

    room: RoomId
    epoch: Epoch | None = None
    offset: Reached | None = None


async def answer(client: Client, request: JoinRoom) -> None:
    """Enters the room, and sends what was missed since."""
    client.signed_in()
    if not client.is_in(request.room):
        client.check_room_left()
    seen = _seen(request)
    room = await client.shared.hub.enter(request.room, seen.offset if seen else 0)
    entrance = client.enter(room, seen)
    joined = RoomJoined(
        room=request.room,
        epoch=entrance.position.epoch,
        offset=entrance.position.offset,
        recovered=msgspec.UNSET if seen is None else entrance.missed is not None,
        ref=request.ref,
    )
    # In one write: what was missed comes before anything newer.
    client.line.write(wire.text(encode(joined)) + (entrance.missed or b""))


def _seen(request: JoinRoom) -> Position | None:
    """How far the client had come. Raises BadInput where it says one half of that."""
    if request.epoch is not None and request.offset is not None:
        return Position(request.epoch, request.offset)
    if request.epoch is None and request.offset is None:
        return None
    missing = "epoch" if request.epoch is None else "offset"
    given = "offset" if missing == "epoch" else "epoch"
    problem = f"is missing: to resume takes epoch and offset, and {given} came alone"
    raise BadInput("Epoch and offset go together.", {missing: problem})


VERB = Verb(JoinRoom, answer)
