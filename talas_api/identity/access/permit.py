"""AUTH, behind the gate: may this person do that.

Does:        compare who is asking with the table of roles; record whom it refuses.
Never:       asks anybody: a role in an access token is right, because a changed role ends its
             person's sessions. Takes a personal token.
Guarantees:  the role is the one of the moment in which the whole request had arrived.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from aiohttp import web

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.access.gate import Gate
from talas_api.request.access import Permission, allows
from talas_api.request.device import device
from talas_core.errors import Forbidden
from talas_core.security.tokens import Claims


class Permit(Protocol):
    """The claims of a request, if their role has the permission. Raises Unauthorized, Forbidden."""

    async def __call__(self, request: web.Request, permission: Permission) -> Claims: ...


def permit(gate: Gate, audit: Recorder) -> Permit:
    """The gate in front of handlers that are not for everybody."""

    async def check(request: web.Request, permission: Permission) -> Claims:
        who = await gate(request)
        if allows(who.role, permission):
            return who
        person, session = UUID(who.sub), UUID(who.sid)
        about: dict[str, str | int | bool] = {"name": permission.value, "role": who.role}
        where = device(request).where
        await audit.record(Event(Kind.REFUSED, person, person, session, where, about))
        raise Forbidden("Your role does not allow that.")

    return check
