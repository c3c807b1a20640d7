"""Second factors as tests use them: over fakes, with one person, whose password is `right`."""

from __future__ import annotations

import base64

from pyotp import TOTP

from support.fakes import MemoryAccounts, PlainPasswords, Recorded
from support.proofs import HOME, CountedTries, MemoryFactors, ToldPeople
from talas_api.identity.factors import totp
from talas_api.identity.factors.codes import Codes
from talas_api.identity.factors.owner import Owner
from talas_api.identity.factors.service import Factors
from talas_api.identity.values import Account, Stored
from talas_core.clock import FakeClock
from talas_core.ids import uuid7
from talas_core.secrets import hex256
from talas_core.security.seal import Sealer


class World:
    """Second factors over fakes, with one person."""

    def __init__(self) -> None:
        accounts = MemoryAccounts()
        self.clock = FakeClock()
        self.ann = Account(uuid7(), "ann", "ann@example.com", "user", "Ann", self.clock.now())
        accounts.people[self.ann.id] = Stored(self.ann, "plain:right", disabled=False)
        self.store = MemoryFactors(accounts)
        self.audit, self.notices = Recorded(), ToldPeople()
        seal = Sealer(hex256())
        self.tries = CountedTries()
        self.codes = Codes(self.store, seal, self.tries, self.audit, self.clock)
        self.factors = Factors(
            store=self.store,
            codes=self.codes,
            owner=Owner(accounts, PlainPasswords(), self.codes, self.audit),
            notices=self.notices,
            seal=seal,
            audit=self.audit,
            clock=self.clock,
        )
        self.secret = b""

    def code(self) -> str:
        """What the authenticator shows now."""
        return TOTP(totp.text_of(self.secret)).at(self.clock.now().timestamp())

    async def offered(self) -> str:
        offer = await self.factors.offer(self.ann.id, "right", HOME)
        self.secret = base64.b32decode(offer.secret)
        return offer.uri

    async def switched_on(self) -> list[str]:
        await self.offered()
        found = await self.factors.switch_on(self.ann.id, self.code(), HOME)
        self.clock.advance(totp.STEP_SECONDS)
        return found.recovery_codes

    async def accepts(self, code: str) -> bool:
        return await self.codes.accept(self.ann.id, code, HOME)
