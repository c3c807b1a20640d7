"""The table of limits."""

from __future__ import annotations

from loadtests.limits import BY_NAME, FIRST_SOUND, LIMITS


def test_names_of_limits_are_unique_and_become_options() -> None:
    assert len(BY_NAME) == len(LIMITS)
    limit = BY_NAME[FIRST_SOUND]
    assert (limit.option, limit.field) == ("--limit-first-sound", "limit_first_sound")
