from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talas_api.identity.keys.handlers import CACHE_SECONDS
from talas_api.identity.keys.rotation import PUBLISHED_AFTER, PUBLISHED_BEFORE, plan
from talas_api.identity.keys.values import Change, StoredKey
from talas_core.clock import FakeClock
from talas_core.security.tokens import LEEWAY_SECONDS, LONGEST_LIFE_SECONDS

NOW = FakeClock().now()
DAY = timedelta(days=1)
LIFE = 30 * DAY


def key(kid: str, begins: datetime, ends: datetime | None = None) -> StoredKey:
    return StoredKey(kid, b"", b"", begins, begins, ends)


def new(moment: datetime) -> StoredKey:
    return key("new", moment)


@pytest.mark.checklist(6)
def test_a_key_is_known_long_before_and_after_it_signs() -> None:
    assert timedelta(minutes=10, seconds=CACHE_SECONDS) <= PUBLISHED_BEFORE
    assert timedelta(seconds=LONGEST_LIFE_SECONDS + LEEWAY_SECONDS) < PUBLISHED_AFTER


def test_empty_ring_of_keys_needs_one_at_once() -> None:
    assert plan([], (), LIFE, NOW, new) == Change(add=key("new", NOW))


def test_young_key_needs_no_successor() -> None:
    ring = [key("a", NOW - LIFE + timedelta(seconds=1))]
    assert plan(ring, {"a"}, LIFE, NOW, new) == Change()


def test_a_due_key_is_retired_when_its_successor_begins() -> None:
    ring = [key("a", NOW - LIFE)]
    begins = NOW + PUBLISHED_BEFORE
    assert plan(ring, {"a"}, LIFE, NOW, new) == Change(add=key("new", begins), retire=("a",))


def test_key_with_a_coming_successor_needs_no_other() -> None:
    coming = NOW + PUBLISHED_BEFORE
    ring = [key("a", NOW - LIFE, coming), key("b", coming)]
    assert plan(ring, {"a", "b"}, LIFE, NOW, new) == Change()


def test_expired_key_is_dropped() -> None:
    retired = NOW - PUBLISHED_AFTER
    ring = [key("a", NOW - LIFE, retired), key("b", retired)]
    assert plan(ring, {"a", "b"}, LIFE, NOW, new) == Change(drop=("a",))
    assert plan(ring, {"a", "b"}, LIFE, NOW - timedelta(seconds=1), new) == Change()


def test_key_of_another_master_does_not_count_and_goes_when_due() -> None:
    foreign = key("foreign", NOW - 10 * DAY)
    assert plan([foreign], (), LIFE, NOW, new) == Change(add=key("new", NOW))
    later = NOW + LIFE
    found = plan([foreign, key("a", NOW)], {"a"}, LIFE, later, new)
    assert set(found.retire) == {"foreign", "a"}


def test_a_ring_that_somebody_emptied_by_hand_is_mended() -> None:
    only_coming = [key("b", NOW + DAY)]
    assert plan(only_coming, {"b"}, LIFE, NOW, new).add == key("new", NOW)
    only_retired = [key("a", NOW - DAY, NOW + DAY)]
    assert plan(only_retired, {"a"}, LIFE, NOW, new).add == key("new", NOW + PUBLISHED_BEFORE)


@given(st.lists(st.integers(1, 40 * 24), max_size=60), st.integers(1, 90))
def test_ring_has_a_key_that_signs_at_any_time(hours: list[int], days: int) -> None:
    ring: list[StoredKey] = []
    now = NOW
    for number, wait in enumerate(hours):
        now += timedelta(hours=wait)
        found = plan(
            ring, {one.kid for one in ring}, days * DAY, now, lambda at, n=number: key(str(n), at)
        )  # type: ignore[misc]
        ring = [one for one in ring if one.kid not in found.drop]
        if found.add:
            end = found.add.activates_at
            ring = [msgspec.structs.replace(one, retires_at=end) if one.kid in found.retire else one
                    for one in ring]  # fmt: skip
            ring.append(found.add)
        assert sum(one.signs(now) for one in ring) == 1
        assert len(ring) <= 4
        assert all(one.retires_at is None or one.activates_at < one.retires_at for one in ring)
