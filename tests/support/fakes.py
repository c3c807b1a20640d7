"""In-memory stores: they implement the API's ports, and pass the suites its SQL stores pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec

from talas_api.accounts.values import Account, Stored
from talas_api.keys.values import StoredKey
from talas_api.sessions.refresh import Verdict
from talas_api.sessions.service import Decide
from talas_api.sessions.values import Device, Session
from talas_api.stations.values import Kept, Station, StationChange
from talas_core.errors import Conflict


class MemoryAccounts:
    """The port of accounts/service.py."""

    def __init__(self) -> None:
        self.people: dict[UUID, Stored] = {}

    async def add(self, account: Account, password_hash: str) -> None:
        for other in self.people.values():
            for field in ("username", "email"):
                if getattr(other.account, field).lower() == getattr(account, field).lower():
                    raise Conflict(f"That {field} is taken.", {field: "is taken"})
        self.people[account.id] = Stored(account, password_hash, disabled=False)

    async def by_id(self, user_id: UUID) -> Account | None:
        found = self.people.get(user_id)
        return found.account if found and not found.disabled else None

    async def by_email(self, email: str) -> Stored | None:
        matching = (
            one for one in self.people.values() if one.account.email.lower() == email.lower()
        )
        return next(matching, None)

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
        self.reasons: dict[UUID, str] = {}
        self.asked = 0

    async def add(self, session: Session, device: Device) -> None:
        self.sessions[session.id] = session

    async def exchange(
        self, session_id: UUID, decide: Decide, new_hash: bytes, now: datetime
    ) -> tuple[Verdict, Account] | None:
        session = self.sessions.get(session_id)
        if session is None:
            return None
        person = self._accounts.people[session.user_id]
        verdict = decide(msgspec.structs.replace(session, ended=session.ended or person.disabled))
        if verdict is Verdict.ROTATE:
            self.sessions[session_id] = msgspec.structs.replace(
                session, refresh_hash=new_hash, refreshed_at=now
            )
        elif verdict is Verdict.REUSED:
            await self.end(session_id, "reuse", now)
        return verdict, person.account

    async def end(self, session_id: UUID, reason: str, now: datetime) -> None:
        session = self.sessions.get(session_id)
        if session is not None and not session.ended:
            self.sessions[session_id] = msgspec.structs.replace(session, ended=True)
            self.reasons[session_id] = reason

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

    async def add(self, kept: Kept) -> str | None:
        if await self.by_slug(kept.station.slug):
            raise Conflict("That slug is taken.", {"slug": "is taken"})
        owner = self._accounts.people[kept.owner_id].account.username if kept.owner_id else None
        station = msgspec.structs.replace(kept.station, owner=owner)
        self.kept[station.id] = msgspec.structs.replace(kept, station=station)
        return owner

    async def by_slug(self, slug: str) -> Kept | None:
        return next((one for one in self.kept.values() if one.station.slug == slug), None)

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
        return self.kept[station_id]

    async def set_key(self, station_id: UUID, key_hash: bytes, now: datetime) -> bool:
        kept = self.kept.get(station_id)
        if kept is None:
            return False
        self.kept[station_id] = msgspec.structs.replace(kept, key_hash=key_hash)
        return True

    async def remove(self, station_id: UUID) -> bool:
        return self.kept.pop(station_id, None) is not None


class MemoryKeys:
    """The port of keys/service.py."""

    def __init__(self) -> None:
        self.keys: list[StoredKey] = []

    async def all(self) -> list[StoredKey]:
        return list(self.keys)

    async def add_unless(
        self, enough: Callable[[list[StoredKey]], bool], make: Callable[[], StoredKey]
    ) -> list[StoredKey]:
        if not enough(list(self.keys)):
            self.keys.append(make())
        return list(self.keys)


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

    async def make(self, password: str) -> str:
        return f"plain:{password}"

    async def check(self, password: str, stored: str | None) -> bool:
        self.checked.append(stored)
        return stored == f"plain:{password}"
