"""The use cases of administration: people, their roles, their end.

Does:        list people; give roles; disable and enable; make accounts for the operator.
Never:       leaves the place without an admin, once it has one; shows an e-mail address.
Guarantees:  a changed role, and a disabled account, count at once: the person's sessions end, and
             with the account its personal tokens too, and its stations close. All is done after
             the change is committed, and again by a second attempt; until then a disabled
             person's tokens are refused wherever the database is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from talas_api.admin.values import OPERATOR, Actor, Page, PeopleQuery, Person
from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.accounts.service import AccountStore
from talas_api.identity.accounts.values import Registration
from talas_api.identity.common import refuse_common
from talas_api.identity.passwords import Passwords
from talas_api.identity.sessions.service import Sessions
from talas_api.identity.tokens.service import PersonalTokens
from talas_api.identity.values import Account
from talas_api.request.access import Permission, Role, allows
from talas_api.stations.service import Stations
from talas_core.clock import Clock
from talas_core.errors import Conflict, Forbidden, NotFound
from talas_core.ids import uuid7

Decide = Callable[[Person, int], Person]
"""From a person, and how many other admins there are, to what the person is to be."""

_BEFORE_ALL = UUID(int=0)


class PeopleStore(Protocol):
    """Where people are kept, as administration sees them."""

    async def page(self, after: UUID, limit: int) -> list[Person]:
        """Up to `limit` people whose ids come after `after`, by id."""
        ...

    async def page_of(
        self, begins: str, after: UUID, limit: int, *, addresses: bool
    ) -> list[Person]:
        """The same, of those whose name begins so or, with `addresses`, whose address does."""
        ...

    async def by_name(self, username: str) -> Person | None:
        """The person of this name, in whatever case it is written."""
        ...

    async def change(
        self, user_id: UUID, decide: Decide, now: datetime
    ) -> tuple[Person, Person] | None:
        """One change at a time: ask `decide`, keep role and disablement; returns the person before
        and after, None if there is none. What `decide` raises changes nothing."""
        ...


class Administration:
    """People, as moderators and admins manage them."""

    def __init__(
        self,
        *,
        store: PeopleStore,
        accounts: AccountStore,
        passwords: Passwords,
        sessions: Sessions,
        tokens: PersonalTokens,
        stations: Stations,
        audit: Recorder,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._tokens = tokens
        self._stations = stations
        self._audit = audit
        self._clock = clock

    async def list(self, query: PeopleQuery, actor: Actor) -> Page:
        """One page, by the time they came. Nobody but an admin learns from it what somebody's
        address begins with."""
        after, most = query.after or _BEFORE_ALL, query.limit + 1
        if query.begins is None:
            found = await self._store.page(after, most)
        else:
            found = await self._store.page_of(
                query.begins, after, most, addresses=actor.role == Role.ADMIN
            )
        shown = found[: query.limit]
        return Page(shown, shown[-1].id if len(found) > query.limit else None)

    async def find(self, username: str) -> Person:
        """The person of this name. Raises NotFound."""
        person = await self._store.by_name(username)
        if person is None:
            raise unknown()
        return person

    async def create(self, wish: Registration) -> Account:
        """An account, made by the operator.

        Raises BadInput for a common password, Conflict naming the field that is taken.
        """
        refuse_common(wish.password, username=wish.username, email=wish.email)
        made = Account(
            id=uuid7(),
            username=wish.username,
            email=wish.email,
            role=Role.USER,
            display_name=wish.username,
            created_at=self._clock.now(),
        )
        await self._accounts.add(made, await self._passwords.make(wish.password))
        await self._record(Kind.REGISTERED, made.id, OPERATOR)
        return made

    async def set_role(self, user_id: UUID, role: Role, actor: Actor) -> Person:
        """Give a role. Raises NotFound, Forbidden, Conflict for the last admin's."""

        def decide(person: Person, other_admins: int) -> Person:
            _allowed(actor, Permission.CHANGE_ROLES)
            if role is not Role.ADMIN:
                _one_is_left(person, other_admins)
            return msgspec.structs.replace(person, role=role)

        before, after = await self._change(user_id, decide)
        if before.role is not role:
            detail = {"role": role.value, "previous": before.role.value}
            await self._record(Kind.ROLE_CHANGED, user_id, actor, detail)
        # Also where the role is that already: the first attempt may have ended halfway.
        await self._sessions.end_all(user_id, "ended", actor.origin)
        return after

    async def disable(self, user_id: UUID, actor: Actor) -> Person:
        """Shut somebody out. Raises NotFound, Forbidden, Conflict for the last admin."""
        now = self._clock.now()

        def decide(person: Person, other_admins: int) -> Person:
            _may_disable(actor, person)
            _one_is_left(person, other_admins)
            return msgspec.structs.replace(person, disabled_at=person.disabled_at or now)

        before, after = await self._change(user_id, decide)
        if before.disabled_at is None:
            await self._record(Kind.DISABLED, user_id, actor)
        # Also for somebody who is disabled already, for the same reason.
        await self._sessions.end_all(user_id, "disabled", actor.origin)
        await self._tokens.end_all(user_id, actor.origin)
        await self._stations.owner_changed(user_id)
        return after

    async def enable(self, user_id: UUID, actor: Actor) -> Person:
        """Let somebody in again; they have to sign in. Raises NotFound, Forbidden."""

        def decide(person: Person, _: int) -> Person:
            _may_disable(actor, person)
            return msgspec.structs.replace(person, disabled_at=None)

        before, after = await self._change(user_id, decide)
        if before.disabled_at is not None:
            await self._record(Kind.ENABLED, user_id, actor)
        await self._stations.owner_changed(user_id)
        return after

    async def _change(self, user_id: UUID, decide: Decide) -> tuple[Person, Person]:
        changed = await self._store.change(user_id, decide, self._clock.now())
        if changed is None:
            raise unknown()
        return changed

    async def _record(
        self, kind: Kind, user_id: UUID, actor: Actor, detail: dict[str, str] | None = None
    ) -> None:
        await self._audit.record(Event.by(actor.origin, kind, user_id, **(detail or {})))


def unknown() -> NotFound:
    """The answer for a person who is not there."""
    return NotFound("There is no such person.")


def _allowed(actor: Actor, permission: Permission) -> None:
    if not allows(actor.role, permission):
        raise Forbidden("Your role does not allow that.")


def _may_disable(actor: Actor, person: Person) -> None:
    """Whoever may disable people may not thereby disable those set over them."""
    plain = person.role is Role.USER
    _allowed(actor, Permission.DISABLE_PEOPLE if plain else Permission.DISABLE_STAFF)


def _one_is_left(person: Person, other_admins: int) -> None:
    if person.role is Role.ADMIN and person.disabled_at is None and other_admins == 0:
        raise Conflict("This is the last admin; make another one first.")
