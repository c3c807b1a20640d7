"""ENDPOINT: from an HTTP request on the chat port to a conversation, and to its end.

Does:        check the Origin; upgrade; hand a client's frames to its conversation.
Never:       reads a token from the address; agrees on compression; reads or sends frames through
             aiohttp, which counts no ping and costs a coroutine and a copy for each frame it sends.
Guarantees:  the conversation is told when the client is gone, however it went. Whoever is cut has
             time to read why, and none to keep the connection.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from talas_api.chat.codes import Close
from talas_api.chat.delivery import wire
from talas_api.chat.incoming import Kind, Violation
from talas_api.chat.intake import Intake
from talas_api.chat.requests.conversation import Conversation
from talas_api.chat.service import Chat
from talas_core.errors import BadInput, Forbidden, Unavailable
from talas_core.web.answers import failed
from talas_core.web.headers import Cors
from talas_core.web.peer import client, subscriber

VERSION = "13"
"""Of the WebSocket protocol (RFC 6455)."""
SEND_BUFFER_BYTES = 64 * 1024
"""What the kernel may hold for a client, for which Linux takes twice as much. Left alone it would
grow to megabytes for each client that does not read, all beyond our budget."""
LINGER_SECONDS = 0.5
"""Time a client that was cut has to read why, while what it still sends is thrown away: closing on
unread bytes would reset the connection, and take the close frame with it."""


class OriginRefused(Forbidden):
    """A page of that origin may not use the chat."""

    code = "origin_refused"


def routes(chat: Chat, cors: Cors) -> list[web.RouteDef]:
    """GET /ws, the upgrade."""

    async def upgrade(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not cors.allows(origin):
            raise OriginRefused("Pages of this origin may not use the chat.")
        address = subscriber(client(request))
        chat.check_room(address)
        if request.headers.get(hdrs.SEC_WEBSOCKET_VERSION, VERSION) != VERSION:
            return _other_version()
        upgraded = _Upgrade(request.protocol, _bounded(request.transport))
        if _has_body(request):
            # Its bytes would be read as frames.
            raise BadInput("A WebSocket handshake has no body.")
        # In HTTP/1.0 there is no upgrade (RFC 9110, section 7.8).
        if request.version < HttpVersion11 or not upgraded.can_prepare(request):
            raise BadInput("This address takes WebSocket handshakes only.")
        await upgraded.prepare(request)
        conversation = chat.open(upgraded.transport, address)
        try:
            await _converse(upgraded.intake, chat, conversation)
        finally:
            chat.left(conversation)
        return upgraded

    return [web.get("/ws", upgrade)]


def _has_body(request: web.Request) -> bool:
    """Whether the head announces one. aiohttp itself reads none of an upgrade."""
    headers = request.headers
    return headers.get(hdrs.CONTENT_LENGTH, "0") != "0" or hdrs.TRANSFER_ENCODING in headers


def _other_version() -> web.Response:
    """What RFC 6455, section 4.4, has a server say to a client of another version."""
    answer = failed(
        426, "websocket_version", f"WebSocket {VERSION} is spoken here.",
        headers={hdrs.SEC_WEBSOCKET_VERSION: VERSION, hdrs.UPGRADE: "websocket",
                 hdrs.CONNECTION: "upgrade, close"},
    )  # fmt: skip
    answer.force_close()
    return answer


def _bounded(transport: asyncio.Transport | None) -> asyncio.Transport:
    """The transport, with a bounded kernel buffer. Raises Unavailable if the client is gone."""
    if transport is None:
        raise Unavailable("The connection is gone.")
    found: socket.socket | None = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return transport


class _Upgrade(web.WebSocketResponse[bool]):
    """aiohttp's handshake; what comes after it goes to `intake`."""

    def __init__(self, connection: RequestHandler, transport: asyncio.Transport) -> None:
        super().__init__(compress=False)
        self.transport = transport
        self.intake = Intake(connection)

    def _post_start(self, request: BaseRequest, protocol: str | None, writer: Any) -> None:
        """Where aiohttp would set up its own reader."""
        self._ws_protocol, self._writer = protocol, writer
        reader: Any = self.intake
        request.protocol.set_parser(reader)
        request.protocol.keep_alive(False)

    async def close(self, **_: Any) -> bool:
        """aiohttp calls this at the end, when the line has said goodbye."""
        return True


async def _converse(intake: Intake, chat: Chat, conversation: Conversation) -> None:
    """Until the client is gone, has said goodbye, or was cut."""
    line = conversation.line
    try:
        cut = await _listen(intake, chat, conversation)
    except Violation as violation:
        line.close(violation.code)
        cut = True
    intake.drop()
    if cut or line.waiting:
        await asyncio.sleep(LINGER_SECONDS)
    if line.waiting:
        line.abort()


async def _listen(intake: Intake, chat: Chat, conversation: Conversation) -> bool:
    """Take the client's frames, to the last one; whether it was cut. Raises Violation."""
    line = conversation.line
    while (frame := await intake.frame()) is not None:
        chat.heard(conversation)
        if frame.kind is Kind.TEXT and line.code is None:
            await conversation.receive(frame.payload)
        elif frame.kind is Kind.CLOSE:
            line.close(Close.NORMAL)
            return False
        elif not conversation.may_go_on(len(frame.payload)):
            return True
        elif frame.kind is Kind.PING:
            line.write(wire.pong(frame.payload))
        elif frame.kind is Kind.BINARY:
            line.close(Close.BROKEN)
    return False
