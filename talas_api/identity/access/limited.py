"""LIMITS in front of handlers: the third station of the request path.

Does:        wrap what serves a limited route: find out for whom a request counts, charge it, and
             see by the outcome what is given back.
Never:       touches a route without a rule: those cost nothing.
Guarantees:  an address that is refused for a while is refused before a byte of the body was read;
             a refusal is 429 with Retry-After. A request whose body is refused counts as any other.
             Every answer says the limits of its route, and once it is counted what is left of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from talas_api.audit.values import Event, Kind
from talas_api.identity.access.gate import Gate
from talas_api.identity.accounts.signin import SecondFactorRequired
from talas_api.identity.limits.service import Limiter
from talas_api.identity.limits.values import LimitReached
from talas_api.request.access import Scope
from talas_api.request.limits import Subject
from talas_api.request.route import Route
from talas_core.errors import (
    BadInput,
    TooLarge,
    TooSlow,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)
from talas_core.web import body, peer
from talas_core.web.application import MORE_HEADERS, Handler

SessionOf = Callable[[str], str]
"""The session of a refresh token. Raises Unauthorized for what is not a token of ours."""

UNREAD = (BadInput, TooLarge, TooSlow, UnsupportedMedia)
"""What becomes of a body that cannot be had."""

_IN_BODY = {Subject.EMAIL, Subject.SESSION}


class _Named(msgspec.Struct, frozen=True):
    """The members of a body that somebody can be counted by."""

    email: str = ""
    refresh_token: str = ""


def limited(
    route: Route[Any, Any], handler: Handler, limits: Limiter, subjects: Subjects
) -> Handler:
    """`handler`, which serves `route`, with the route's limits in front."""
    return _guarded(route, handler, limits, subjects) if route.limits else handler


class Subjects:
    """Finds out for whom a request counts."""

    def __init__(self, gate: Gate, session_of: SessionOf) -> None:
        self._gate = gate
        self._session_of = session_of

    async def add(
        self, found: dict[Subject, str], request: web.Request, route: Route[Any, Any]
    ) -> None:
        """Add to `found` whom the request names, of those that the route's limits count for. Raises
        as the gate and body.raw do."""
        wanted = {subject for rule in route.limits for subject in rule.subjects}
        if Subject.ACCOUNT in wanted:
            scope = route.access if isinstance(route.access, Scope) else None
            who = await self._gate(request, scope)
            found[Subject.ACCOUNT], found[Subject.SESSION] = who.sub, who.sid
        if (wanted - found.keys()) & _IN_BODY:
            named = _named(await body.raw(request))
            if named.email:
                found[Subject.EMAIL] = _folded(named.email)
            if named.refresh_token and Subject.SESSION in wanted:
                # What is not a token of ours counts for its address, and the handler refuses it.
                with contextlib.suppress(Unauthorized):
                    found[Subject.SESSION] = self._session_of(named.refresh_token)


def _guarded(
    route: Route[Any, Any], handler: Handler, limits: Limiter, subjects: Subjects
) -> Handler:
    rules = route.limits

    async def guarded(request: web.Request) -> web.StreamResponse:
        address = peer.client(request)
        event = Event(kind=Kind.LIMITED, address=str(address) if address else None,
                      detail={"route": route.name})  # fmt: skip
        found = {Subject.ADDRESS: peer.subscriber(address)}
        request[MORE_HEADERS] = limits.policy(rules)
        await limits.recall(limits.charges(rules, found), event)
        try:
            await subjects.add(found, request, route)
        except UNREAD:  # counts for whoever is known by now
            passage = await limits.enter(limits.charges(rules, found), event)
            request[MORE_HEADERS] = passage.headers
            raise
        passage = await limits.enter(limits.charges(rules, found), event)
        request[MORE_HEADERS] = passage.headers
        try:
            response = await handler(request)
        except Unavailable:
            await limits.unserved(passage)
            raise
        except BadInput:
            await limits.nothing_done(passage)
            raise
        except (SecondFactorRequired, LimitReached):  # of codes: both come after the password
            await limits.halfway(passage)
            raise
        if response.status < 400:
            await limits.succeeded(passage, found)
        return response

    return guarded


def _named(raw: bytes) -> _Named:
    """What can be made out; what is wrong with the body, the handler says."""
    try:
        return msgspec.json.decode(raw, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Named()


def _folded(email: str) -> str:
    """One spelling for an address. All of ours are ASCII: whatever else the database may take for
    the same letters counts together."""
    return email.lower() if email.isascii() else "?"
