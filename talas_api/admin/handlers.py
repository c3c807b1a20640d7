"""The administration of people over HTTP.

GET  /api/admin/users               200 (Bearer: moderator)   ?limit=, ?after=
POST /api/admin/users/{id}/disable  200 (Bearer: moderator; an admin where it is not a plain user)
POST /api/admin/users/{id}/enable   200 (Bearer: as above)
PUT  /api/admin/users/{id}/role     200 (Bearer: admin)       {role}
"""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from talas_api.admin.service import Administration, unknown
from talas_api.admin.values import Actor, PageMeta, PeopleQuery, RoleChange
from talas_api.request.access import Permission
from talas_api.request.origin import device
from talas_api.roles.permit import Permit
from talas_core.web.answers import answer
from talas_core.web.body import query, read


def routes(administration: Administration, permit: Permit) -> list[web.RouteDef]:
    """The table of this feature."""

    async def actor(request: web.Request, permission: Permission) -> Actor:
        return Actor.of(await permit(request, permission), device(request))

    async def listing(request: web.Request) -> web.Response:
        await actor(request, Permission.LIST_PEOPLE)
        page = await administration.list(query(request, PeopleQuery))
        return answer(page.people, meta=PageMeta(page.next))

    async def disable(request: web.Request) -> web.Response:
        who = await actor(request, Permission.DISABLE_PEOPLE)
        return answer(await administration.disable(person_of(request), who))

    async def enable(request: web.Request) -> web.Response:
        who = await actor(request, Permission.DISABLE_PEOPLE)
        return answer(await administration.enable(person_of(request), who))

    async def set_role(request: web.Request) -> web.Response:
        who = await actor(request, Permission.CHANGE_ROLES)
        wish = await read(request, RoleChange)
        return answer(await administration.set_role(person_of(request), wish.role, who))

    return [
        web.get("/api/admin/users", listing),
        web.post("/api/admin/users/{id}/disable", disable),
        web.post("/api/admin/users/{id}/enable", enable),
        web.put("/api/admin/users/{id}/role", set_role),
    ]


def person_of(request: web.Request) -> UUID:
    """The person in the address. Raises NotFound for what nobody is called."""
    try:
        return UUID(request.match_info["id"])
    except ValueError as error:
        raise unknown() from error
