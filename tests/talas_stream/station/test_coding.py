"""A programme's codec work: jobs that are lost, and what becomes of their listeners."""

import pytest

from support.sound import programme
from support.stage import KERNELS, OPUS_HEAD, Hearer, RecordedCodecs, frames_of, noise, placed
from talas_stream.codec.messages import Coded
from talas_stream.media import LADDER, Rendition
from talas_stream.output.delivery import Delivery, wire_of
from talas_stream.output.output import Output
from talas_stream.output.sizes import Sizes
from talas_stream.station.coding import (
    AGAIN_SECONDS,
    FAILURES_SECONDS,
    MOST_FAILURES,
    PATIENCE_SECONDS,
    Coding,
)

SIZES = Sizes(49_152, 65_536)
OPUS, AAC, LEAN = LADDER["opus"], LADDER["aac"], LADDER["32.opus"]
FRAMES = frames_of(programme(1.0), "mp3")
KEPT = list(zip(FRAMES, placed(FRAMES), strict=True))


class Heard:
    """A coding, and a listener of each rendition opened."""

    def __init__(self, codecs: RecordedCodecs) -> None:
        self.codecs = codecs
        self.hearers: dict[Rendition, Hearer] = {}
        self.now = 1000.0
        self.coding = Coding(
            "Night Line", codecs, SIZES, 48_000,
            kept=KEPT, ended=Output.end, now=lambda: self.now,
        )  # fmt: skip

    def tidy(self, at: float) -> None:
        """It is so late."""
        self.now = at
        self.coding.tidy(at)

    def open(self, rendition: Rendition) -> Hearer:
        live = Output(rendition, KERNELS, SIZES, "Night Line", 1)
        hearer = self.hearers[rendition] = Hearer()
        live.join(hearer, Delivery(wire_of(rendition.codec, False)), lambda feed: None)
        self.coding.open(live)
        return hearer


@pytest.fixture
def heard(codecs: RecordedCodecs) -> Heard:
    return Heard(codecs)


def test_lost_job_is_begun_again_at_once_where_each_rendition_ended(heard: Heard) -> None:
    opus, aac = heard.open(OPUS), heard.open(AAC)
    packets = noise([100] * 7)
    (lost,) = heard.codecs.jobs
    lost.deliver([Coded(OPUS, packets, OPUS_HEAD)])
    lost.done(True)
    _, again = heard.codecs.jobs
    assert [packet for _, packet in KEPT] == again.fed
    assert again.orders == [("open", OPUS), ("open", AAC)]
    assert again.resumed == {OPUS: packets[-1].end, AAC: None}, "nobody has heard any AAC yet"
    late = noise([50], seed=3)
    lost.deliver([Coded(OPUS, late)])
    lost.done(True)
    assert late[0].payload not in opus.heard, "what the lost job still says is nobody's"
    assert len(heard.codecs.jobs) == 2
    assert not (opus.ended or aac.ended)


def test_jobs_lost_for_no_fault_of_their_own_are_begun_again_without_end(heard: Heard) -> None:
    hearer = heard.open(OPUS)
    for number in range(5 * MOST_FAILURES):
        heard.codecs.jobs[number].done(True)
    assert len(heard.codecs.jobs) == 5 * MOST_FAILURES + 1
    assert not hearer.ended


def test_jobs_that_fail_seldom_are_begun_again_and_often_are_given_up(heard: Heard) -> None:
    hearer = heard.open(OPUS)
    for number in range(MOST_FAILURES + 2):
        heard.tidy(number * FAILURES_SECONDS)
        heard.codecs.jobs[number].done(False)
    assert not hearer.ended
    for number in range(MOST_FAILURES - 1):
        heard.codecs.jobs[MOST_FAILURES + 2 + number].done(False)
    assert hearer.ended
    assert heard.coding.failing
    heard.tidy((MOST_FAILURES + 3) * FAILURES_SECONDS)
    assert not heard.coding.failing


def test_jobs_that_failed_before_the_first_tidy_are_not_forgotten_by_it(heard: Heard) -> None:
    hearer = heard.open(OPUS)
    for number in range(MOST_FAILURES - 1):
        heard.codecs.jobs[number].done(False)
    heard.tidy(heard.now + 1)
    heard.codecs.jobs[MOST_FAILURES - 1].done(False)
    assert hearer.ended
    assert heard.coding.failing
    heard.now += FAILURES_SECONDS
    assert not heard.coding.failing, "also where nobody has tidied since"


def test_without_a_worker_the_listeners_wait_and_are_served_when_one_is_there(
    heard: Heard,
) -> None:
    hearer = heard.open(OPUS)
    heard.tidy(50.0)
    heard.codecs.full = True
    heard.codecs.jobs[0].done(True)
    heard.tidy(51.0)
    assert len(heard.codecs.jobs) == 1
    heard.codecs.full = False
    heard.tidy(52.0)
    assert heard.codecs.jobs[1].orders == [("open", OPUS)]
    assert not hearer.ended


@pytest.mark.parametrize("looked_before", [True, False])
def test_without_a_worker_for_long_the_listeners_end(heard: Heard, looked_before: bool) -> None:
    hearer = heard.open(OPUS)
    if looked_before:
        heard.tidy(50.0)
    heard.codecs.full = True
    heard.codecs.jobs[0].done(True)
    heard.tidy(51.0)
    heard.tidy(51.0 + PATIENCE_SECONDS - 1)
    assert not hearer.ended
    heard.tidy(51.0 + PATIENCE_SECONDS)
    assert hearer.ended


def test_each_loss_has_its_own_time_to_find_a_worker(heard: Heard) -> None:
    hearer = heard.open(OPUS)
    for number, at in enumerate((50.0, 50.0 + PATIENCE_SECONDS)):
        heard.codecs.full = True
        heard.codecs.jobs[number].done(True)
        heard.tidy(at)
        heard.codecs.full = False
        heard.tidy(at + 1)
    assert not hearer.ended
    assert len(heard.codecs.jobs) == 3


def test_source_that_leaves_while_no_worker_is_there_ends_the_listeners(heard: Heard) -> None:
    hearer = heard.open(OPUS)
    heard.codecs.full = True
    heard.codecs.jobs[0].done(True)
    heard.coding.finish()
    assert hearer.ended


def test_job_lost_while_it_flushes_ends_the_listeners(heard: Heard) -> None:
    hearer = heard.open(OPUS)
    heard.coding.finish()
    assert not hearer.ended
    heard.codecs.jobs[0].done(True)
    assert hearer.ended
    assert len(heard.codecs.jobs) == 1


def test_programme_is_measured_again_only_once_there_is_room() -> None:
    heard = Heard(RecordedCodecs(metering=True))
    heard.coding.measure()
    heard.codecs.full = True
    heard.codecs.jobs[0].done(True)
    for now in (100.0, 100.0 + AGAIN_SECONDS, 101.0 + AGAIN_SECONDS):
        heard.tidy(now)
        assert len(heard.codecs.jobs) == 1
    heard.codecs.full = False
    heard.tidy(102.0 + AGAIN_SECONDS)
    assert len(heard.codecs.jobs) == 2


def test_rendition_waits_while_the_programme_s_worker_is_full_and_then_ends_alone(
    heard: Heard,
) -> None:
    made = heard.open(OPUS)
    (job,) = heard.codecs.jobs
    job.full = True
    waits = heard.open(AAC)
    assert job.orders == [("open", OPUS)]
    heard.tidy(50.0)
    job.full = False
    heard.tidy(51.0)
    assert job.orders == [("open", OPUS), ("open", AAC)]
    job.full = True
    late = heard.open(LEAN)
    heard.tidy(60.0)
    heard.tidy(60.0 + PATIENCE_SECONDS)
    assert late.ended
    assert not (made.ended or waits.ended)
    assert ("open", LEAN) not in job.orders


def test_rendition_that_still_waits_at_the_end_ends_at_once(heard: Heard) -> None:
    made = heard.open(OPUS)
    (job,) = heard.codecs.jobs
    job.full = True
    waits = heard.open(AAC)
    heard.coding.finish()
    assert (made.ended, waits.ended) == (False, True)
    job.done(False)
    assert made.ended


def test_nothing_is_begun_while_jobs_fail_and_what_waits_ends() -> None:
    heard = Heard(RecordedCodecs(metering=True))
    heard.coding.measure()
    for number in range(MOST_FAILURES):
        heard.open((OPUS, AAC, LEAN)[number])
        heard.codecs.jobs[number].done(False)
    assert heard.coding.failing
    heard.coding.measure()
    hearer = heard.open(OPUS)
    heard.tidy(heard.now + 1)
    assert len(heard.codecs.jobs) == MOST_FAILURES
    heard.tidy(heard.now + PATIENCE_SECONDS)
    assert hearer.ended
    heard.tidy(heard.now + FAILURES_SECONDS)
    heard.coding.measure()
    assert len(heard.codecs.jobs) == MOST_FAILURES + 1


def test_new_source_is_not_measured_where_that_would_encode_without_room() -> None:
    heard = Heard(RecordedCodecs(metering=True))
    heard.codecs.full = True
    hearer = heard.open(OPUS)
    heard.coding.measure()
    assert heard.codecs.jobs == []
    heard.codecs.full = False
    heard.tidy(heard.now)
    (job,) = heard.codecs.jobs
    assert job.orders == [("meter", None), ("open", OPUS)]
    assert not hearer.ended
