"""The contract of the station store, for PostgreSQL and for the fake alike."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from support.fakes import MemoryAccounts, MemoryStations
from support.wait import auntil
from talas_api.identity.accounts.store import PostgresAccounts
from talas_api.identity.values import Account
from talas_api.stations.store import REMOVE, PostgresStations
from talas_api.stations.values import RESERVED, Kept, Station, StationChange
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict
from talas_core.ids import uuid7
from talas_core.messages import RENDITIONS
from talas_core.postgres.failures import Dangling
from talas_core.postgres.pool import Database

NOW = FakeClock().now()
HASH = bytes(range(32))
WAITING = "SELECT FROM pg_locks WHERE NOT granted"


def kept(slug: str = "my-radio", owner_id: UUID | None = None, **changes: Any) -> Kept:
    station = Station(uuid7(), slug, slug.title(), "About.", uuid7(), None, NOW)
    return Kept(msgspec.structs.replace(station, **changes), owner_id, HASH)


@pytest.fixture(params=["postgres", "memory"])
async def pair(request: pytest.FixtureRequest, db: Database) -> tuple[Any, UUID]:
    """A store, and the id of a person called Ann."""
    ann = Account(uuid7(), "Ann", "ann@example.com", "user", "Ann", NOW)
    accounts: Any = PostgresAccounts(db) if request.param == "postgres" else MemoryAccounts()
    await accounts.add(ann, "1:some-hash")
    if request.param == "postgres":
        return PostgresStations(db), ann.id
    return MemoryStations(accounts), ann.id


async def test_stations_made_at_once_stay_within_the_person_s_limit(
    pair: tuple[Any, UUID],
) -> None:
    store, ann = pair
    made = await asyncio.gather(
        *(store.add(kept(f"own-{number}", ann), 5) for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(one, Conflict) for one in made) == 5
    assert len(await store.page("", 100, ann)) == 5
    assert await store.add(kept("one-more", ann)) == "Ann"


async def test_station_comes_back_as_it_was_kept(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    own, demo = kept("own", ann), kept("demo")
    assert await store.add(own) == "Ann"
    assert await store.add(demo) is None
    found = await store.by_slug("own")
    assert found.station == msgspec.structs.replace(own.station, owner="Ann")
    assert (found.owner_id, found.key_hash) == (ann, HASH)
    assert await store.by_slug("demo") == demo
    assert await store.by_slug("none") is None


async def test_a_station_is_closed_while_its_owner_is_disabled(db: Database) -> None:
    ann = Account(uuid7(), "Ann", "ann@example.com", "user", "Ann", NOW)
    await PostgresAccounts(db).add(ann, "1:some-hash")
    store, own = PostgresStations(db), kept("own", ann.id)
    await store.add(own)
    await store.add(kept("demo"))
    for disabled_at in (NOW, None):
        await db.run("UPDATE users SET disabled_at = $1", disabled_at)
        found = await store.by_slug("own")
        changed = await store.change(own.station.id, StationChange(name="New"), NOW)
        demo = await store.by_slug("demo")
        assert found
        assert changed
        assert demo
        assert (found.closed, changed.closed) == (disabled_at is not None,) * 2
        assert not demo.closed


async def test_slug_belongs_to_one_station(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    await store.add(kept("own", ann))
    with pytest.raises(Conflict) as caught:
        await store.add(kept("own"))
    assert caught.value.fields == {"slug": "is taken"}


@pytest.mark.parametrize("slug", ["l0ve", "1ove", "1o-ve", "larn"])
async def test_slug_that_looks_like_another_is_taken(pair: tuple[Any, UUID], slug: str) -> None:
    store, ann = pair
    for known in ("love", "lo-ve", "lam"):
        await store.add(kept(known, ann))
    with pytest.raises(Conflict) as caught:
        await store.add(kept(slug, ann))
    assert caught.value.fields == {"slug": "looks like one that is taken"}


async def add_from_before(db: Database, slug: str, days: int) -> UUID:
    """A station that looks like another, as there may be from before that was refused."""
    one = kept(f"old-{days}", created_at=NOW + timedelta(days=days))
    await PostgresStations(db).add(one)
    sql = "UPDATE stations SET slug = $2, alike = true WHERE id = $1"
    await db.run(sql, one.station.id, slug)
    return one.station.id


async def slugs_that_count(db: Database) -> list[str]:
    """The slugs that others must not look like."""
    rows = await db.rows("SELECT slug FROM stations WHERE NOT alike ORDER BY slug")
    return [row["slug"] for row in rows]


async def test_removed_station_that_stood_for_look_alikes_is_followed_by_the_next_oldest(
    db: Database,
) -> None:
    store, oldest = PostgresStations(db), kept("love")
    await store.add(oldest)
    youngest = await add_from_before(db, "l0ve", 2)
    middle = await add_from_before(db, "1ove", 1)
    for gone, stands in ((oldest.station.id, "1ove"), (middle, "l0ve")):
        assert await store.remove(gone)
        assert await slugs_that_count(db) == [stands]
        with pytest.raises(Conflict):
            await store.add(kept("10ve"))
    assert await store.remove(youngest)
    await store.add(kept("10ve"))


async def test_two_look_alikes_removed_at_once_are_followed_by_the_third(db: Database) -> None:
    store, oldest = PostgresStations(db), kept("love")
    await store.add(oldest)
    middle = await add_from_before(db, "1ove", 1)
    await add_from_before(db, "l0ve", 2)
    async with db.transaction() as connection:
        await connection.execute(REMOVE, middle)
        removal = asyncio.ensure_future(store.remove(oldest.station.id))
        await auntil(lambda: db.rows(WAITING))
    assert await removal
    assert await slugs_that_count(db) == ["l0ve"]


async def test_removed_station_that_stood_for_no_other_is_followed_by_none(db: Database) -> None:
    store, other = PostgresStations(db), kept("other")
    await store.add(kept("love"))
    await store.add(other)
    middle = await add_from_before(db, "1ove", 1)
    await add_from_before(db, "l0ve", 2)
    for gone in (other.station.id, middle):
        assert await store.remove(gone)
        assert await slugs_that_count(db) == ["love"]


async def test_prefer_source_is_kept_and_changed(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    own = kept("own", ann, prefer_source=True)
    await store.add(own)
    assert (await store.by_slug("own")).station.prefer_source
    assert [one.prefer_source for one in await store.page("", 5, ann)] == [True]
    changed = await store.change(own.station.id, StationChange(prefer_source=False), NOW)
    assert not changed.station.prefer_source
    same = await store.change(own.station.id, StationChange(name="New"), NOW)
    assert not same.station.prefer_source
    assert [one.prefer_source for one in await store.page("", 5, None)] == [False]


async def test_pages_of_stations_are_in_the_order_of_slugs(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    for slug, owner in (("c3", None), ("a1", ann), ("b2", None), ("d4", ann)):
        await store.add(kept(slug, owner))

    async def slugs(after: str, limit: int, owner: UUID | None) -> list[str]:
        return [station.slug for station in await store.page(after, limit, owner)]

    assert await slugs("", 10, None) == ["a1", "b2", "c3", "d4"]
    assert await slugs("a1", 2, None) == ["b2", "c3"]
    assert await slugs("d4", 2, None) == []
    assert await slugs("", 10, ann) == ["a1", "d4"]
    assert await slugs("a1", 10, ann) == ["d4"]
    assert await slugs("", 10, uuid7()) == []


async def test_change_of_a_station_leaves_what_is_not_named(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    own = kept("own", ann)
    await store.add(own)
    one = await store.change(own.station.id, StationChange(name="New"), NOW)
    assert (one.station.name, one.station.description) == ("New", "About.")
    two = await store.change(own.station.id, StationChange(description=""), NOW)
    assert (two.station.name, two.station.description) == ("New", "")
    assert (two.station.owner, two.owner_id) == ("Ann", ann)
    assert await store.by_slug("own") == two
    assert await store.change(uuid7(), StationChange(name="x"), NOW) is None


async def test_renditions_of_a_station_are_kept_and_changed(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    own = kept("own", ann, renditions=("flac", "32.opus"))
    await store.add(own)
    assert (await store.by_slug("own")).station.renditions == ("flac", "32.opus")
    one = await store.change(own.station.id, StationChange(name="New"), NOW)
    assert one.station.renditions == ("flac", "32.opus")
    two = await store.change(own.station.id, StationChange(renditions=RENDITIONS), NOW)
    assert two.station.renditions == RENDITIONS
    for owner in (None, ann):
        assert await store.page("", 10, owner) == [two.station]


async def test_key_of_a_station_is_replaced(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    own = kept("own", ann)
    await store.add(own)
    assert await store.set_key(own.station.id, b"k" * 32, NOW)
    assert (await store.by_slug("own")).key_hash == b"k" * 32
    assert not await store.set_key(uuid7(), b"k" * 32, NOW)


async def test_removed_station_is_gone(pair: tuple[Any, UUID]) -> None:
    store, ann = pair
    own = kept("own", ann)
    await store.add(own)
    assert await store.remove(own.station.id)
    assert await store.by_slug("own") is None
    assert not await store.remove(own.station.id)
    await store.add(kept("own", ann))


async def test_a_station_and_its_room_come_and_go_together(db: Database) -> None:
    store, own = PostgresStations(db), kept("own")
    await store.add(own)
    with pytest.raises(Conflict):
        await store.add(kept("own"))
    [room] = await db.rows("SELECT id, name, kind FROM rooms")
    assert (room["id"], room["name"], room["kind"]) == (own.station.room, "Own", "station")
    await store.change(own.station.id, StationChange(name="New"), NOW)
    assert [row["name"] for row in await db.rows("SELECT name FROM rooms")] == ["New"]
    await db.run(
        'INSERT INTO messages (room_id, "offset", id, nonce, text, at)'
        " VALUES ($1, 1, $1, 'n', 'hello', now())",
        own.station.room,
    )
    await store.remove(own.station.id)
    assert await db.rows("SELECT 1 FROM rooms WHERE removed_at IS NULL") == []


async def test_a_person_with_stations_cannot_be_deleted(db: Database) -> None:
    ann = Account(uuid7(), "Ann", "ann@example.com", "user", "Ann", NOW)
    await PostgresAccounts(db).add(ann, "1:some-hash")
    await PostgresStations(db).add(kept("own", ann.id))
    with pytest.raises(Dangling):
        await db.run("DELETE FROM users")


async def test_an_owner_who_is_gone_is_a_conflict(db: Database) -> None:
    with pytest.raises(Conflict):
        await PostgresStations(db).add(kept("own", uuid7()))
    assert await db.rows("SELECT 1 FROM rooms") == []


@pytest.mark.parametrize("slug", [*sorted(RESERVED), "a", "a--b", "Ab", "a" * 33])
async def test_database_refuses_a_slug_that_is_none(db: Database, slug: str) -> None:
    with pytest.raises(BadInput):
        await PostgresStations(db).add(kept(slug, name="x"))


@pytest.mark.parametrize(
    "renditions", [(), ("wav",), ("mp3", "mp3"), ("mp3", "wav"), (None,), ("mp3", None)]
)
async def test_database_refuses_a_rendition_that_is_none(
    db: Database, renditions: tuple[Any, ...]
) -> None:
    with pytest.raises(BadInput):
        await PostgresStations(db).add(kept("own", renditions=renditions))
