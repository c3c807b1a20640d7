"""ENDPOINT: from an HTTP request on the chat port to a conversation, and to its end.

Does:        check the Origin; upgrade; hand a client's frames to its conversation.
Never:       reads a token from the address; agrees on compression; sends through aiohttp, whose
             way costs a coroutine and a copy for each frame and client.
Guarantees:  the conversation is told when the client is gone, however it went.
"""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, hdrs, web

from talas_api.chat import wire
from talas_api.chat.codes import Close
from talas_api.chat.conversation import Conversation
from talas_api.chat.limits import FRAME_BYTES
from talas_api.chat.line import Line
from talas_api.chat.service import Chat
from talas_core.errors import BadInput, Forbidden, Unavailable
from talas_core.web.headers import Cors

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
        socket = _Upgrade()
        if not socket.can_prepare(request):
            raise BadInput("This address takes WebSocket handshakes only.")
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            raise Unavailable("The connection is gone.")
        conversation = chat.open(transport)
        socket.line = conversation.line
        try:
            await _converse(socket, chat, conversation)
        finally:
            chat.left(conversation)
        return socket

    return [web.get("/ws", upgrade)]


class _Upgrade(web.WebSocketResponse[bool]):
    """aiohttp's WebSocket for reading; goodbyes are said by the line."""

    line: Line | None = None

    def __init__(self) -> None:
        super().__init__(
            max_msg_size=FRAME_BYTES, compress=False, autoping=False, autoclose=False,
            decode_text=False,
        )  # fmt: skip

    async def close(self, *, code: int = Close.NORMAL, message: bytes = b"",
                    drain: bool = True) -> bool:  # fmt: skip
        """Say goodbye, if nobody has; aiohttp calls this at a broken frame and at the end."""
        if self.line is not None:
            self.line.close(Close.NORMAL if code == Close.NORMAL else Close.BROKEN)
        return True


async def _converse(socket: _Upgrade, chat: Chat, conversation: Conversation) -> None:
    """Until the client is gone or has said goodbye."""
    line = conversation.line
    while True:
        frame = await socket.receive()
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
