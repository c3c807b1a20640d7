"""`history`: read what was said before."""

from __future__ import annotations

from talas_api.chat.replies import Past
from talas_api.chat.requests.base import Request, RoomId, Verb
from talas_api.chat.requests.client import Client
from talas_api.rooms.values import Limit, Offset


class AskHistory(Request, frozen=True, tag="history"):
    """Read what was said before an offset, or last."""

    room: RoomId
    before: Offset | None = None
    limit: Limit = 50


async def answer(client: Client, request: AskHistory) -> Past:
    """Reads a page."""
    client.signed_in()
    page = await client.shared.reader.page(request.room, request.before, request.limit)
    return Past(room=request.room, messages=page.entries, next=page.next, ref=request.ref)


VERB = Verb(AskHistory, answer)
