"""No source costs much more than the dearest honest one, whatever it sends: not in work for each
second of the clock, not in work between two turns of the loop, not in memory.

Work is counted in calls, not in processor time, so that a loaded machine changes nothing. A long
run (tests/fuzz/run.py) tries many more mixtures.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.cost_shapes import CHUNKED, HONEST, HOSTILE, Reads, in_chunks, in_reads, recording
from support.costs import Cost, cost_of

LONG = int(os.environ.get("TALAS_FUZZ_EXAMPLES", "0"))
FUZZ = settings(
    max_examples=LONG // 20 or 8,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
FACTOR = 3
"""How much more than the dearest honest source any source may cost, in work and in memory."""

MOST_TURN = 20_000
"""Calls between two turns of the loop: about four milliseconds."""


@cache
def dearest() -> Cost:
    """The most that any honest source costs, of each kind."""
    costs = [cost_of(make()) for make in HONEST.values()]
    return Cost(
        work=max(cost.work for cost in costs),
        turn=max(cost.turn for cost in costs),
        kept=max(cost.kept for cost in costs),
        media=0.0,
        refused="",
    )


def assert_bounded(cost: Cost) -> None:
    assert cost.work < FACTOR * dearest().work
    assert cost.kept < FACTOR * dearest().kept
    assert cost.turn < MOST_TURN


@pytest.mark.parametrize("name", HONEST)
def test_honest_source_at_full_speed_is_held_to_real_time_and_by_nothing_else(name: str) -> None:
    cost = cost_of(HONEST[name]())
    assert not cost.refused
    assert cost.media == pytest.approx(5.0, abs=1.0)  # the lead, and three seconds of the clock
    assert cost.turn < MOST_TURN


@pytest.mark.parametrize("name", HOSTILE)
def test_source_that_wants_to_cost_more_than_it_plays_is_bounded(name: str) -> None:
    assert_bounded(cost_of(HOSTILE[name]()))


@pytest.mark.parametrize("name", CHUNKED)
def test_chunks_that_want_to_cost_more_than_they_hold_are_bounded(name: str) -> None:
    assert_bounded(cost_of(CHUNKED[name](), chunked=True))


def beginning(make: Callable[[], Reads], size: int) -> bytes:
    """The first bytes of what it sends."""
    data = b""
    for read in make():
        data += read
        if len(data) >= size:
            break
    return data[:size]


@cache
def openings() -> list[bytes]:
    """What the shapes begin with, and recordings."""
    recorded = [recording(coding)[:20_000] for coding in ("mp3", "aac", "opus", "flac", "webm")]
    return recorded + [beginning(make, 20_000) for make in (HOSTILE | HONEST).values()]


@st.composite
def pieces(draw: st.DrawFn) -> bytes:
    """A part of some shape, a few bytes of which were hit."""
    whole = draw(st.sampled_from(openings()))
    start = draw(st.sampled_from((0, 0, draw(st.integers(0, len(whole) - 1)))))
    part = bytearray(whole[start : start + draw(st.integers(1, 6000))])
    for _ in range(draw(st.integers(0, 3))):
        part[draw(st.integers(0, len(part) - 1))] = draw(st.integers(0, 255))
    return bytes(part)


@FUZZ
@given(
    opening=pieces(),
    rest=st.lists(st.tuples(pieces(), st.integers(1, 200)), min_size=1, max_size=4),
    read=st.sampled_from((65_536, 65_536, 1448, 100)),
    chunk=st.sampled_from((0, 0, 0, 1, 700)),
)
def test_any_mixture_sent_for_ever_is_bounded(
    opening: bytes, rest: list[tuple[bytes, int]], read: int, chunk: int
) -> None:
    repeated = cycle([piece * times for piece, times in rest])
    reads = in_reads(iter([opening, *(next(repeated) for _ in range(200))]), read)
    sent = in_chunks(reads, chunk) if chunk else reads
    assert_bounded(cost_of(sent, 1.5, chunked=bool(chunk)))
