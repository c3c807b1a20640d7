"""An HTTP server around an application: sockets, limits, a graceful stop.

Does:        speak HTTP/1.1 through aiohttp, on listening sockets of its own or on connections a
             front door hands over; bound request heads; answer what is not HTTP in our shape.
Never:       tells its version; keeps an idle connection open for ever.
Guarantees:  after `stop_accepting` no new connection is taken; `close` lets requests in hand
             finish, for at most `shutdown_seconds`.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from talas_core.hosts import addresses
from talas_core.telemetry.logs import logger
from talas_core.web.answers import failed
from talas_core.web.application import request_id
from talas_core.web.headers import PRODUCT, SECURITY

KEEP_ALIVE_SECONDS = 75.0
LINGER_SECONDS = 2.0
BACKLOG = 1024
_LIMITS: dict[str, Any] = {
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 100,
    "keepalive_timeout": KEEP_ALIVE_SECONDS,
    "lingering_time": LINGER_SECONDS,
    "access_log": None,
}

_log = logger("web")


class _Connection(RequestHandler):
    """aiohttp's protocol, with our words for a request it cannot parse."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is not HTTP (400, 431), or to a failure outside the application."""
        if request.writer.output_size > 0 or request.transport is None:
            raise ConnectionError("an answer is on its way, or nobody is there to take one")
        mark = request_id()
        if status >= 500:
            _log.error("connection failed", request_id=mark, exc_info=exc)
            answer = failed(500, "internal", "Something went wrong on our side.")
        elif isinstance(exc, LineTooLong):
            answer = failed(431, "head_too_large", "A line of the request's head is too long.")
        else:
            answer = failed(400, "bad_request", "This is not a request of HTTP/1.1.")
        answer.headers.update(SECURITY)
        answer.headers["X-Request-ID"] = mark
        answer.headers[hdrs.SERVER] = PRODUCT
        answer.force_close()
        return answer


class WebServer:
    """A running application. Make one with `start`, then `listen` as often as needed."""

    def __init__(self, runner: web.AppRunner, manager: web.Server) -> None:
        self._runner = runner
        self._manager = manager
        self._listeners: list[asyncio.AbstractServer] = []

    @classmethod
    async def start(cls, app: web.Application, *, shutdown_seconds: float = 10.0) -> WebServer:
        """Start `app` without a socket yet."""
        runner = web.AppRunner(app, shutdown_timeout=shutdown_seconds, access_log=None)
        await runner.setup()
        return cls(runner, cast(web.Server, runner.server))

    def protocol(self) -> asyncio.Protocol:
        """A fresh protocol that serves one connection; hand it a transport by `set_protocol`,
        then call its `connection_made` and feed it what was already read."""
        return _Connection(self._manager, loop=asyncio.get_running_loop(), **_LIMITS)

    async def listen(self, host: str, port: int, *, reuse_port: bool = False) -> int:
        """Accept connections; returns the port, which for port 0 the system picked.

        Raises OSError where the address is taken or not this machine's.
        """
        loop = asyncio.get_running_loop()
        for address in addresses(host):
            listener = await loop.create_server(
                self.protocol, address, port, backlog=BACKLOG, reuse_port=reuse_port or None
            )
            self._listeners.append(listener)
            port = listener.sockets[0].getsockname()[1]
        return port

    def stop_accepting(self) -> None:
        """Close the listening sockets; open connections go on."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def close(self) -> None:
        """Stop accepting, let requests in hand finish, close every connection."""
        self.stop_accepting()
        await self._runner.cleanup()
