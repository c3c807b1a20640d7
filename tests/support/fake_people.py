"""In-memory stores of administration and personal tokens; they pass the SQL ones' suites."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from talas_api.admin.service import Decide
from talas_api.admin.values import Person
from talas_api.identity.tokens.values import Kept, PersonalToken
from talas_core.errors import Conflict, Unauthorized


class MemoryPeople:
    """The port of admin/service.py. Everybody's address is their name at example.com."""

    def __init__(self, *people: Person) -> None:
        self.people = {person.id: person for person in people}

    async def page(self, after: UUID, limit: int) -> list[Person]:
        return [self.people[one] for one in sorted(self.people) if one > after][:limit]

    async def page_of(
        self, begins: str, after: UUID, limit: int, *, addresses: bool
    ) -> list[Person]:
        def found(person: Person) -> bool:
            name, first = person.username.lower(), begins.lower()
            return name.startswith(first) or (addresses and f"{name}@example.com".startswith(first))

        everybody = await self.page(after, len(self.people))
        return [person for person in everybody if found(person)][:limit]

    async def by_name(self, username: str) -> Person | None:
        found = (p for p in self.people.values() if p.username.lower() == username.lower())
        return next(found, None)

    async def change(
        self, user_id: UUID, decide: Decide, now: datetime
    ) -> tuple[Person, Person] | None:
        before = self.people.get(user_id)
        if before is None:
            return None
        others = (one for one in self.people.values() if one.id != user_id)
        admins = sum(one.role == "admin" and one.disabled_at is None for one in others)
        self.people[user_id] = decide(before, admins)
        return before, self.people[user_id]


class MemoryTokens:
    """The ports of tokens/service.py and tokens/making.py. `ended` are sessions."""

    def __init__(self) -> None:
        self.kept: dict[UUID, tuple[Kept, bytes]] = {}
        self.revoked: set[UUID] = set()
        self.disabled: set[UUID] = set()
        self.ended: set[UUID] = set()
        self.asked = 0

    async def add(self, kept: Kept, token_hash: bytes, session_id: UUID, most: int) -> None:
        if kept.user_id in self.disabled or session_id in self.ended:
            raise Unauthorized("This account is no longer in use.")
        if len(await self.live(kept.user_id, kept.token.created_at)) >= most:
            raise Conflict("You have too many tokens already.")
        self.kept[kept.token.id] = (kept, token_hash)

    async def live(self, user_id: UUID, now: datetime) -> list[PersonalToken]:
        mine = [kept.token for kept, _ in self.kept.values() if kept.user_id == user_id]
        return [one for one in mine if one.id not in self.revoked and one.expires_at > now]

    async def find(self, token_id: UUID, token_hash: bytes, now: datetime) -> Kept | None:
        self.asked += 1
        kept, kept_hash = self.kept.get(token_id, (None, b""))
        if kept is None or kept_hash != token_hash or kept.user_id in self.disabled:
            return None
        return kept if kept.token in await self.live(kept.user_id, now) else None

    async def used(self, token_id: UUID, now: datetime) -> None:
        kept, token_hash = self.kept[token_id]
        token = msgspec.structs.replace(kept.token, used_at=now)
        self.kept[token_id] = (Kept(token, kept.user_id), token_hash)

    async def revoke(self, token_id: UUID, user_id: UUID, now: datetime) -> bool:
        mine = token_id in {token.id for token in await self.live(user_id, now)}
        self.revoked |= {token_id} if mine else set()
        return mine

    async def revoke_all(self, user_id: UUID, now: datetime) -> list[UUID]:
        mine = {kept.token.id for kept, _ in self.kept.values() if kept.user_id == user_id}
        over = sorted(mine - self.revoked)
        self.revoked |= mine
        return over
