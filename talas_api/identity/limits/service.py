"""LIMITS: whether a request may go on.

Does:        charge the rules of a request; give back what a success or our own failure should not
             cost; forget, in the background, what has been made up for.
Never:       asks the database about a key that was refused before that refusal's time is over: a
             flood costs a look into a table of this process.
Guarantees:  while the database is away a limited request is refused with Unavailable. Refusals
             are logged and audited at most once a second, with how many there were.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

import msgspec

from talas_api.audit.values import Event, Kind, Recorder
from talas_api.identity.limits.values import Charge, LimitReached, headers, policy
from talas_api.request.limits import Rule, Subject
from talas_core import caller
from talas_core.clock import Clock
from talas_core.errors import TalasError
from talas_core.security.limits import Decision, Quota, decision
from talas_core.telemetry.logs import logger

KEY_BYTES = 16
MOST_REFUSED = 20_000
"""Refused keys that this process remembers."""
SWEEP_SECONDS = 60.0
SWEEP_ROWS = 10_000
TELL_EVERY = timedelta(seconds=1)

Subjects = Mapping[Subject, str]

_log = logger("limits")


class Outcome(msgspec.Struct, frozen=True):
    """What became of a charge. `until` is the time now kept, if any."""

    passed_over: bool
    taken: bool
    until: datetime | None


class LimitStore(Protocol):
    """Where the times are kept, for all processes."""

    async def take(self, charges: Sequence[Charge], now: datetime) -> list[Outcome]:
        """Charge all or, where one does not fit, none; an outcome each, in order."""
        ...

    async def settle(
        self, returned: Sequence[Charge], familiar: Sequence[bytes], now: datetime
    ) -> None:
        """Give charges back; keep `familiar` keys for FAMILIAR. Never called with nothing."""
        ...

    async def sweep(self, now: datetime, most: int) -> int:
        """Forget at most so many keys whose time has passed; returns how many."""
        ...


class Passage(msgspec.Struct, frozen=True):
    """A request that was let through: what was charged, and what to tell of it."""

    charges: list[Charge]
    told: list[tuple[Charge, Decision]]

    @property
    def headers(self) -> dict[str, str]:
        """For the answer: the limits it counted for, and what is left of them."""
        return headers([one for one in self.told if one[0].rule.told])


class Limiter:
    """The limits of all routes."""

    def __init__(
        self, store: LimitStore, secret: bytes, clock: Clock, audit: Recorder,
        quotas: Mapping[str, Quota],
    ) -> None:  # fmt: skip
        """`secret` makes keys that tell nobody whom they are for; `quotas` are by rule name."""
        self._store = store
        self._secret = secret
        self._clock = clock
        self._audit = audit
        self._quotas = quotas
        self._refused: dict[bytes, datetime] = {}
        self._unheard = 0
        self._tell_at: datetime | None = None

    def charges(self, rules: Sequence[Rule], subjects: Subjects) -> list[Charge]:
        """A charge for each rule whose subjects are all known."""
        return [
            Charge(rule, self._quotas[rule.name], self._key(rule.name, rule.subjects, subjects),
                   self._familiar(subjects) if rule.strangers else None)
            for rule in rules if all(subject in subjects for subject in rule.subjects)
        ]  # fmt: skip

    def policy(self, rules: Sequence[Rule]) -> dict[str, str]:
        """For an answer that comes before it is known for whom it counts: the limits alone."""
        return policy([(rule.name, self._quotas[rule.name]) for rule in rules if rule.told])

    async def recall(self, charges: Sequence[Charge], event: Event) -> None:
        """Raises LimitReached for what was refused a moment ago. Costs no query."""
        now = self._clock.now()
        for charge in charges:
            until = self._refused.get(_refused_key(charge))
            if until is not None and until > now:
                await self._refuse(charge, (until - now).total_seconds(), event)

    async def enter(self, charges: Sequence[Charge], event: Event) -> Passage:
        """Let one request through. Raises LimitReached, or Unavailable where nobody knows.

        `event` says where it came from, for the audit of refusals.
        """
        await self.recall(charges, event)
        now = self._clock.now()
        outcomes = list(zip(charges, await self._take(charges, now), strict=True))
        missed = [(c, o) for c, o in outcomes if not (o.taken or o.passed_over)]
        if missed:
            waits = [(decision(c.quota, o.until, now, allowed=False).retry_after, c)
                     for c, o in missed]  # fmt: skip
            wait, charge = max(waits, key=lambda one: one[0])
            self._remember(charge, now + timedelta(seconds=wait))
            await self._refuse(charge, wait, event)
        taken = [(c, decision(c.quota, o.until, now, allowed=True)) for c, o in outcomes if o.taken]
        return Passage([charge for charge, _ in taken], taken)

    async def fits(self, charges: Sequence[Charge]) -> bool:
        """Charge these if they all fit; whether they did. Refusals are told to nobody."""
        return all(one.taken for one in await self._take(charges, self._clock.now()))

    async def succeeded(self, passage: Passage, subjects: Subjects) -> None:
        """What counts failures is given back; the address is familiar from now on."""
        signed_in = any(c.rule.failures and Subject.EMAIL in c.rule.subjects
                        for c in passage.charges)  # fmt: skip
        await self._settle(_failures(passage), [self._familiar(subjects)] if signed_in else [])

    async def halfway(self, passage: Passage) -> None:
        """What counts failures is given back, and no more: what was shown was right, but nobody has
        signed in yet."""
        await self._settle(_failures(passage), [])

    async def nothing_done(self, passage: Passage) -> None:
        """Give back what counts letters to an address: there was nothing to send one for."""
        returned = [
            charge
            for charge in passage.charges
            if Subject.EMAIL in charge.rule.subjects and not charge.rule.failures
        ]
        await self._settle(returned, [])

    async def unserved(self, passage: Passage) -> None:
        """Give all back: it was we who could not serve the request."""
        await self._settle(passage.charges, [])

    async def sweep_forever(self) -> None:
        """Forget what has been made up for, again and again."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            await self.sweep()

    async def sweep(self) -> None:
        """Forget what has been made up for, here and in the store; a failure is logged."""
        now = self._clock.now()
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        try:
            while await self._store.sweep(now, SWEEP_ROWS) == SWEEP_ROWS:
                pass
        except TalasError as error:
            _log.warning("sweep failed", problem=str(error))

    async def _take(self, charges: Sequence[Charge], now: datetime) -> list[Outcome]:
        """Charge them, also to whoever has left meanwhile: leaving early makes nothing free."""
        with caller.aside():
            return await self._store.take(charges, now)

    async def _settle(self, returned: Sequence[Charge], familiar: Sequence[bytes]) -> None:
        """Best effort: an answer that is ready does not fail because of what it costs."""
        if not returned and not familiar:
            return
        try:
            with caller.aside():
                await self._store.settle(returned, familiar, self._clock.now())
        except TalasError as error:
            _log.warning("charge not given back", problem=str(error))

    def _key(self, what: str, parts: Sequence[Subject], subjects: Subjects) -> bytes:
        text = "\0".join((what, *(subjects[part] for part in parts)))
        # A body's text may hold lone surrogates, which no encoding takes as they are.
        raw = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(raw, digest_size=KEY_BYTES, key=self._secret).digest()

    def _familiar(self, subjects: Subjects) -> bytes:
        return self._key("familiar", (Subject.EMAIL, Subject.ADDRESS), subjects)

    def _remember(self, charge: Charge, until: datetime) -> None:
        self._refused.pop(key := _refused_key(charge), None)
        self._refused[key] = until
        if len(self._refused) > MOST_REFUSED:
            del self._refused[next(iter(self._refused))]

    async def _refuse(self, charge: Charge, wait: float, event: Event) -> NoReturn:
        """Raises LimitReached, after telling of it if nothing was told in this second."""
        now = self._clock.now()
        self._unheard += 1
        if self._tell_at is None or now >= self._tell_at:
            count, self._unheard, self._tell_at = self._unheard, 0, now + TELL_EVERY
            detail = {**event.detail, "name": charge.rule.name, "count": count}
            _log.warning("limit reached", rule=charge.rule.name, count=count)
            await self._audit.record(msgspec.structs.replace(event, kind=Kind.LIMITED,
                                                             detail=detail))  # fmt: skip
        raise LimitReached(charge, wait)


def _failures(passage: Passage) -> list[Charge]:
    return [charge for charge in passage.charges if charge.rule.failures]


def _refused_key(charge: Charge) -> bytes:
    """Who is refused as a stranger may be let through where they are familiar."""
    return charge.key + (charge.familiar or b"")
