"""Fakes for sign-in, second factors and mail: they implement the ports, without a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from ipaddress import ip_address
from uuid import UUID

import msgspec

from support.fakes import MemoryAccounts
from talas_api.identity.factors.values import Secret
from talas_api.identity.recovery.values import Ended, Purpose
from talas_api.identity.sessions.values import Grant
from talas_api.identity.values import Account
from talas_api.mail.port import Letter
from talas_api.mail.post import Errand
from talas_api.request.origin import Device, Origin
from talas_core.errors import TooMany

HOME = Device("test", ip_address("192.0.2.7"))


class OpenedSessions:
    """The ports of sign-in and recovery for sessions: keeps what was opened, taken back and
    announced as ended."""

    def __init__(self) -> None:
        self.opened: list[UUID] = []
        self.taken_back: list[UUID] = []
        self.ended: list[tuple[UUID, list[UUID], str, UUID | None]] = []
        self.origins: list[Origin] = []

    async def open(self, account: Account, device: Device) -> Grant:
        self.opened.append(account.id)
        return Grant("access", "refresh", "Bearer", 900, account)

    async def take_back(self, grant: Grant) -> None:
        self.taken_back.append(grant.user.id)

    async def announce(self, user_id: UUID, over: list[UUID], reason: str, origin: Origin) -> None:
        self.ended.append((user_id, over, reason, origin.session_id))
        self.origins.append(origin)


class ToldPeople:
    """The ports of accounts for mail: keeps who would be told what."""

    def __init__(self, *, delivers: bool = False) -> None:
        self.delivers = delivers
        self.told: list[tuple[str, object]] = []

    def welcome(self, account: Account) -> None:
        self.told.append(("welcome", account.id))

    def already_known(self, email: str) -> None:
        self.told.append(("already_known", email))

    def password_changed(self, account: Account) -> None:
        self.told.append(("password_changed", account.id))

    def factor_changed(self, account: Account, *, on: bool) -> None:
        self.told.append(("factor_changed", on))

    def token_made(self, account: Account) -> None:
        self.told.append(("token_made", account.id))

    def codes_guessed(self, user_id: UUID) -> None:
        self.told.append(("codes_guessed", user_id))


class CountedTries:
    """In place of CodeTries: keeps what was wrong, refuses once it is `full`."""

    def __init__(self) -> None:
        self.wrong: list[UUID] = []
        self.full = False

    async def count(
        self, user_id: UUID, device: Device, check: Callable[[], Awaitable[bool]]
    ) -> bool:
        if self.full:
            raise TooMany("That is too often; try again later.")
        right = await check()
        self.wrong += [] if right else [user_id]
        return right


class OneCode:
    """Codes of which one is right."""

    async def accept(self, user_id: UUID, code: str, device: Device) -> bool:
        return code == "123456"


class OpenPost:
    """The port of recovery/service.py for the post: errands are done when the test says so."""

    def __init__(self, *, delivers: bool = True) -> None:
        self.delivers = delivers
        self.errands: list[Errand] = []

    def add(self, errand: Errand) -> None:
        self.errands.append(errand)

    async def letters(self) -> list[Letter]:
        """Do all errands; what they wrote."""
        errands, self.errands = self.errands, []
        found = [await errand() for errand in errands]
        return [letter for letter in found if letter is not None]


class MemoryFactors:
    """The port of factors/service.py, over the people of a MemoryAccounts."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        self._accounts = accounts
        self.secrets: dict[UUID, Secret] = {}
        self.steps: dict[UUID, int] = {}
        self.codes: dict[UUID, set[bytes]] = {}

    async def secret(self, user_id: UUID) -> Secret | None:
        return self.secrets.get(user_id)

    async def offer(self, user_id: UUID, sealed: bytes) -> bool:
        kept = self.secrets.get(user_id)
        if user_id not in self._accounts.people or (kept and kept.on):
            return False
        self.secrets[user_id] = Secret(sealed, on=False)
        return True

    async def switch_on(
        self, user_id: UUID, offered: Secret, step: int, code_hashes: list[bytes], now: datetime
    ) -> bool:
        kept = self.secrets.get(user_id)
        if kept is None or kept.on or kept.sealed != offered.sealed:
            return False
        self.secrets[user_id] = Secret(kept.sealed, on=True)
        self.steps[user_id] = step
        self.codes[user_id] = set(code_hashes)
        self._mark(user_id, on=True)
        return True

    async def switch_off(self, user_id: UUID) -> bool:
        kept = self.secrets.get(user_id)
        if kept is None or not kept.on:
            return False
        del self.secrets[user_id]
        self.codes.pop(user_id, None)
        self._mark(user_id, on=False)
        return True

    async def take_step(self, user_id: UUID, step: int) -> bool:
        if user_id not in self.secrets or self.steps.get(user_id, 0) >= step:
            return False
        self.steps[user_id] = step
        return True

    async def take_code(self, user_id: UUID, code_hash: bytes, now: datetime) -> bool:
        if code_hash not in self.codes.get(user_id, set()):
            return False
        self.codes[user_id].remove(code_hash)
        return True

    async def codes_left(self, user_id: UUID) -> int:
        return len(self.codes.get(user_id, ()))

    def _mark(self, user_id: UUID, *, on: bool) -> None:
        found = self._accounts.people[user_id]
        self._accounts.people[user_id] = msgspec.structs.replace(found, second_factor=on)


class _Kept(msgspec.Struct):
    user_id: UUID
    purpose: Purpose
    email: str
    until: datetime


class MemoryTokens:
    """The port of recovery/service.py, over the people and sessions of a MemoryAccounts. `tokens`
    are everybody's personal tokens that are live."""

    def __init__(self, accounts: MemoryAccounts, most: int = 5) -> None:
        self._accounts = accounts
        self._most = most
        self._kept: dict[bytes, _Kept] = {}
        self.verified: set[UUID] = set()
        self.tokens: list[UUID] = []

    async def add(
        self, token_hash: bytes, account: Account, purpose: Purpose, now: datetime, until: datetime
    ) -> bool:
        waiting = [
            one
            for one in self._kept.values()
            if (one.user_id, one.purpose) == (account.id, purpose) and one.until > now
        ]
        if len(waiting) >= self._most:
            return False
        self._kept[token_hash] = _Kept(account.id, purpose, account.email, until)
        return True

    async def holder(self, token_hash: bytes, purpose: Purpose, now: datetime) -> Account | None:
        kept = self._kept.get(token_hash)
        if kept is None or kept.purpose != purpose or kept.until <= now:
            return None
        account = await self._accounts.by_id(kept.user_id)
        return account if account and account.email.lower() == kept.email.lower() else None

    async def verify(self, token_hash: bytes, now: datetime) -> UUID | None:
        account = await self.holder(token_hash, "verify", now)
        if account is None:
            return None
        del self._kept[token_hash]
        self.verified.add(account.id)
        return account.id

    async def reset(self, token_hash: bytes, password_hash: str, now: datetime) -> Ended | None:
        account = await self.holder(token_hash, "reset", now)
        if account is None:
            return None
        self._kept = {
            key: one
            for key, one in self._kept.items()
            if (one.user_id, one.purpose) != (account.id, "reset")
        }
        found = self._accounts.people[account.id]
        self._accounts.people[account.id] = msgspec.structs.replace(
            found, password_hash=password_hash
        )
        self.verified.add(account.id)
        sessions, self._accounts.sessions = self._accounts.sessions, []
        tokens, self.tokens = self.tokens, []
        return Ended(account.id, sessions, tokens)
