"""The use cases of stations.

Does:        make, list, change and remove stations; give them stream keys; say what the stream
             service must know of one; keep the stations of our own.
Never:       keeps a stream key (128 random bits, so their SHA-256 suffices), or shows it twice.
Guarantees:  only the owner and admins change a station. Every change is announced after it is
             committed; what somebody does to a station that is not theirs is recorded. A station
             is closed for as long as its owner is disabled.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from talas_api.announcer import Announcer
from talas_api.audit.values import Event, Kind, Recorder
from talas_api.request.access import Permission, allows
from talas_api.request.origin import Device
from talas_api.stations.values import (
    LARGEST_PAGE,
    RESERVED,
    Kept,
    Keyed,
    NewStation,
    Page,
    Station,
    StationChange,
    StationQuery,
)
from talas_core.clock import Clock
from talas_core.errors import BadInput, Conflict, Forbidden, NotFound
from talas_core.ids import uuid7
from talas_core.messages import StationRecord
from talas_core.security.tokens import Claims
from talas_core.telemetry.logs import logger

_log = logger("stations")


class StationStore(Protocol):
    """Where stations are kept."""

    async def add(self, kept: Kept, most: int | None = None) -> str | None:
        """Keep a new station and its room; returns the owner's username.

        Raises Conflict: naming the slug if it is taken, or where its owner has `most` stations.
        """
        ...

    async def by_slug(self, slug: str) -> Kept | None:
        """The station of this slug."""
        ...

    async def page(self, after: str, limit: int, owner: UUID | None) -> list[Station]:
        """Up to `limit` stations whose slugs come after `after`, by slug."""
        ...

    async def change(self, station_id: UUID, change: StationChange, now: datetime) -> Kept | None:
        """Change what is given; returns the station as it then is, None if there is none."""
        ...

    async def set_key(self, station_id: UUID, key_hash: bytes, now: datetime) -> bool:
        """Replace the key's hash. False if there is no such station."""
        ...

    async def remove(self, station_id: UUID) -> bool:
        """Remove the station, its room and what was said there. False if there was none."""
        ...


class Stations:
    """Stations. One person may have `most` of them."""

    def __init__(
        self,
        store: StationStore,
        announcer: Announcer,
        clock: Clock,
        audit: Recorder,
        most: int,
    ) -> None:
        self._store = store
        self._announcer = announcer
        self._audit = audit
        self._clock = clock
        self._most = most

    async def make(self, wish: NewStation, owner: Claims) -> Keyed:
        """A new station with its key. Raises Conflict where the slug is taken or the owner has
        as many as they may, BadInput for a reserved slug or a rendition named twice."""
        if wish.slug in RESERVED:
            raise BadInput("That slug is reserved.", {"slug": "is reserved"})
        _each_once(wish.renditions)
        return await self._add(wish, UUID(owner.sub), new_key())

    async def find(self, slug: str) -> Station:
        """The station. Raises NotFound."""
        return (await self._kept(slug)).station

    async def list(self, query: StationQuery) -> Page:
        """One page, by slug."""
        found = await self._store.page(query.after or "", query.limit + 1, query.owner)
        more = len(found) > query.limit
        shown = found[: query.limit]
        return Page(shown, shown[-1].slug if more else None)

    async def change(
        self, slug: str, change: StationChange, who: Claims, device: Device
    ) -> Station:
        """The station, changed. Raises NotFound, Forbidden, BadInput as `make` does."""
        _each_once(change.renditions or ())
        kept = await self._may_change(slug, who)
        changed = await self._store.change(kept.station.id, change, self._clock.now())
        if changed is None:
            raise _unknown()
        await self._changed(Kind.STATION_CHANGED, kept, who, device)
        return changed.station

    async def renew_key(self, slug: str, who: Claims, device: Device) -> Keyed:
        """A new key; the old one is void. Raises NotFound, Forbidden."""
        kept = await self._may_change(slug, who)
        key = new_key()
        if not await self._store.set_key(kept.station.id, hash_key(key), self._clock.now()):
            raise _unknown()
        await self._changed(Kind.STATION_REKEYED, kept, who, device)
        return Keyed.of(kept.station, key)

    async def remove(self, slug: str, who: Claims, device: Device) -> None:
        """Remove the station. Raises NotFound, Forbidden."""
        kept = await self._may_change(slug, who)
        await self._store.remove(kept.station.id)
        await self._changed(Kind.STATION_REMOVED, kept, who, device)

    async def record(self, slug: str) -> StationRecord | None:
        """What the stream service must know of the station."""
        kept = await self._store.by_slug(slug)
        if kept is None:
            return None
        station = kept.station
        return StationRecord(
            id=str(station.id),
            slug=station.slug,
            name=station.name,
            description=station.description,
            room=str(station.room),
            owner_id=str(kept.owner_id or ""),
            key_hash=kept.key_hash.hex(),
            renditions=station.renditions,
            prefer_source=station.prefer_source,
            closed=kept.closed,
        )

    async def owner_changed(self, owner_id: UUID) -> None:
        """Tell of all stations of somebody who was disabled or enabled: they are closed, or open
        again."""
        query: StationQuery | None = StationQuery(LARGEST_PAGE, owner=owner_id)
        while query is not None:
            page = await self.list(query)
            for station in page.stations:
                await self._announcer.station_changed(station.slug)
            query = StationQuery(LARGEST_PAGE, page.next, owner_id) if page.next else None

    async def ensure_own(self, wish: NewStation, key: str) -> None:
        """Have a station of our own with this key; one that a person has taken is left alone."""
        kept = await self._store.by_slug(wish.slug)
        if kept is None:
            try:
                await self._add(wish, None, key)
            except Conflict:
                # Another process was quicker, and has the same key from the same secret.
                _log.info("station made by another process", slug=wish.slug)
        elif kept.owner_id is not None:
            _log.warning("station belongs to somebody, left alone", slug=wish.slug)
        elif kept.key_hash != hash_key(key):
            await self._store.set_key(kept.station.id, hash_key(key), self._clock.now())
            await self._announcer.station_changed(wish.slug)

    async def _add(self, wish: NewStation, owner_id: UUID | None, key: str) -> Keyed:
        station = Station(
            id=uuid7(),
            slug=wish.slug,
            name=wish.name,
            description=wish.description,
            room=uuid7(),
            owner=None,
            created_at=self._clock.now(),
            renditions=wish.renditions,
            prefer_source=wish.prefer_source,
        )
        most = None if owner_id is None else self._most
        owner = await self._store.add(Kept(station, owner_id, hash_key(key)), most)
        await self._announcer.station_changed(wish.slug)
        return Keyed.of(msgspec.structs.replace(station, owner=owner), key)

    async def _changed(self, kind: Kind, kept: Kept, who: Claims, device: Device) -> None:
        await self._announcer.station_changed(kept.station.slug)
        if who.sub == str(kept.owner_id):
            return
        about: dict[str, str | int | bool] = {"station_id": str(kept.station.id)}
        actor, session = UUID(who.sub), UUID(who.sid)
        await self._audit.record(Event(kind, kept.owner_id, actor, session, device.where, about))

    async def _kept(self, slug: str) -> Kept:
        kept = await self._store.by_slug(slug)
        if kept is None:
            raise _unknown()
        return kept

    async def _may_change(self, slug: str, who: Claims) -> Kept:
        kept = await self._kept(slug)
        if who.sub != str(kept.owner_id) and not allows(who.role, Permission.MANAGE_STATIONS):
            raise Forbidden("Only the owner of a station may do that.")
        return kept


def new_key() -> str:
    """A stream key: 128 random bits in hex."""
    return secrets.token_hex(16)


def hash_key(key: str) -> bytes:
    """What is kept of a stream key. Its input cannot be guessed, so a plain hash will do."""
    return hashlib.sha256(key.encode()).digest()


def _each_once(renditions: tuple[str, ...]) -> None:
    if len(set(renditions)) < len(renditions):
        raise BadInput("A rendition is named twice.", {"renditions": "must name each only once"})


def _unknown() -> NotFound:
    return NotFound("There is no such station.")
