"""From the route table to what aiohttp serves: REQUEST, AUTH, LIMITS and the answer, for every row.

Does:        check who asks against the row's access; read the body or query as the row's struct;
             call the handler; put what it gives into the envelope.
Never:       knows a feature.
Guarantees:  no handler runs for somebody whom its row does not name, or over its limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from talas_api.identity.access.gate import Gate
from talas_api.identity.access.permit import Permit
from talas_api.request.access import Permission, Scope
from talas_api.request.route import Answer, Call, Open, Route, Table
from talas_core.security.tokens import Claims
from talas_core.web import body
from talas_core.web.answers import answer, nothing
from talas_core.web.application import Handler

Limits = Callable[[Route[Any, Any], Handler], Handler]
"""Puts a row's limits in front of what serves it."""


def served(table: Table, *, gate: Gate, permit: Permit, limits: Limits) -> list[web.RouteDef]:
    """What aiohttp is to serve."""
    return [
        web.RouteDef(row.method, row.path, limits(row, _handler(row, gate, permit)), {})
        for row in table
    ]


def _handler(row: Route[Any, Any], gate: Gate, permit: Permit) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        claims = await _let_in(row, request, gate, permit)
        given = None
        if row.body is not None:
            given = await body.read(request, row.body)
        elif row.query is not None:
            given = body.query(request, row.query)
        return _response(row, await row.handler(Call(request, given, claims)))

    return serve


async def _let_in(
    row: Route[Any, Any], request: web.Request, gate: Gate, permit: Permit
) -> Claims | None:
    """Who asks, None for everybody. Raises Unauthorized, Forbidden."""
    if row.access is Open.PUBLIC:
        return None
    if isinstance(row.access, Permission):
        return await permit(request, row.access)
    return await gate(request, row.access if isinstance(row.access, Scope) else None)


def _response(row: Route[Any, Any], given: Any) -> web.StreamResponse:
    if isinstance(given, web.StreamResponse):
        return given
    if given is None:
        return nothing()
    if isinstance(given, Answer):
        return answer(given.data, status=row.status, meta=given.meta, headers=given.headers)
    return answer(given, status=row.status)
