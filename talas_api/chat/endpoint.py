"""ENDPOINT: from an HTTP request on the chat port to a conversation, and to its end.

Does:        check the Origin; upgrade; hand a client's frames to its conversation.
Never:       reads a token from the address; agrees on compression; sends through aiohttp, whose
             way costs a coroutine and a copy for each frame and client.
Guarantees:  the conversation is told when the client is gone, however it went.
"""

from __future__ import annotations

import asyncio
import socket

from aiohttp import WSMsgType, hdrs, web

from talas_api.chat import wire
from talas_api.chat.codes import Close
from talas_api.chat.conversation import Conversation
from talas_api.chat.limits import FRAME_BYTES
from talas_api.chat.line import Line
from talas_api.chat.service import Chat
from talas_core.errors import BadInput, Forbidden, Unavailable
from talas_core.web.headers import Cors

SEND_BUFFER_BYTES = 64 * 1024
"""What the kernel may hold for a client, for which Linux takes twice as much. Left alone it would
grow to megabytes for each client that does not read, all beyond our budget."""
LINGER_SECONDS = 0.5
"""Time in which what a broken client still sends is thrown away: closing on unread bytes would
reset the connection, and take the close frame with it."""


class OriginRefused(Forbidden):
    """A page of that origin may not use the chat."""

    code = "origin_refused"


def routes(chat: Chat, cors: Cors) -> list[web.RouteDef]:
    """GET /ws, the upgrade."""

    async def upgrade(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not cors.allows(origin):
            raise OriginRefused("Pages of this origin may not use the chat.")
        chat.check_room()
        upgraded = _Upgrade()
        if not upgraded.can_prepare(request):
            raise BadInput("This address takes WebSocket handshakes only.")
        await upgraded.prepare(request)
        conversation = chat.open(_bounded(request.transport))
        upgraded.line = conversation.line
        try:
            await _converse(upgraded, chat, conversation)
        finally:
            chat.left(conversation)
        return upgraded

    return [web.get("/ws", upgrade)]


def _bounded(transport: asyncio.Transport | None) -> asyncio.Transport:
    """The transport, with a bounded kernel buffer. Raises Unavailable if the client is gone."""
    if transport is None:
        raise Unavailable("The connection is gone.")
    found: socket.socket | None = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return transport


class _Upgrade(web.WebSocketResponse[bool]):
    """aiohttp's WebSocket for reading; goodbyes are said by the line."""

    line: Line | None = None

    def __init__(self) -> None:
        super().__init__(
            max_msg_size=FRAME_BYTES + 1, compress=False, autoping=False, autoclose=False,
            decode_text=False,
        )  # fmt: skip

    async def close(self, *, code: int = Close.NORMAL, message: bytes = b"",
                    drain: bool = True) -> bool:  # fmt: skip
        """Say goodbye, if nobody has; aiohttp calls this at a broken frame and at the end."""
        if self.line is not None:
            self.line.close(Close.NORMAL if code == Close.NORMAL else Close.BROKEN)
        return True


async def _converse(upgraded: _Upgrade, chat: Chat, conversation: Conversation) -> None:
    """Until the client is gone or has said goodbye."""
    line = conversation.line
    while True:
        frame = await upgraded.receive()
        chat.heard(conversation)
        match frame.type:
            case WSMsgType.TEXT:
                await conversation.receive(bytes(frame.data))
            case WSMsgType.BINARY:
                line.close(Close.BROKEN)
            case WSMsgType.PING:
                line.write(wire.pong(bytes(frame.data)))
            case WSMsgType.PONG:
                pass
            case WSMsgType.ERROR:
                await asyncio.sleep(LINGER_SECONDS)
                return
            case _:
                line.close(Close.NORMAL)
                return
