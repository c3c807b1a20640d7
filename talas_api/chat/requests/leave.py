"""`room.leave`: be in a room no longer."""

from __future__ import annotations

from talas_api.chat.replies import RoomLeft
from talas_api.chat.requests.base import Request, RoomId, Verb
from talas_api.chat.requests.client import Client


class LeaveRoom(Request, frozen=True, tag="room.leave"):
    """Be in a room no longer."""

    room: RoomId


async def answer(client: Client, request: LeaveRoom) -> RoomLeft:
    """Leaves the room."""
    client.signed_in()
    client.leave(request.room)
    return RoomLeft(room=request.room, ref=request.ref)


VERB = Verb(LeaveRoom, answer)
