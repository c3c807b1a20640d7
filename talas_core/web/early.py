"""Answers to what has not become a request: too late, too many, or no HTTP.

Does:        make them as every other answer is made, and send them past aiohttp, which has none for
             a request that it has not read.
Never:       decides who gets one.
Guarantees:  each is the last on its connection, and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import hdrs, web

from talas_core.errors import TalasError, TooSlow, Unavailable
from talas_core.web.answers import failed
from talas_core.web.application import request_id
from talas_core.web.headers import PRODUCT, SECURITY

FULL_SECONDS = 5
"""When one for whom there was no place may try again."""


def marked(answer: web.Response, mark: str) -> web.Response:
    """`answer` as the last on its connection, with the headers that every answer has."""
    answer.headers.update(SECURITY)
    answer.headers["X-Request-ID"] = mark
    answer.headers[hdrs.SERVER] = PRODUCT
    answer.headers[hdrs.CONNECTION] = "close"  # aiohttp says so only where it knew the version
    return answer


def say(transport: asyncio.Transport, answer: web.Response) -> None:
    """Send an answer to what is no request yet."""
    answer = marked(answer, request_id())
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    body = cast(bytes, answer.body)
    lines += [f"Content-Length: {len(body)}", "", ""]
    transport.write("\r\n".join(lines).encode() + body)


def refusing(error: TalasError) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """What answers a request with `error`, whatever it asks for."""

    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        answer = failed(error.status, error.code, str(error))
        answer.force_close()
        return marked(answer, request_id())

    return refuse


def late() -> web.Response:
    """The head took too long."""
    return failed(408, TooSlow.code, "The request's head did not arrive in time.")


def full() -> web.Response:
    """There is no place."""
    wait = {"Retry-After": str(FULL_SECONDS)}
    return failed(503, Unavailable.code, "There are too many connections.", headers=wait)
