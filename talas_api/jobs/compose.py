"""Jobs that are done once: migrations, seeds, and what an operator does to accounts.

Does:        build what a job needs over the database, do it, and take everything down again.
Never:       listens on a port.
Guarantees:  the database is at its newest version first; what runs beside hears of the change, at
             once over the bus, else when the access tokens have expired.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from talas_api.admin.service import Administration
from talas_api.audit.service import Audit
from talas_api.audit.store import PostgresAudit
from talas_api.compose import MIGRATIONS, Api
from talas_api.identity.compose import sealer
from talas_api.identity.keys.service import Keys
from talas_api.identity.keys.store import PostgresKeys
from talas_api.seed import loader
from talas_api.seed.content import Composer
from talas_core.bus.memory import MemoryBus
from talas_core.bus.nats import NatsBus
from talas_core.bus.port import Bus
from talas_core.clock import SystemClock
from talas_core.postgres import migrate
from talas_core.postgres.pool import Database
from talas_core.settings import Settings


async def migrated(settings: Settings, target: str = "head") -> str:
    """Bring the database to a version. Returns the sentence that says what was done."""
    done = await migrate.migrate(settings.database_url, migrate.read(MIGRATIONS), target)
    if done.before == done.after:
        return f"The database is at version {done.after}; nothing to do."
    return f"The database went from version {done.before} to {done.after}."


async def administered(
    settings: Settings, job: Callable[[Administration], Awaitable[str]], *, ends: bool = False
) -> str:
    """What `job` returns, done beside whatever runs, which hears of it. Migrates first.

    For a job that `ends` sessions it is also said how long others may take to hear without a bus.
    """
    await migrated(settings)
    database = Database(settings.database_url, size=2)
    await database.open()
    named = settings.nats_url
    bus: Bus = await NatsBus.open(named, name="operator") if named else MemoryBus()
    api = Api(settings, database, bus, SystemClock())
    try:
        said = await job(api.administration)
        return f"{said} {_late(settings)}" if ends and not (named and bus.connected) else said
    finally:
        api.close()
        await bus.close()
        await database.close()


def _late(settings: Settings) -> str:
    minutes = math.ceil(settings.access_token_seconds / 60)
    return f"Running processes hear of it within {minutes} minute{'s' if minutes > 1 else ''}."


async def seeded(settings: Settings, people: int = 0, tokens: Path | None = None) -> str:
    """Add the invented content, or `people` signed in with their access tokens in file `tokens`.

    Migrates first. Returns the sentence that says what was done.
    """
    await migrated(settings)
    clock = SystemClock()
    database = Database(settings.database_url, size=2)
    await database.open()
    try:
        if tokens is None:
            return await loader.add_content(database, Composer())
        audit = Audit(PostgresAudit(database), clock)
        seal, days = sealer(settings), settings.key_days
        keys = Keys(PostgresKeys(database), seal, clock, days=days, audit=audit)
        await keys.load()
        now = clock.now()
        times = loader.Times(
            now,
            now + timedelta(days=settings.session_days),
            now + timedelta(seconds=settings.access_token_seconds),
        )
        return await loader.add_people(database, keys.sign, people, tokens, times)
    finally:
        await database.close()
