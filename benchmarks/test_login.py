"""Sign-in's promise: with more people signing in than can be checked, whoever does not fit is told
so at once, and those who are in notice nothing.

Fifty attempts a second arrive for 20 s at a server whose two hashing threads manage a few: the
bounded queue fills, the surplus gets 503 with Retry-After within 100 ms, and profiles read at 500
requests a second keep a p99 of 50 ms. `TALAS_BENCH=short` runs the same for 3 s and judges no time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np
import pytest
import uvloop

from support.attacks import PASSWORD, sign_up
from support.serve import Served, running_serve

SHORT = os.environ.get("TALAS_BENCH") == "short"
SECONDS = 3.0 if SHORT else 20.0
LOGINS, PROFILES = 50, 500
"""Of each, how many begin a second, whatever became of those before."""
COST = 12
EMAIL = "ada@example.org"
UNLIMITED = {
    "TALAS_BCRYPT_COST": str(COST),
    "TALAS_LIMIT_LOGIN_FAILURES": "1000000",
    "TALAS_LIMIT_ACCOUNT_FAILURES": "1000000",
}
"""Only the pool bounds who signs in."""
LONGEST_REFUSAL_MS, LONGEST_PROFILE_MS = 100.0, 50.0


class Outcome(msgspec.Struct, frozen=True):
    """One request: its status, whether it said when to come back, and how long it took, in seconds
    from when it was due."""

    status: int
    retry: bool
    seconds: float


Act = Callable[[], Awaitable[tuple[int, bool]]]


@pytest.mark.timeout(300)
@pytest.mark.checklist(10)
def test_a_rush_of_sign_ins(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_serve(tmp_path, env=UNLIMITED) as served:
        served.wait_ready()
        token = sign_up(served, "ada")["access_token"]
        logins, profiles, calm = benchmark.pedantic(
            lambda: uvloop.run(rush(served, token)), rounds=1
        )
    inside = [one for one in logins if one.status == 200]
    surplus = [one for one in logins if one.status != 200]
    with capsys.disabled():
        sys.stdout.write(table(inside, surplus, profiles, calm))
    assert {one.status for one in surplus} == {503}, "the pool was never full"
    assert all(one.retry for one in surplus)
    assert {one.status for one in [*profiles, *calm]} == {200}
    assert inside
    if not SHORT:
        assert times(surplus)[1] <= LONGEST_REFUSAL_MS
        assert times(profiles)[1] <= LONGEST_PROFILE_MS


async def rush(served: Served, token: str) -> tuple[list[Outcome], list[Outcome], list[Outcome]]:
    """The sign-ins, the profiles read meanwhile, and profiles read before all that."""
    base = f"http://127.0.0.1:{served.api}/api/auth"
    wish = msgspec.json.encode({"email": EMAIL, "password": PASSWORD})
    kind = {"Content-Type": "application/json"}
    signed = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def login() -> tuple[int, bool]:
            async with session.post(f"{base}/login", data=wish, headers=kind) as answer:
                await answer.read()
                return answer.status, int(answer.headers.get("Retry-After", 0)) >= 1

        async def profile() -> tuple[int, bool]:
            async with session.get(f"{base}/profile", headers=signed) as answer:
                await answer.read()
                return answer.status, False

        calm = await at_rate(profile, PROFILES, SECONDS / 4)
        logins, profiles = await asyncio.gather(
            at_rate(login, LOGINS, SECONDS), at_rate(profile, PROFILES, SECONDS)
        )
    return logins, profiles, calm


async def at_rate(act: Act, rate: int, seconds: float) -> list[Outcome]:
    """Begin `act` `rate` times a second for `seconds`; what became of each."""

    async def one(due: float) -> Outcome:
        status, retry = await act()
        return Outcome(status, retry, time.perf_counter() - due)

    begin = time.perf_counter()
    running = []
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        running.append(asyncio.create_task(one(due)))
    return await asyncio.gather(*running)


def times(outcomes: list[Outcome]) -> tuple[float, float, float]:
    """p50, p99 and the longest, in milliseconds."""
    taken = np.array([one.seconds for one in outcomes]) * 1000
    return float(np.median(taken)), float(np.percentile(taken, 99)), float(taken.max())


def table(
    inside: list[Outcome], surplus: list[Outcome], profiles: list[Outcome], calm: list[Outcome]
) -> str:
    """What was measured, for people."""
    busy = SECONDS + max((one.seconds for one in inside), default=0.0)
    lines = [
        f"\n\n{LOGINS} sign-ins/s for {SECONDS:g} s at cost {COST}, profiles at {PROFILES}/s: "
        f"{len(inside) / busy:.1f} sign-ins completed a second",
        f"{'':32}{'count':>7}{'p50':>11}{'p99':>11}{'max':>11}",
    ]
    for name, rows in (("signed in, 200", inside), ("surplus, 503", surplus),
                       ("profiles meanwhile", profiles), ("profiles before", calm)):  # fmt: skip
        row = "".join(f"{value:9.1f}ms" for value in times(rows)) if rows else ""
        lines.append(f"{name:32}{len(rows):7}{row}")
    return "\n".join(lines) + "\n\n"
