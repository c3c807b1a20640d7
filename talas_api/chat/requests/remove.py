"""`room.remove`: remove a room that one has made."""

from __future__ import annotations

from talas_api.chat.replies import RoomRemoved
from talas_api.chat.requests.base import Request, RoomId, Verb
from talas_api.chat.requests.client import Client


class RemoveRoom(Request, frozen=True, tag="room.remove"):
    """Remove a room that one has made, with what was said in it."""

    room: RoomId


async def answer(client: Client, request: RemoveRoom) -> RoomRemoved:
    """Removes the room; all who are in it are told."""
    person = client.signed_in()
    await client.shared.remove(request.room, person.sender.id)
    return RoomRemoved(room=request.room, ref=request.ref)


VERB = Verb(RemoveRoom, answer)
