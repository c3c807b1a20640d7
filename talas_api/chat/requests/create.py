"""`room.create`: make an open room and be in it."""

from __future__ import annotations

from talas_api.chat.replies import RoomCreated
from talas_api.chat.requests.base import Request, Verb
from talas_api.chat.requests.client import Client
from talas_api.rooms.values import Name

EXTRA_COST = 9
"""Out of the allowance, beside what the frame costs: a room is a row that stays."""


class CreateRoom(Request, frozen=True, tag="room.create"):
    """Make an open room and be in it."""

    name: Name


async def answer(client: Client, request: CreateRoom) -> RoomCreated:
    """Makes the room."""
    person = client.signed_in()
    client.check_room_left()
    made = await client.shared.rooms.make(request.name, person.sender.id)
    entrance = client.enter(await client.shared.hub.enter(made.id), None)
    epoch, offset = entrance.position.epoch, entrance.position.offset
    return RoomCreated(room=made.id, epoch=epoch, offset=offset, ref=request.ref)


VERB = Verb(CreateRoom, answer, extra=EXTRA_COST)
