"""What comes in and goes out of the administration of people, every limit stated."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.request.access import Role
from talas_api.request.origin import Device, Origin
from talas_core.security.tokens import Claims

LARGEST_PAGE = 100
LONGEST_BEGINNING = 64


class Person(msgspec.Struct, frozen=True):
    """A person, as moderators and admins see them: without their e-mail address."""

    id: UUID
    username: str
    display_name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    email_verified: bool = False


class PeopleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the list: people who came after person `after`; all, or those whose username
    `begins` so, in whatever case. For admins also those whose e-mail address does."""

    limit: Annotated[
        int, Meta(ge=1, le=LARGEST_PAGE, description=f"must be 1 to {LARGEST_PAGE}")
    ] = 50
    after: UUID | None = None
    begins: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=LONGEST_BEGINNING,
                pattern=r"\A[\x21-\x7e]+\Z",
                description=f"must be 1 to {LONGEST_BEGINNING} characters of a name or address",
            ),
        ]
        | None
    ) = None


class Page(msgspec.Struct, frozen=True):
    """A page of people, and the `after` of the next, if there is one."""

    people: list[Person]
    next: UUID | None


class PageMeta(msgspec.Struct, frozen=True):
    """The `meta` of a list answer."""

    next: UUID | None


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The role somebody is to have."""

    role: Annotated[Role, Meta(description="must be one of " + ", ".join(Role))]


class Actor(msgspec.Struct, frozen=True):
    """Who does something: somebody signed in, or, without an id, the operator at the machine."""

    role: str
    id: UUID | None = None
    session_id: UUID | None = None
    address: str | None = None

    @classmethod
    def of(cls, who: Claims, device: Device) -> Actor:
        """The person of these claims."""
        return cls(who.role, UUID(who.sub), UUID(who.sid), device.where)

    @property
    def origin(self) -> Origin:
        """The same, as the audit log takes it."""
        return Origin(self.id, self.session_id, self.address, "" if self.id else "operator")


OPERATOR = Actor(Role.ADMIN)
"""Whoever may run commands beside the database may do all that an admin may."""
