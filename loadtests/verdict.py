"""PASS or FAIL. Pure: figures and bounds in, rows out.

Does:        hold every figure of a run against its limit.
Never:       passes for want of a figure: what a kind of user must measure, and did not, fails.
Guarantees:  each row says what was measured and what was allowed, in the same unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from loadtests import limits
from loadtests.chat.conversation import ACK as CHAT_ACK
from loadtests.chat.conversation import DELIVER as CHAT_DELIVER
from loadtests.limits import BY_NAME
from loadtests.results import Snapshot
from loadtests.sound.audio import COUNTERS

API, CHAT, AUDIO, SOURCE = "API", "CHAT", "AUDIO", "SOURCE"
"""Kinds of user; the latter three are also the types of their rows in locust's table."""
SIGN_IN = ("/api/auth/register", "/api/auth/login", "/api/auth/refresh")
ON_THE_AIR = "on the air"
NOTHING = "nothing measured"
HELD = {"chat": "chat sockets", "listen": "listeners"}
"""What is counted at its most and held to nothing, by kind; sources have a limit."""
CAUSES = 5
"""Problems that are told of a run that failed, the most frequent first."""


class Entry(msgspec.Struct, frozen=True):
    """A row of locust's table. Times in milliseconds."""

    method: str
    name: str
    count: int
    failures: int
    median: float
    p95: float
    p99: float
    longest: float
    mean: float = 0.0


class Problem(msgspec.Struct, frozen=True):
    """Why `count` entries of a row failed."""

    row: str
    why: str
    count: int


class Figures(msgspec.Struct, frozen=True):
    """A run of so many `seconds`. `kinds` took part; `crashes` is how many exceptions no user
    caught."""

    kinds: frozenset[str]
    entries: tuple[Entry, ...]
    tally: Snapshot
    crashes: int = 0
    seconds: float = 0.0
    problems: tuple[Problem, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One thing that was asked of the run."""

    what: str
    measured: str
    allowed: str
    good: bool


Bounds = Mapping[str, float]
"""The limits' values by name."""


def judge(figures: Figures, bounds: Bounds) -> list[Row]:
    """Every row that applies to the kinds of user there were."""
    rows = [_failures(figures, bounds[limits.FAILURES]), _none("exceptions", figures.crashes)]
    parts: dict[str, Callable[[Figures, Bounds], list[Row]]] = {
        API: _api, CHAT: _chat, AUDIO: _audio, SOURCE: _source,
    }  # fmt: skip
    for kind, part in parts.items():
        if kind in figures.kinds:
            rows += part(figures, bounds)
    driver = figures.tally.highs.get("driver.percent")
    held = ((what, figures.tally.sums.get(f"held.{kind}", 0)) for kind, what in HELD.items())
    rows += [Row(f"{what} at once, most", f"{count:g}", "counted", True)
             for what, count in held if count]  # fmt: skip
    return [*rows, _row("load driver, busiest process", driver, bounds, limits.DRIVER)]


def causes(figures: Figures, rows: Iterable[Row]) -> list[str]:
    """Why a run failed, a line each: the rows that are not good, then what the requests that
    failed were told."""
    lines = [f"{row.what}: {row.measured}, not {row.allowed}" for row in rows if not row.good]
    if not lines:
        return []
    worst = sorted(figures.problems, key=lambda problem: -problem.count)[:CAUSES]
    return lines + [f"{problem.count} times {problem.row}: {problem.why}" for problem in worst]


def passed(rows: Iterable[Row]) -> bool:
    """Whether everything is good."""
    return all(row.good for row in rows)


def _failures(figures: Figures, bound: float) -> Row:
    count = sum(entry.count for entry in figures.entries)
    failures = sum(entry.failures for entry in figures.entries)
    what, allowed = "failures", f"≤ {bound:g} %"
    if not count:
        return Row(what, NOTHING, allowed, False)
    share = 100 * failures / count
    return Row(what, f"{share:.3g} % ({failures} of {count})", allowed, share <= bound)


def _api(figures: Figures, bounds: Bounds) -> list[Row]:
    reads = _named(figures, lambda entry: entry.method == "GET" and entry.name[0] == "/")
    signing = _named(figures, lambda entry: entry.name in SIGN_IN)
    asked = [entry for entry in _named(figures, _is_request) if entry.name not in SIGN_IN]
    rows = [_slowest("API read, p95", reads, bounds, limits.API),
            _row("API, mean", _mean(asked), bounds, limits.MEAN)]  # fmt: skip
    count = sum(e.count - e.failures for e in figures.entries if _is_request(e))
    rate = count / figures.seconds if count and figures.seconds else None
    rows += _least("API requests", rate, bounds, limits.RATE)
    if signing:  # rare by intent: a short run may have none
        rows.append(_slowest("sign-in, p95", signing, bounds, limits.SIGN_IN))
    return rows


def _chat(figures: Figures, bounds: Bounds) -> list[Row]:
    sums = figures.tally.sums
    rows = [
        _slowest(f"chat {name}, p95", _named(figures, _is(CHAT, name)), bounds, limit)
        for name, limit in ((CHAT_ACK, limits.ACK), (CHAT_DELIVER, limits.DELIVER))
    ]
    faults = {"lost": "lost", "repeated": "delivered twice", "reordered": "out of order",
              "unrecovered": "not recovered after a cut"}  # fmt: skip
    rows += [_none(f"chat messages {words}", sums.get(f"chat.{name}", 0))
             for name, words in faults.items()]  # fmt: skip
    return rows


def _audio(figures: Figures, bounds: Bounds) -> list[Row]:
    first = _named(figures, lambda e: e.method == AUDIO and e.name.endswith("first sound"))
    gaps = _named(figures, lambda e: e.method == AUDIO and "longest gap" in e.name)
    sums = figures.tally.sums
    longest = max(gaps, key=lambda entry: entry.longest, default=None)
    return [
        _slowest("first sound, p95", first, bounds, limits.FIRST_SOUND),
        _row("longest gap", longest.longest if longest else None, bounds, limits.GAP,
             longest.name.partition(" ")[0] if longest else ""),
        _pace("sound a second, off by", sums, "sound_seconds", "clock_seconds", bounds),
        _pace("bytes against bit rate, off by", sums, "bytes", "expected_bytes", bounds),
        _none("breaks a player would have had", sums.get("audio.breaks", 0)),
        _none("damaged bytes", sums.get("audio.damaged_bytes", 0)),
    ]  # fmt: skip


def _source(figures: Figures, bounds: Bounds) -> list[Row]:
    begun = _named(figures, _is(SOURCE, ON_THE_AIR))
    held = figures.tally.sums.get("held.source")
    return [
        _slowest("source on the air, p95", begun, bounds, limits.FIRST_SOUND),
        *_least("sources at once", held, bounds, limits.SOURCES),
    ]


def _least(what: str, value: float | None, bounds: Bounds, limit: str) -> list[Row]:
    """What must be reached; without a target only told."""
    unit, bound = BY_NAME[limit].unit, bounds[limit]
    if value is None:
        return [Row(what, NOTHING, f"≥ {bound:g} {unit}", False)] if bound else []
    return [Row(what, f"{value:.4g} {unit}", f"≥ {bound:g} {unit}", value >= bound)]


def _mean(entries: list[Entry]) -> float | None:
    count = sum(entry.count for entry in entries)
    return sum(entry.mean * entry.count for entry in entries) / count if count else None


def _is_request(entry: Entry) -> bool:
    return entry.name.startswith("/")


def _pace(what: str, sums: Mapping[str, float], got: str, due: str, bounds: Bounds) -> Row:
    """The coding that is furthest off."""
    off = {}
    for coding in COUNTERS:
        expected = sums.get(f"audio.{coding}.{due}", 0)
        if expected:
            off[coding] = 100 * (sums.get(f"audio.{coding}.{got}", 0) / expected - 1)
    if not off:
        return _row(what, None, bounds, limits.PACE)
    worst = max(off, key=lambda coding: abs(off[coding]))
    bound = bounds[limits.PACE]
    return Row(what, f"{off[worst]:+.2f} % ({worst})", f"± {bound:g} %", abs(off[worst]) <= bound)


def _slowest(what: str, entries: list[Entry], bounds: Bounds, limit: str) -> Row:
    slowest = max(entries, key=lambda entry: entry.p95, default=None)
    if slowest is None:
        return _row(what, None, bounds, limit)
    where = slowest.name if len(entries) > 1 else ""
    return _row(what, slowest.p95, bounds, limit, where.removesuffix(" first sound"))


def _row(what: str, value: float | None, bounds: Bounds, limit: str, where: str = "") -> Row:
    unit, bound = BY_NAME[limit].unit, bounds[limit]
    allowed = f"≤ {bound:g} {unit}"
    if value is None:
        return Row(what, NOTHING, allowed, False)
    number = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    measured = f"{number} {unit}" + (f" ({where})" if where else "")
    return Row(what, measured, allowed, value <= bound)


def _none(what: str, count: float) -> Row:
    return Row(what, f"{count:g}", "0", count == 0)


def _is(method: str, name: str) -> Callable[[Entry], bool]:
    return lambda entry: (entry.method, entry.name) == (method, name)


def _named(figures: Figures, wanted: Callable[[Entry], bool]) -> list[Entry]:
    """Rows with at least one success: a row of failures alone tells no time."""
    return [entry for entry in figures.entries if entry.count > entry.failures and wanted(entry)]
