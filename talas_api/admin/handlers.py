"""The administration of people over HTTP."""

from __future__ import annotations

from typing import Any

from talas_api.admin.service import Administration, unknown
from talas_api.admin.values import Actor, PageMeta, PeopleQuery, Person, RoleChange
from talas_api.request.access import Permission
from talas_api.request.route import Answer, Call, Route, Table


def routes(administration: Administration) -> Table:
    """The rows of this feature."""

    async def listing(call: Call[PeopleQuery]) -> Answer[list[Person]]:
        page = await administration.list(call.given, actor(call))
        return Answer(page.people, PageMeta(page.next))

    async def disable(call: Call[None]) -> Person:
        return await administration.disable(call.id(unknown), actor(call))

    async def enable(call: Call[None]) -> Person:
        return await administration.enable(call.id(unknown), actor(call))

    async def set_role(call: Call[RoleChange]) -> Person:
        return await administration.set_role(call.id(unknown), call.given.role, actor(call))

    return [
        Route("GET", "/api/admin/users", listing, "Lists people, in the order they came.",
              Permission.LIST_PEOPLE, query=PeopleQuery, gives=list[Person], meta=PageMeta),
        Route("POST", "/api/admin/users/{id}/disable", disable,
              "Disables a person; one who is more than a plain user only by an admin.",
              Permission.DISABLE_PEOPLE, gives=Person),
        Route("POST", "/api/admin/users/{id}/enable", enable,
              "Enables a person again; the same people may do so who may disable them.",
              Permission.DISABLE_PEOPLE, gives=Person),
        Route("PUT", "/api/admin/users/{id}/role", set_role, "Gives a person a role.",
              Permission.CHANGE_ROLES, body=RoleChange, gives=Person),
    ]  # fmt: skip


def actor(call: Call[Any]) -> Actor:
    """Who does it."""
    return Actor.of(call.who, call.device)
