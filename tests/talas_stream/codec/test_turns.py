"""Whose turn it is, and who pays for what it costs: with a job's work played by the clock."""

from collections.abc import Callable, Iterable

import pytest

from support.stage import KERNELS
from talas_stream.codec import turns as module
from talas_stream.codec.mark import Mark, memory
from talas_stream.codec.turns import OWED_SECONDS, TURN_SECONDS, Job, Turns
from talas_stream.codec.work import Work


class Played(Work):
    """Work of orders that take `each` seconds by the test's clock; `waiting` of them."""

    def __init__(self, clock: "Clock", each: float, waiting: int) -> None:
        super().__init__(0, 0, KERNELS)
        self._clock = clock
        self._each = each
        self.waiting = waiting
        self.ran = 0

    @property
    def behind(self) -> bool:
        return self.waiting > 0

    def run(self, ticks: int, enough: Callable[[], bool] = lambda: False) -> None:
        while self.waiting:
            self.waiting -= 1
            self.ran += 1
            self._clock.now += self._each
            if enough():
                return

    def catch_up(self, enough: Callable[[], bool] = lambda: False) -> None:
        self.run(0, enough)


class Clock:
    now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", lambda: clock.now)
    return clock


def turns_of(*works: Work, heard: list[int] | None = None) -> tuple[Turns, Mark]:
    mark = Mark(memory())

    def hand_over(jobs: Iterable[Job]) -> None:
        if heard is not None:
            heard.extend(job.number for job in jobs)

    turns = Turns(hand_over, mark)
    for number, work in enumerate(works, 1):
        turns.jobs[number] = Job(number, work)
    return turns, mark


def test_job_with_too_much_has_a_turn_s_time_and_the_others_theirs(clock: Clock) -> None:
    flood, honest = Played(clock, 0.003, 10_000), Played(clock, 0.0002, 3)
    heard: list[int] = []
    turns, _ = turns_of(flood, honest, heard=heard)
    began = clock.now
    turns.live(turns.jobs.values(), 0.002)
    assert clock.now - began <= TURN_SECONDS + 0.003 + 0.001
    assert honest.waiting == 0
    assert heard == [1, 2]
    assert [job.work for job in turns.behind] == [flood]


def test_job_that_owes_gets_only_what_is_left_until_it_has_paid(clock: Clock) -> None:
    flood, honest = Played(clock, 0.003, 10_000), Played(clock, 0.0002, 0)
    turns, _ = turns_of(flood, honest)
    for _ in range(20):
        turns.live([turns.jobs[1]], 0.002)
    assert turns.jobs[1].owes > OWED_SECONDS
    before = flood.ran
    turns.live(turns.jobs.values(), 0.002)
    assert flood.ran == before, "its turn is over before it began"
    turns.catch_up(clock.now)
    assert before < flood.ran <= before + TURN_SECONDS / 0.003 + 1, "a slice"
    turns.jobs[1].behind_since -= 5
    assert turns.waited(clock.now) == 0, "it has only itself to thank"
    clock.now += 10
    before = flood.ran
    turns.live([turns.jobs[1]], 0.002)
    assert flood.ran > before


def test_jobs_that_are_behind_get_a_slice_each_in_turn(clock: Clock) -> None:
    first, second = Played(clock, 0.003, 1000), Played(clock, 0.003, 1000)
    turns, _ = turns_of(first, second)
    turns.live(turns.jobs.values(), 0.002)
    turns.catch_up(clock.now + 1.0)
    assert abs(first.ran - second.ran) <= TURN_SECONDS / 0.003 + 1


def test_honest_job_that_waits_long_shows_in_waited(clock: Clock) -> None:
    work = Played(clock, TURN_SECONDS, 2)
    turns, _ = turns_of(work)
    turns.live(turns.jobs.values(), 0.002)
    assert turns.waited(clock.now + 3.0) == pytest.approx(3.0)


def test_mark_names_the_job_while_it_is_worked_on_and_none_after_a_failure(clock: Clock) -> None:
    work = Played(clock, 0.001, 1)
    turns, mark = turns_of(Played(clock, 0.001, 1), work)
    seen: list[int] = []

    def failing(work: Work) -> bool:
        seen.append(mark.job)
        raise RuntimeError("a bad frame")

    assert not turns.attempt(turns.jobs[2], failing)
    assert (seen, mark.job) == ([2], 0)
    assert work.finished
    assert not turns.attempt(turns.jobs[2], lambda work: True), "it has ended"


def test_last_job_that_ends_while_it_owes_leaves_no_job_waiting(clock: Clock) -> None:
    flood = Played(clock, 0.003, 100)
    turns, _ = turns_of(flood)
    turns.live(turns.jobs.values(), 0.002)
    flood.waiting = 0
    turns.jobs.clear()
    turns.catch_up(clock.now + 1)
    assert not turns.behind
