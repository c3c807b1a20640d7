"""Answers: from a value or an error to an aiohttp response.

Does:        put the envelope into a response, with the status and headers the error calls for.
Never:       shows a stranger what an unforeseen exception says.
Guarantees:  a 401 names the scheme, a 429 or 503 says when to come back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from aiohttp import web

from talas_core.errors import (
    BadInput,
    Conflict,
    TalasError,
    TooMany,
    Unauthorized,
    Unavailable,
)
from talas_core.web import envelope

JSON = "application/json"


def answer(
    data: object,
    *,
    status: int = 200,
    meta: object = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A success that carries `data`."""
    body = envelope.success(data, meta)
    return web.Response(body=body, status=status, headers=headers, content_type=JSON)


def nothing() -> web.Response:
    """A success with nothing to say: 204."""
    return web.Response(status=204)


def refusal(error: TalasError, headers: Mapping[str, str] | None = None) -> web.Response:
    """The answer `error` calls for. One that is our fault (500) keeps its sentence to itself."""
    extra = dict(headers or {})
    if isinstance(error, Unauthorized):
        extra["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany | Unavailable):
        extra["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, TooMany):
        extra.update(error.headers)
    fields = error.fields if isinstance(error, BadInput | Conflict) else None
    if error.status >= 500 and not isinstance(error, Unavailable):
        return failed(500, TalasError.code, "Something went wrong on our side.", headers=extra)
    return failed(error.status, error.code, str(error), fields, headers=extra)


def failed(
    status: int,
    code: str,
    message: str,
    fields: Mapping[str, str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A failure, spelled out."""
    body = envelope.failure(code, message, fields)
    return web.Response(body=body, status=status, headers=headers, content_type=JSON)
