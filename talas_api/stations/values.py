"""What comes in and goes out of stations, every limit stated."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.text import LINE, LINES
from talas_core.errors import Conflict
from talas_core.messages import DEFAULT_RENDITIONS, RENDITIONS

SLUG = r"\A[a-z0-9](-?[a-z0-9]){1,31}\Z"
RESERVED = frozenset({"admin", "api", "health", "ready", "metrics", "status-json", "ws", "hls"})
"""Slugs that would hide a path of the stream port."""
LARGEST_PAGE = 100

Slug = Annotated[
    str,
    Meta(
        examples=["night-line"],
        pattern=SLUG,
        max_length=64,
        description="must be 2 to 32 small letters and digits, with single dashes between them",
    ),
]
Name = Annotated[
    str,
    Meta(
        examples=["Night Line"],
        min_length=1,
        max_length=80,
        pattern=LINE,
        description="must be 1 to 80 characters on one line, not blank, without marks of direction",
    ),
]
Description = Annotated[
    str,
    Meta(
        examples=["Slow songs until the morning."],
        max_length=1000,
        pattern=LINES,
        description="must be at most 1000 characters, without controls that turn its direction",
    ),
]

_RENDITION = r"\A(?:" + "|".join(map(re.escape, RENDITIONS)) + r")\Z"
Renditions = Annotated[
    tuple[Annotated[str, Meta(pattern=_RENDITION)], ...],
    Meta(
        min_length=1,
        max_length=len(RENDITIONS),
        extra_json_schema={"uniqueItems": True},
        description="must be a list of one or more of " + ", ".join(RENDITIONS),
    ),
]


class NewStation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A station somebody wants. With `prefer_source`, the name and the description that its source
    sends go before these."""

    slug: Slug
    name: Name
    description: Description = ""
    renditions: Renditions = DEFAULT_RENDITIONS
    prefer_source: bool = False


class StationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: Name | None = None
    description: Description | None = None
    renditions: Renditions | None = None
    prefer_source: bool | None = None


class StationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the list: stations after slug `after`, of one owner or of all."""

    limit: Annotated[
        int, Meta(ge=1, le=LARGEST_PAGE, description=f"must be 1 to {LARGEST_PAGE}")
    ] = 50
    after: Slug | None = None
    owner: UUID | None = None


class Station(msgspec.Struct, frozen=True):
    """A station as anybody may see it. `owner` is a username; our own have none.
    `renditions` are what listeners may have it in."""

    id: UUID
    slug: str
    name: str
    description: str
    room: UUID
    owner: str | None
    created_at: datetime
    renditions: tuple[str, ...] = DEFAULT_RENDITIONS
    prefer_source: bool = False


class Kept(msgspec.Struct, frozen=True):
    """A station with what only its owner's rights and sources need. `key_hash` is SHA-256. It is
    `closed` while its owner is disabled."""

    station: Station
    owner_id: UUID | None
    key_hash: bytes
    closed: bool = False


class Keyed(msgspec.Struct, frozen=True):
    """A station just made or re-keyed, with the one sight of its stream key."""

    id: UUID
    slug: str
    name: str
    description: str
    room: UUID
    owner: str | None
    created_at: datetime
    renditions: tuple[str, ...]
    prefer_source: bool
    stream_key: str

    @classmethod
    def of(cls, station: Station, stream_key: str) -> Keyed:
        """`station` with its key."""
        return cls(**msgspec.structs.asdict(station), stream_key=stream_key)


class Page(msgspec.Struct, frozen=True):
    """A page of stations, and the `after` of the next, if there is one."""

    stations: list[Station]
    next: str | None


class PageMeta(msgspec.Struct, frozen=True):
    """The `meta` of a list answer."""

    next: str | None


def too_many(most: int) -> Conflict:
    """What a person is told who has as many stations as one may."""
    return Conflict(f"You have {most} stations, as many as one person may: remove one first.")
