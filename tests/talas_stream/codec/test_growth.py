"""When a codec worker has grown too much."""

import pytest

from talas_stream.codec.growth import BUSY_FACTOR, JOB_BYTES, SPARE_BYTES, WARM_SECONDS, Growth

WARM = 64 << 20


def warmed_up() -> Growth:
    growth = Growth()
    assert not growth.is_too_much(1 << 40, 0, WARM_SECONDS - 1)
    assert not growth.is_too_much(WARM, 0, WARM_SECONDS)
    return growth


def test_worker_without_a_job_may_have_what_it_had_and_some_to_spare() -> None:
    growth = warmed_up()
    assert not growth.is_too_much(WARM + SPARE_BYTES, 0, 2 * WARM_SECONDS)
    assert growth.is_too_much(WARM + SPARE_BYTES + 1, 0, 2 * WARM_SECONDS)


@pytest.mark.parametrize("jobs", [1, 100])
def test_worker_with_jobs_may_have_more_for_each_and_is_moved_late(jobs: int) -> None:
    growth = warmed_up()
    most = WARM + BUSY_FACTOR * SPARE_BYTES + jobs * JOB_BYTES
    assert not growth.is_too_much(most, jobs, 2 * WARM_SECONDS)
    assert growth.is_too_much(most + 1, jobs, 2 * WARM_SECONDS)


def test_jobs_that_have_ended_explain_what_they_took() -> None:
    growth = warmed_up()
    growth.is_too_much(WARM, 10, 2 * WARM_SECONDS)
    most = WARM + SPARE_BYTES + 10 * JOB_BYTES
    assert not growth.is_too_much(most, 0, 3 * WARM_SECONDS)
    assert growth.is_too_much(most + 1, 0, 3 * WARM_SECONDS)
