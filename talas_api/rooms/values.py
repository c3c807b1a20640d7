"""What comes in and goes out of rooms, every limit stated."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.text import LINE
from talas_core.errors import NotFound

LARGEST_PAGE = 100
LARGEST_OFFSET = 2**63 - 1
COUNTED = timedelta(hours=1)
"""A removed room counts for so long after it was made: removing does not make room for more."""

Name = Annotated[
    str,
    Meta(
        examples=["Vinyl"],
        min_length=1,
        max_length=80,
        pattern=LINE,
        description="must be 1 to 80 characters on one line, not blank, without marks of direction",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=LARGEST_PAGE, description=f"must be 1 to {LARGEST_PAGE}")]
Offset = Annotated[
    int, Meta(ge=1, le=LARGEST_OFFSET, description="must be an offset, 1 or greater")
]


class Room(msgspec.Struct, frozen=True):
    """A room as anybody signed in may see it. `offset` is that of its newest message, 0 for none;
    `kind` is open or station."""

    id: UUID
    name: str
    kind: str
    epoch: UUID
    offset: int
    created_at: datetime


class RoomQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the list: rooms made after room `after`."""

    limit: Limit = 50
    after: UUID | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of rooms, and the `after` of the next, if there is one."""

    rooms: list[Room]
    next: UUID | None


class PageMeta(msgspec.Struct, frozen=True):
    """The `meta` of a list answer."""

    next: UUID | None


def unknown() -> NotFound:
    """The room is not there."""
    return NotFound("There is no such room.")
