"""Who may do what: roles, permissions, and the scopes of personal tokens.

Does:        say what each role may do beyond what everybody signed in may.
Guarantees:  what is not in the table is refused; so is everything to a role that is not.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person is here, the lowest first."""

    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a personal token may do. What has no scope here is for signed-in people alone."""

    PROFILE_READ = "profile:read"
    STATIONS_WRITE = "stations:write"
    ROOMS_READ = "rooms:read"
    CHAT_WRITE = "chat:write"


class Permission(StrEnum):
    """What only some may do."""

    LIST_PEOPLE = "people.list"
    DISABLE_PEOPLE = "people.disable"
    DISABLE_STAFF = "staff.disable"
    CHANGE_ROLES = "roles.change"
    READ_AUDIT = "audit.read"
    MANAGE_STATIONS = "stations.manage"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.USER: frozenset(),
    Role.MODERATOR: frozenset({Permission.LIST_PEOPLE, Permission.DISABLE_PEOPLE}),
    Role.ADMIN: frozenset(Permission),
}


def allows(role: str, permission: Permission) -> bool:
    """Whether people of this role may do that."""
    return role in PERMISSIONS and permission in PERMISSIONS[Role(role)]
