"""PASS and FAIL: each limit catches what it is there for, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from loadtests.limits import LIMITS
from loadtests.results import Snapshot
from loadtests.verdict import (
    API,
    AUDIO,
    CHAT,
    NOTHING,
    ON_THE_AIR,
    SOURCE,
    Entry,
    Figures,
    Problem,
    causes,
    judge,
    passed,
)

BOUNDS = {limit.name: limit.default for limit in LIMITS}
SUMS = {
    "audio.mp3.clock_seconds": 100.0, "audio.mp3.sound_seconds": 100.0,
    "audio.mp3.bytes": 1_600_000.0, "audio.mp3.expected_bytes": 1_600_000.0,
}  # fmt: skip


def entry(method: str, name: str, ms: float = 10, **more: int) -> Entry:
    facts = {"count": 1000, "failures": 0, **more}
    return Entry(method, name, median=ms, p95=ms, p99=ms, longest=ms, **facts)


GOOD = (
    entry("GET", "/api/stations"), entry("POST", "/api/auth/login"),
    entry(CHAT, "message.send to ack"), entry(CHAT, "publish to deliver"),
    entry(AUDIO, "mp3 first sound"), entry(AUDIO, "mp3 longest gap in 5 s"),
)  # fmt: skip


def run(
    *entries: Entry, sums: Mapping[str, float] | None = None, crashes: int = 0, driver: float = 20,
    kinds: frozenset[str] = frozenset((API, CHAT, AUDIO)),
) -> list[str]:  # fmt: skip
    """What failed, when these entries replace the good ones of the same name."""
    replaced = {(each.method, each.name) for each in entries}
    kept = [each for each in GOOD if (each.method, each.name) not in replaced]
    tally = Snapshot({**SUMS, **(sums or {})}, {"driver.percent": driver}, {})
    rows = judge(Figures(kinds, (*kept, *entries), tally, crashes), BOUNDS)
    assert passed(rows) == all(row.good for row in rows)
    return [row.what for row in rows if not row.good]


def test_run_within_every_limit_passes() -> None:
    assert run() == []


@pytest.mark.parametrize(
    ("slow", "what"),
    [
        (entry("GET", "/api/stations", 201), "API read, p95"),
        (entry("POST", "/api/auth/login", 2600), "sign-in, p95"),
        (entry(CHAT, "message.send to ack", 301), "chat message.send to ack, p95"),
        (entry(CHAT, "publish to deliver", 301), "chat publish to deliver, p95"),
        (entry(AUDIO, "mp3 first sound", 2001), "first sound, p95"),
        (entry(AUDIO, "mp3 longest gap in 5 s", 1501), "longest gap"),
        (entry("GET", "/api/rooms", failures=8), "failures"),
    ],
)
def test_each_limit_catches_its_own(slow: Entry, what: str) -> None:
    assert run(slow) == [what]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("chat.lost", "chat messages lost"),
        ("chat.repeated", "chat messages delivered twice"),
        ("chat.reordered", "chat messages out of order"),
        ("chat.unrecovered", "chat messages not recovered after a cut"),
        ("audio.breaks", "breaks a player would have had"),
        ("audio.damaged_bytes", "damaged bytes"),
    ],
)
def test_run_with_one_fault_that_may_not_be_fails(name: str, what: str) -> None:
    assert run(sums={name: 1}) == [what]


def test_the_coding_furthest_off_is_the_one_told() -> None:
    sums = {"audio.aac.clock_seconds": 100.0, "audio.aac.sound_seconds": 94.0}
    assert run(sums=sums) == ["sound a second, off by"]
    assert run(sums={"audio.mp3.bytes": 1_700_000.0}) == ["bytes against bit rate, off by"]


def test_crashes_and_a_busy_driver_fail() -> None:
    assert run(crashes=1) == ["exceptions"]
    assert run(driver=91) == ["load driver, busiest process"]


def test_run_that_measured_nothing_fails() -> None:
    rows = judge(Figures(frozenset((API, CHAT, AUDIO)), (), Snapshot({}, {}, {})), BOUNDS)
    missing = [row.what for row in rows if row.measured == NOTHING]
    assert len(missing) == 10
    assert not any(row.good for row in rows if row.what in missing)


def test_a_row_of_failures_alone_tells_no_time() -> None:
    assert "API read, p95" in run(entry("GET", "/api/stations", 1, failures=1000))


def test_kinds_of_users_that_took_no_part_are_not_judged() -> None:
    only_api = Figures(frozenset((API,)), GOOD[:1], Snapshot({}, {"driver.percent": 1}, {}))
    rows = judge(only_api, BOUNDS)
    assert passed(rows)
    assert [row.what for row in rows] == [
        "failures", "exceptions", "API read, p95", "API, mean", "load driver, busiest process",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ms", "shown"), [(12000, "12000 ms"), (150.4, "150 ms"), (4.25, "4.25 ms")]
)
def test_verdict_writes_numbers_with_their_units(ms: float, shown: str) -> None:
    only = Figures(frozenset((API,)), (entry("GET", "/api/rooms", ms),), Snapshot({}, {}, {}))
    assert shown in [row.measured for row in judge(only, BOUNDS)]


def test_a_row_says_which_of_several_was_slowest() -> None:
    figures = Figures(
        frozenset((API,)), (GOOD[0], entry("GET", "/api/rooms", 55)), Snapshot({}, {}, {})
    )
    assert "55 ms (/api/rooms)" in [row.measured for row in judge(figures, BOUNDS)]


def test_the_mean_is_of_all_requests_and_not_of_sign_ins() -> None:
    def meaning(name: str, mean: float, count: int) -> Entry:
        return Entry("GET", name, count, 0, 1, 1, 1, 1, mean)

    rows = judge(
        Figures(
            frozenset((API,)),
            (meaning("/api/rooms", 100, 1), meaning("/api/stations", 300, 3),
             meaning("/api/auth/login", 9000, 50)),
            Snapshot({}, {"driver.percent": 1}, {}),
        ),
        BOUNDS,
    )  # fmt: skip
    [mean] = [row for row in rows if row.what == "API, mean"]
    assert (mean.measured, mean.good) == ("250 ms", False)


@pytest.mark.parametrize(("target", "good"), [(0, True), (100, True), (101, False)])
def test_requests_a_second_must_reach_their_target(target: float, good: bool) -> None:
    figures = Figures(
        frozenset((API,)), (entry("GET", "/api/rooms", count=1000, failures=0),),
        Snapshot({}, {"driver.percent": 1}, {}), seconds=10,
    )  # fmt: skip
    [rate] = [
        row for row in judge(figures, {**BOUNDS, "rate": target}) if row.what == "API requests"
    ]
    assert (rate.measured, rate.good) == ("100 requests/s", good)


def test_sources_at_once_must_reach_theirs_and_all_sockets_are_counted() -> None:
    tally = Snapshot({"held.source": 99, "held.chat": 40}, {"driver.percent": 1}, {})
    figures = Figures(frozenset((SOURCE,)), (entry(SOURCE, ON_THE_AIR),), tally)
    rows = {row.what: row for row in judge(figures, {**BOUNDS, "sources": 100})}
    assert rows["sources at once"].measured == "99 sources"
    assert not rows["sources at once"].good
    assert rows["chat sockets at once, most"].measured == "40"
    assert passed(judge(figures, {**BOUNDS, "sources": 99}))


def test_target_without_a_measurement_fails() -> None:
    figures = Figures(frozenset((SOURCE,)), (), Snapshot({}, {"driver.percent": 1}, {}))
    rows = judge(figures, {**BOUNDS, "sources": 1})
    assert ("sources at once", NOTHING) in [(row.what, row.measured) for row in rows]


def test_a_fail_names_its_causes_the_most_frequent_first_and_a_pass_none() -> None:
    problems = (
        Problem("GET /api/rooms", "status 503, not 200", 1),
        Problem("POST /api/auth/register", "the server's own TALAS_LIMIT_REGISTER was met", 7),
    )
    figures = Figures(
        frozenset((API,)), (entry("GET", "/api/rooms", failures=8),),
        Snapshot({}, {"driver.percent": 1}, {}), problems=problems,
    )  # fmt: skip
    rows = judge(figures, BOUNDS)
    assert causes(figures, rows) == [
        "failures: 0.8 % (8 of 1000), not ≤ 0.1 %",
        "7 times POST /api/auth/register: the server's own TALAS_LIMIT_REGISTER was met",
        "1 times GET /api/rooms: status 503, not 200",
    ]
    assert causes(figures, [row for row in rows if row.good]) == []
