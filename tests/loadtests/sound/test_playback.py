"""A player's buffer, second by second."""

from __future__ import annotations

import pytest

from loadtests.sound.playback import Playback


def played(*pieces: tuple[float, int, float]) -> Playback:
    playback = Playback()
    for now, size, seconds in pieces:
        playback.heard(now, size, seconds)
    return playback


def test_a_burst_and_then_real_time_never_breaks() -> None:
    playback = played((0, 64_000, 4), *((n / 4, 4000, 0.25) for n in range(1, 40)))
    assert playback.breaks == 0
    assert playback.lowest_seconds == pytest.approx(3.75)
    assert playback.take_gap() == pytest.approx(0.25)
    assert playback.take_gap() == 0


def test_a_player_that_runs_dry_is_counted_once_and_goes_on() -> None:
    playback = played((0, 1, 1), (3, 1, 1), (3.5, 1, 1))
    assert playback.breaks == 1
    assert playback.lowest_seconds == pytest.approx(-2)
    playback.ended(10)
    assert playback.breaks == 2
    assert playback.take_gap() == pytest.approx(6.5)


def test_playback_begins_once_enough_is_buffered() -> None:
    assert played((0, 1, 0.1), (0.4, 1, 0.1), (0.8, 1, 2.0)).breaks == 0


def test_pace_is_measured_without_the_burst() -> None:
    pieces = [(n / 4, 4000, 0.25) for n in range(1, 41)]
    pace = played((0, 64_000, 4), *pieces).pace
    assert pace is not None
    clock, sound, size = pace
    assert clock == pytest.approx(9.0)
    assert sound == pytest.approx(9.0)
    assert size == 36 * 4000


def test_short_connection_has_no_pace() -> None:
    assert played((0, 1, 1), (1, 1, 1), (2, 1, 1)).pace is None
    assert Playback().pace is None


def test_end_of_a_stream_without_sound_reports_nothing() -> None:
    playback = Playback()
    playback.ended(5)
    assert (playback.breaks, playback.longest_gap) == (0, 0)
