"""What an attack may cost everybody else.

Does:        hold each bar with its reason, and say which of them a measurement breaks.
Guarantees:  one table; the figures are generous to a busy machine: they tell a service that goes on
             from one that stops.
"""

from __future__ import annotations

import msgspec

MEGABYTE = 1 << 20


class Measured(msgspec.Struct, frozen=True):
    """What was seen while one attack went on. Times in seconds where not told otherwise."""

    seconds: float
    server_cpu: float
    health_p50_ms: float
    health_p99_ms: float
    health_max_ms: float
    chat_p99_ms: float
    unanswered: int
    gap: float
    gaps: int
    heard: float
    memory: int
    descriptors: int
    workers: int
    workers_lost: int
    log_lines: int
    tracebacks: int


class Bar(msgspec.Struct, frozen=True):
    """The most that `field` may be."""

    name: str
    field: str
    most: float
    unit: str
    reason: str


BARS = (
    Bar("gap", "gap", 1.0, "s", "a player with the smallest usual buffer plays on"),
    Bar("health", "health_p99_ms", 250.0, "ms", "no loop is held up for longer than a person sees"),
    Bar("health at worst", "health_max_ms", 1000.0, "ms", "a probe that waits a second is content"),
    Bar("chat", "chat_p99_ms", 500.0, "ms", "people who write to each other notice nothing"),
    Bar("unanswered", "unanswered", 0, "", "no poll and no message of others is lost or refused"),
    Bar("memory", "memory", 64.0 * MEGABYTE, "bytes", "a hundred such attackers fit a machine"),
    Bar("workers", "workers_lost", 0, "", "the stations of a lost codec worker fall silent"),
    Bar("tracebacks", "tracebacks", 0, "", "what strangers send is foreseen"),
)
"""The longest time without audio of a listener of another station; `/health` on all three ports,
the slowest counts; round trips of a chat message; memory above what it was before."""

MILD = {
    "gap": 5.0,
    "health": 2000.0,
    "health at worst": 8000.0,
    "chat": 4000.0,
    "unanswered": 5,
    "memory": 128.0 * MEGABYTE,
}
"""For runs of seconds beside other work: what is left are faults that no machine explains."""


def mild() -> tuple[Bar, ...]:
    """The bars for such runs."""
    return tuple(msgspec.structs.replace(bar, most=MILD.get(bar.name, bar.most)) for bar in BARS)


def broken(measured: Measured, bars: tuple[Bar, ...], spared: tuple[str, ...] = ()) -> list[str]:
    """What is over its bar, but for the names in `spared`, each in a few words."""
    found = []
    for bar in bars:
        value = getattr(measured, bar.field)
        if bar.name in spared or value <= bar.most:
            continue
        if bar.unit == "bytes":
            found.append(f"{bar.name} +{value / MEGABYTE:.0f} MB")
        else:
            found.append(f"{bar.name} {value:.4g} {bar.unit}".rstrip())
    return found
