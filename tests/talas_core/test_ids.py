from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime

import pytest

from talas_core import ids
from talas_core.ids import lowest_id, uuid7


def milliseconds(value: uuid.UUID) -> int:
    return value.int >> 80


def test_id_has_version_7_its_variant_and_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000 + 1
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before <= milliseconds(made) <= after
    assert str(made) == str(uuid.UUID(str(made)))


def test_ids_rise_strictly_also_as_text() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_ids_rise_even_if_the_wall_clock_goes_back_or_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000_000)
    later = [uuid7() for _ in range(10_000)]
    assert [first, *later] == sorted({first, *later})
    assert {one.version for one in later} == {7}


def test_the_lowest_id_of_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2130, 1, 1, tzinfo=UTC)
    nanoseconds = int(moment.timestamp()) * 1_000_000_000
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids.time, "time_ns", lambda: nanoseconds - 1)
    before = uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: nanoseconds)
    assert before < lowest_id(moment) < uuid7()
    assert lowest_id(datetime(1900, 1, 1, tzinfo=UTC)).int == 0


def test_two_ids_of_one_moment_share_no_random_half() -> None:
    halves = {uuid7().int & (1 << 62) - 1 for _ in range(1000)}
    assert len(halves) == 1000


def test_threads_never_make_the_same_id() -> None:
    made: list[uuid.UUID] = []

    def work() -> None:
        made.extend(uuid7() for _ in range(3000))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.int >> 64 for one in made}) == 12_000
