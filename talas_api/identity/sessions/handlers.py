"""Sessions over HTTP: refresh, sign out, see and end one's sessions."""

from __future__ import annotations

from uuid import UUID

from talas_api.identity.sessions.service import Sessions
from talas_api.identity.sessions.values import EndQuery, Grant, RefreshRequest, SessionView
from talas_api.request.limits import REFRESH, SESSION
from talas_api.request.origin import origin_of
from talas_api.request.route import Call, Open, Route, Table
from talas_core.errors import NotFound


def routes(sessions: Sessions) -> Table:
    """The rows of this feature."""

    async def refresh(call: Call[RefreshRequest]) -> Grant:
        return await sessions.refresh(call.given.refresh_token, call.device)

    async def logout(call: Call[None]) -> None:
        await sessions.end(call.who, call.device)

    async def listing(call: Call[None]) -> list[SessionView]:
        return await sessions.mine(call.who)

    async def end_all(call: Call[EndQuery]) -> None:
        keep = UUID(call.who.sid) if call.given.spare else None
        await sessions.end_all(call.person, "ended", origin_of(call.who, call.device), keep)

    async def end_one(call: Call[None]) -> None:
        await sessions.end_own(call.who, call.id(unknown), call.device)

    return [
        Route("POST", "/api/auth/refresh", refresh, "Exchanges a refresh token for new tokens.",
              body=RefreshRequest, gives=Grant, limits=(REFRESH, SESSION)),
        Route("POST", "/api/auth/logout", logout, "Ends this session.", Open.SIGNED_IN, status=204),
        Route("GET", "/api/auth/sessions", listing, "Lists my sessions.", Open.SIGNED_IN,
              gives=list[SessionView]),
        Route("DELETE", "/api/auth/sessions", end_all, "Ends my sessions, or all but this one.",
              Open.SIGNED_IN, query=EndQuery, status=204),
        Route("DELETE", "/api/auth/sessions/{id}", end_one, "Ends one of my sessions.",
              Open.SIGNED_IN, status=204),
    ]  # fmt: skip


def unknown() -> NotFound:
    """What is said of an id that is no session's of this person."""
    return NotFound("You have no such session.")
