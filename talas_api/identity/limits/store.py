"""Limits in PostgreSQL: the port of limits/service.py.

Does:        charge all rules of a request in one statement, which decides and writes.
Never:       knows a rule, or whom a key stands for.
Guarantees:  all are charged or none, so that who is refused by one does not use up another; of any
             number of requests at once, in any process, no key lets through more than its quota.
             (Where two requests meet in the same instant, one that is refused may have been
             charged for its other keys.)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from talas_api.identity.limits.service import Outcome
from talas_api.identity.limits.values import FAMILIAR, Charge
from talas_core.postgres.pool import Database

# Rows are written in the order of their keys everywhere, so that no two requests wait for each
# other. The arithmetic is that of talas_core.security.limits.take, in the same whole microseconds.
TAKE = """
WITH wish AS (
    SELECT * FROM unnest($1::bytea[], $2::interval[], $3::interval[], $4::bytea[])
        WITH ORDINALITY AS w (key, step, tolerance, familiar, place)
), seen AS (
    SELECT wish.*, kept.until, friend.key IS NOT NULL AS passed_over
    FROM wish LEFT JOIN limits kept ON kept.key = wish.key
        LEFT JOIN limits friend ON friend.key = wish.familiar AND friend.until > $5
), verdict AS (
    SELECT bool_and(passed_over OR greatest(until, $5) + step <= $5 + tolerance) AS free FROM seen
), taken AS (
    INSERT INTO limits AS kept (key, until)
    SELECT key, $5 + step FROM seen, verdict WHERE free AND NOT passed_over ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET until = greatest(kept.until, $5) + (EXCLUDED.until - $5)
    WHERE greatest(kept.until, $5) + (EXCLUDED.until - $5)
        <= $5 + (SELECT tolerance FROM wish WHERE wish.key = kept.key)
    RETURNING key, until
)
SELECT passed_over, taken.key IS NOT NULL AS taken, coalesce(taken.until, seen.until) AS until
FROM seen LEFT JOIN taken USING (key) ORDER BY place
"""
# A key to give back comes as a time in the past by one step, a familiar one as a time to come.
SETTLE = """
INSERT INTO limits AS kept (key, until)
SELECT key, until FROM unnest($1::bytea[], $2::timestamptz[]) AS w (key, until) ORDER BY key
ON CONFLICT (key) DO UPDATE SET until = CASE
    WHEN EXCLUDED.until > $3 THEN EXCLUDED.until
    ELSE kept.until + (EXCLUDED.until - $3) END
"""
SWEEP = """
DELETE FROM limits WHERE key = ANY (ARRAY(
    SELECT key FROM limits WHERE until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


class PostgresLimits:
    """The table `limits`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, charges: Sequence[Charge], now: datetime) -> list[Outcome]:
        rows = await self._database.rows(
            TAKE,
            [charge.key for charge in charges],
            [charge.quota.interval for charge in charges],
            [charge.quota.tolerance for charge in charges],
            [charge.familiar for charge in charges],
            now,
        )
        return [Outcome(row["passed_over"], row["taken"], row["until"]) for row in rows]

    async def settle(
        self, returned: Sequence[Charge], familiar: Sequence[bytes], now: datetime
    ) -> None:
        past = [(charge.key, now - charge.quota.interval) for charge in returned]
        rows = past + [(key, now + FAMILIAR) for key in familiar]
        keys, times = zip(*rows, strict=True)
        await self._database.run(SETTLE, list(keys), list(times), now)

    async def sweep(self, now: datetime, most: int) -> int:
        return await self._database.run(SWEEP, now, most)
