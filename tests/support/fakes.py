"""In-memory stores: they implement the API's ports, and pass the suites its SQL stores pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec

from talas_api.audit.values import Entry, Event, Kind
from talas_api.identity.keys.service import Keys
from talas_api.identity.keys.values import Change, StoredKey
from talas_api.identity.passwords import cost_of
from talas_api.identity.sessions.refresh import Verdict
from talas_api.identity.sessions.service import Decide
from talas_api.identity.sessions.values import Ended, LiveSession, Session
from talas_api.identity.values import Account, Stored
from talas_api.request.origin import Device
from talas_api.stations.values import Kept, Station, StationChange, too_many
from talas_core.clock import Clock
from talas_core.errors import Conflict, Unavailable
from talas_core.security.seal import Sealer

ALIKE = "looks like one that is taken"
_SKELETON = str.maketrans({"I": "l", "1": "l", "0": "o", "m": "rn", "M": "rn"})


def alike(one: str, other: str) -> bool:
    """Whether two names look alike, see migration 0016."""
    return one.translate(_SKELETON).lower() == other.translate(_SKELETON).lower()


class MemoryAccounts:
    """The ports of the accounts' services. `sessions` are everybody's that go on."""

    def __init__(self) -> None:
        self.people: dict[UUID, Stored] = {}
        self.sessions: list[UUID] = []

    async def add(self, account: Account, password_hash: str) -> None:
        known = [stored.account for stored in self.people.values()]
        if any(one.username.lower() == account.username.lower() for one in known):
            raise Conflict("That username is taken.", {"username": "is taken"})
        if any(alike(one.username, account.username) for one in known):
            raise Conflict("That username looks taken.", {"username": ALIKE})
        if any(one.email.lower() == account.email.lower() for one in known):
            raise Conflict("That email is taken.", {"email": "is taken"})
        self.people[account.id] = Stored(account, password_hash, disabled=False)

    async def by_id(self, user_id: UUID) -> Account | None:
        found = self.people.get(user_id)
        return found.account if found and not found.disabled else None

    async def by_email(self, email: str) -> Stored | None:
        matching = (
            one for one in self.people.values() if one.account.email.lower() == email.lower()
        )
        return next(matching, None)

    async def stored(self, user_id: UUID) -> Stored | None:
        found = self.people.get(user_id)
        return found if found and not found.disabled else None

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> bool:
        found = self.people.get(user_id)
        if found is None or found.password_hash != old_hash:
            return False
        self.people[user_id] = msgspec.structs.replace(found, password_hash=new_hash)
        return True

    async def change_password(
        self, user_id: UUID, old_hash: str, new_hash: str, keep: UUID, now: datetime
    ) -> list[UUID] | None:
        if not await self.rehash(user_id, old_hash, new_hash):
            return None
        over = [session_id for session_id in self.sessions if session_id != keep]
        self.sessions = [session_id for session_id in self.sessions if session_id == keep]
        return over

    async def dearest_hash(self) -> int | None:
        hashes = (one.password_hash for one in self.people.values())
        return max((cost_of(one) for one in hashes if one.startswith("1:$2b$")), default=None)

    async def rename(self, user_id: UUID, display_name: str) -> Account | None:
        if await self.by_id(user_id) is None:
            return None
        found = self.people[user_id]
        account = msgspec.structs.replace(found.account, display_name=display_name)
        self.people[user_id] = msgspec.structs.replace(found, account=account)
        return account

    async def disable(self, user_id: UUID) -> None:
        self.people[user_id] = msgspec.structs.replace(self.people[user_id], disabled=True)


class MemorySessions:
    """The port of sessions/service.py, over the people of a MemoryAccounts."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        self._accounts = accounts
        self.sessions: dict[UUID, Session] = {}
        self.devices: dict[UUID, Device] = {}
        self.reasons: dict[UUID, str] = {}
        self.ends: dict[UUID, datetime] = {}
        self.asked = 0

    async def add(self, session: Session, device: Device) -> None:
        self.sessions[session.id] = session
        self.devices[session.id] = device

    async def exchange(
        self, session_id: UUID, decide: Decide, new_hash: bytes, now: datetime
    ) -> tuple[Verdict, Account, datetime] | None:
        session = self.sessions.get(session_id)
        if session is None:
            return None
        person = self._accounts.people[session.user_id]
        verdict = decide(msgspec.structs.replace(session, ended=session.ended or person.disabled))
        if verdict is Verdict.ROTATE:
            self.sessions[session_id] = msgspec.structs.replace(
                session,
                previous_hash=session.refresh_hash,
                refresh_hash=new_hash,
                refreshed_at=max(session.refreshed_at, now),
            )
        elif verdict is Verdict.REUSED:
            await self.end(session_id, "reuse", now)
        return verdict, person.account, session.expires_at

    async def end(self, session_id: UUID, reason: str, now: datetime) -> None:
        session = self.sessions.get(session_id)
        if session is not None and not session.ended:
            self.sessions[session_id] = msgspec.structs.replace(session, ended=True)
            self.reasons[session_id] = reason
            self.ends[session_id] = now

    async def end_own(self, session_id: UUID, user_id: UUID, reason: str, now: datetime) -> bool:
        mine = any(session.id == session_id for session in self._going_on(user_id, now))
        if mine:
            await self.end(session_id, reason, now)
        return mine

    async def end_all(
        self, user_id: UUID, reason: str, now: datetime, keep: UUID | None
    ) -> list[UUID]:
        over = [session.id for session in self._going_on(user_id, now) if session.id != keep]
        for session_id in over:
            await self.end(session_id, reason, now)
        return over

    async def live(
        self, user_id: UUID, now: datetime, used_after: datetime, limit: int
    ) -> list[LiveSession]:
        found = [one for one in self._going_on(user_id, now) if one.refreshed_at > used_after]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        return [
            LiveSession(
                one.id, one.created_at, one.refreshed_at, one.expires_at, self.devices[one.id]
            )
            for one in found[:limit]
        ]

    def _going_on(self, user_id: UUID, now: datetime) -> list[Session]:
        return [
            one
            for one in self.sessions.values()
            if one.user_id == user_id and not one.ended and one.expires_at > now
        ]

    async def ended(self, after: datetime, limit: int) -> Ended:
        found = sorted(((at, one) for one, at in self.ends.items() if at > after), reverse=True)
        since = found[limit][0] if len(found) > limit else after
        return Ended(since, [one for at, one in found if at > since])

    async def alive(self, session_id: UUID, now: datetime) -> bool:
        self.asked += 1
        session = self.sessions.get(session_id)
        if session is None or session.ended or session.expires_at <= now:
            return False
        return not self._accounts.people[session.user_id].disabled


class MemoryStations:
    """The port of stations/service.py, over the people of a MemoryAccounts."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        self._accounts = accounts
        self.kept: dict[UUID, Kept] = {}

    async def add(self, kept: Kept, most: int | None = None) -> str | None:
        if await self.by_slug(kept.station.slug):
            raise Conflict("That slug is taken.", {"slug": "is taken"})
        if most is not None and len(await self.page("", most, kept.owner_id)) >= most:
            raise too_many(most)
        if any(alike(one.station.slug, kept.station.slug) for one in self.kept.values()):
            raise Conflict("That slug looks taken.", {"slug": ALIKE})
        owner = self._accounts.people[kept.owner_id].account.username if kept.owner_id else None
        station = msgspec.structs.replace(kept.station, owner=owner)
        self.kept[station.id] = msgspec.structs.replace(kept, station=station)
        return owner

    async def by_slug(self, slug: str) -> Kept | None:
        found = (one for one in self.kept.values() if one.station.slug == slug)
        return next(map(self._with_owner, found), None)

    async def page(self, after: str, limit: int, owner: UUID | None) -> list[Station]:
        found = sorted(
            (one for one in self.kept.values() if owner in (None, one.owner_id)),
            key=lambda one: one.station.slug,
        )
        return [one.station for one in found if one.station.slug > after][:limit]

    async def change(self, station_id: UUID, change: StationChange, now: datetime) -> Kept | None:
        kept = self.kept.get(station_id)
        if kept is None:
            return None
        given = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not None
        }
        station = msgspec.structs.replace(kept.station, **given)
        self.kept[station_id] = msgspec.structs.replace(kept, station=station)
        return self._with_owner(self.kept[station_id])

    async def set_key(self, station_id: UUID, key_hash: bytes, now: datetime) -> bool:
        kept = self.kept.get(station_id)
        if kept is None:
            return False
        self.kept[station_id] = msgspec.structs.replace(kept, key_hash=key_hash)
        return True

    async def remove(self, station_id: UUID) -> bool:
        return self.kept.pop(station_id, None) is not None

    def _with_owner(self, kept: Kept) -> Kept:
        owner = self._accounts.people[kept.owner_id] if kept.owner_id else None
        return msgspec.structs.replace(kept, closed=owner is not None and owner.disabled)


class MemoryKeys:
    """The port of keys/service.py."""

    def __init__(self) -> None:
        self.keys: list[StoredKey] = []

    async def all(self) -> list[StoredKey]:
        return sorted(self.keys, key=lambda key: key.activates_at)

    async def change(self, decide: Callable[[list[StoredKey]], Change]) -> list[StoredKey]:
        change = decide(list(self.keys))
        self.keys = [
            msgspec.structs.replace(key, retires_at=change.add.activates_at)
            if change.add and key.kid in change.retire
            else key
            for key in self.keys
            if key.kid not in change.drop
        ]
        self.keys += [change.add] if change.add else []
        return await self.all()


def memory_keys(store: MemoryKeys, sealer: Sealer, clock: Clock, days: int = 30) -> Keys:
    """A key ring that records nothing."""
    return Keys(store, sealer, clock, days=days, audit=Recorded())


class Recorded:
    """The port of audit/values.py: keeps what was recorded."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def record(self, event: Event) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]


class MemoryAudit:
    """The port of audit/service.py."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    async def page(
        self, before: UUID, limit: int, user: UUID | None, kind: Kind | None
    ) -> list[Entry]:
        found = sorted(self.entries, key=lambda one: one.id, reverse=True)
        return [
            one
            for one in found
            if one.id < before and user in (None, one.user_id) and kind in (None, one.kind)
        ][:limit]


class Announced:
    """Both announcer ports: keeps what was announced."""

    def __init__(self) -> None:
        self.heard = True
        self.ended: list[tuple[UUID, UUID]] = []
        self.changed: list[str] = []

    async def session_ended(self, session_id: UUID, user_id: UUID) -> None:
        self.ended.append((session_id, user_id))

    async def station_changed(self, slug: str) -> None:
        self.changed.append(slug)


class PlainPasswords:
    """The port of accounts/service.py for hashing, without the cost of it."""

    def __init__(self) -> None:
        self.checked: list[str | None] = []
        self.full = False

    def outdated(self, stored: str) -> bool:
        return stored.startswith("cheap:")

    async def make(self, password: str) -> str:
        if self.full:
            raise Unavailable("Too many people are signing in; try again soon.")
        return f"plain:{password}"

    async def check(self, password: str, stored: str | None) -> bool:
        self.checked.append(stored)
        return stored in (f"plain:{password}", f"cheap:{password}")
