"""Waits that double, have a limit, and start anew after a stable run."""

from __future__ import annotations

from talas_core.supervisor.backoff import LONGEST_SECONDS, STABLE_SECONDS, Backoff


def test_waits_between_restarts_double_up_to_the_limit() -> None:
    backoff = Backoff()
    waits = [backoff.after(0.0) for _ in range(8)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_SECONDS, LONGEST_SECONDS]


def test_wait_is_short_again_after_a_stable_run() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0.0)
    assert backoff.after(STABLE_SECONDS) == 0.1
    assert backoff.after(STABLE_SECONDS - 0.01) == 0.2
