"""Whether time tells who has an account: sign-ins with an unknown e-mail address beside sign-ins
with a known one and a wrong password, in pairs whose order is drawn by lot.

What is judged is the paired difference of the two: a sign-flip test asks how often chance alone
would make one as large, and only one that is both no chance and over 2 % of a sign-in fails.
`TALAS_BENCH=short` takes a few pairs at the lowest cost and judges no time.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from support.attacks import sign_up
from support.serve import Served, running_serve

SHORT = os.environ.get("TALAS_BENCH") == "short"
PAIRS = 20 if SHORT else 300
WARMUP = 5
COST = 4 if SHORT else 10
FLIPS = 2000
CHANCE = 0.01
LARGEST_SHARE = 0.02
KNOWN, UNKNOWN = "ada@example.org", "bea@example.org"
UNLIMITED = {
    "TALAS_BCRYPT_COST": str(COST),
    "TALAS_LIMIT_LOGIN_FAILURES": "1000000",
    "TALAS_LIMIT_ACCOUNT_FAILURES": "1000000",
}

Floats = npt.NDArray[np.float64]


@pytest.mark.timeout(300)
@pytest.mark.checklist(9)
def test_time_does_not_tell_who_has_an_account(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_serve(tmp_path, env=UNLIMITED) as served:
        served.wait_ready()
        sign_up(served, "ada")
        known, unknown = benchmark.pedantic(pairs, args=(served,), rounds=1)
    difference = unknown - known
    share = float(np.median(difference) / np.median(known))
    chance = by_chance(difference)
    benchmark.extra_info.update(share=share, chance=chance)
    with capsys.disabled():
        sys.stdout.write(
            f"\n\n{PAIRS} pairs at cost {COST}: known and wrong {np.median(known) * 1000:.2f} ms, "
            f"unknown {np.median(unknown) * 1000:.2f} ms, median of the differences "
            f"{np.median(difference) * 1e6:+.0f} us ({share:+.2%}), chance {chance:.3f}\n\n"
        )
    if not SHORT:
        assert abs(share) < LARGEST_SHARE or chance > CHANCE


def pairs(served: Served) -> tuple[Floats, Floats]:
    """Seconds of each sign-in: those to a known address, those to an unknown one."""
    dice = random.Random(7)  # noqa: S311 - a lot that anybody may foresee
    connection = http.client.HTTPConnection("127.0.0.1", served.api, timeout=30)
    taken: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    for _ in range(WARMUP + PAIRS):
        for email in dice.sample([KNOWN, UNKNOWN], 2):
            taken[email].append(sign_in(connection, email))
    connection.close()
    known, unknown = (np.array(taken[email][WARMUP:]) for email in (KNOWN, UNKNOWN))
    return known, unknown


def sign_in(connection: http.client.HTTPConnection, email: str) -> float:
    """Seconds that a refused sign-in took."""
    body = json.dumps({"email": email, "password": "wrong horse battery 9"})
    begin = time.perf_counter()
    connection.request("POST", "/api/auth/login", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - begin
    assert answer.status == 401
    return taken


def by_chance(difference: Floats) -> float:
    """How often differences of no direction have a median at least as far from nought."""
    dice = np.random.default_rng(7)
    signs = dice.choice([-1.0, 1.0], size=(FLIPS, difference.size))
    far = np.abs(np.median(signs * difference, axis=1)) >= abs(np.median(difference))
    return float((far.sum() + 1) / (FLIPS + 1))


def test_the_yardstick_itself() -> None:
    """A difference of 3 % is seen through noise of 10 %, and none is not."""
    dice = np.random.default_rng(1)
    noise = dice.normal(0, 0.1, 300)
    assert by_chance(noise - np.median(noise)) > CHANCE
    assert by_chance(noise - np.median(noise) + 0.03) < CHANCE
