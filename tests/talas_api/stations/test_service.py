from uuid import UUID

import pytest

from support.fakes import Announced, MemoryAccounts, MemoryStations, Recorded
from support.proofs import HOME
from talas_api.audit.values import Kind
from talas_api.identity.values import Account
from talas_api.stations.service import Stations, hash_key, new_key
from talas_api.stations.values import (
    LARGEST_PAGE,
    RESERVED,
    NewStation,
    StationChange,
    StationQuery,
)
from talas_core.clock import FakeClock
from talas_core.errors import BadInput, Conflict, Forbidden, NotFound
from talas_core.ids import uuid7
from talas_core.security.tokens import Claims

WISH = NewStation("my-radio", "My Radio", "Songs.")


class World:
    """The service over fakes, with an owner, a stranger and an admin."""

    def __init__(self, most: int = 1000) -> None:
        self.clock = FakeClock()
        self.accounts = MemoryAccounts()
        self.store = MemoryStations(self.accounts)
        self.announced, self.audit = Announced(), Recorded()
        self.stations = Stations(self.store, self.announced, self.clock, self.audit, most)

    async def person(self, name: str, role: str = "user") -> Claims:
        account = Account(uuid7(), name, f"{name}@x.org", role, name, self.clock.now())
        await self.accounts.add(account, "hash")
        return Claims(str(account.id), str(uuid7()), role, 0)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def owner(world: World) -> Claims:
    return await world.person("owner")


async def test_station_is_made_with_a_room_and_a_key(world: World, owner: Claims) -> None:
    made = await world.stations.make(WISH, owner)
    assert (made.slug, made.name, made.description, made.owner) == (
        "my-radio", "My Radio", "Songs.", "owner",
    )  # fmt: skip
    assert len(made.stream_key) == 32
    assert made.room != made.id
    assert world.announced.changed == ["my-radio"]
    assert made.stream_key not in repr(world.store.kept)
    assert (await world.stations.find("my-radio")).id == made.id


@pytest.mark.parametrize("slug", sorted(RESERVED))
async def test_reserved_slugs_are_refused(world: World, owner: Claims, slug: str) -> None:
    with pytest.raises(BadInput) as caught:
        await world.stations.make(NewStation(slug, "x"), owner)
    assert caught.value.fields == {"slug": "is reserved"}


async def test_limit_of_stations_holds_for_people_and_not_for_our_own() -> None:
    world = World(most=3)
    owner = await world.person("owner")
    for slug in ("one", "two", "three"):
        await world.stations.make(NewStation(slug, "x"), owner)
    with pytest.raises(Conflict, match="3 stations"):
        await world.stations.make(NewStation("four", "x"), owner)
    await world.stations.ensure_own(NewStation("demo", "x"), "key")
    await world.stations.make(NewStation("five", "x"), await world.person("another"))
    await world.stations.remove("two", owner, HOME)
    await world.stations.make(NewStation("four", "x"), owner)


async def test_a_taken_slug_is_a_conflict_and_not_announced(world: World, owner: Claims) -> None:
    await world.stations.make(WISH, owner)
    with pytest.raises(Conflict):
        await world.stations.make(WISH, owner)
    assert world.announced.changed == ["my-radio"]


async def test_stream_service_is_told_of_a_station_and_its_key(world: World, owner: Claims) -> None:
    made = await world.stations.make(WISH, owner)
    record = await world.stations.record("my-radio")
    assert record is not None
    assert record.key_hash == hash_key(made.stream_key).hex()
    assert (record.id, record.room, record.owner_id) == (str(made.id), str(made.room), owner.sub)
    assert await world.stations.record("nobodys") is None


async def test_a_station_is_closed_while_its_owner_is_disabled(world: World, owner: Claims) -> None:
    await world.stations.make(WISH, owner)
    await world.stations.ensure_own(NewStation("demo", "Demo"), "key")
    await world.accounts.disable(UUID(owner.sub))
    for slug, closed in (("my-radio", True), ("demo", False)):
        record = await world.stations.record(slug)
        assert record is not None
        assert record.closed is closed


async def test_all_stations_of_an_owner_are_announced(world: World, owner: Claims) -> None:
    other = await world.person("other")
    slugs = [f"radio-{number:03d}" for number in range(LARGEST_PAGE + 5)]
    for slug in slugs:
        await world.stations.make(NewStation(slug, slug), owner)
    await world.stations.make(WISH, other)
    world.announced.changed.clear()
    await world.stations.owner_changed(UUID(owner.sub))
    assert world.announced.changed == slugs


async def test_station_is_changed_by_its_owner_and_admins_alone(
    world: World, owner: Claims
) -> None:
    await world.stations.make(WISH, owner)
    stranger, admin = await world.person("stranger"), await world.person("admin", "admin")
    moderator = await world.person("mod", "moderator")
    for other in (stranger, moderator):
        for attempt in (
            world.stations.change("my-radio", StationChange(name="Mine"), other, HOME),
            world.stations.renew_key("my-radio", other, HOME),
            world.stations.remove("my-radio", other, HOME),
        ):
            with pytest.raises(Forbidden):
                await attempt
    for who, name in ((owner, "One"), (admin, "Two")):
        changed = await world.stations.change("my-radio", StationChange(name=name), who, HOME)
        assert (changed.name, changed.description) == (name, "Songs.")
    assert world.announced.changed == ["my-radio"] * 3


@pytest.mark.checklist(29)
async def test_change_by_an_admin_of_another_s_station_is_recorded(
    world: World, owner: Claims
) -> None:
    made = await world.stations.make(WISH, owner)
    admin = await world.person("admin", "admin")
    for who in (owner, admin):
        await world.stations.change("my-radio", StationChange(name="x"), who, HOME)
        await world.stations.renew_key("my-radio", who, HOME)
    await world.stations.remove("my-radio", admin, HOME)
    assert world.audit.kinds == [Kind.STATION_CHANGED, Kind.STATION_REKEYED, Kind.STATION_REMOVED]
    for event in world.audit.events:
        assert (str(event.user_id), str(event.actor_id)) == (owner.sub, admin.sub)
        assert (str(event.session_id), event.address) == (admin.sid, HOME.where)
        assert event.detail == {"station_id": str(made.id)}


async def test_change_by_an_admin_of_our_own_station_is_recorded(world: World) -> None:
    await world.stations.ensure_own(WISH, "key")
    admin = await world.person("admin", "admin")
    await world.stations.renew_key("my-radio", admin, HOME)
    [event] = world.audit.events
    assert (event.user_id, str(event.actor_id)) == (None, admin.sub)


async def test_renditions_are_told_to_the_stream_service_and_changed(
    world: World, owner: Claims
) -> None:
    made = await world.stations.make(NewStation("my-radio", "x", "", ("flac", "mp3")), owner)
    assert made.renditions == ("flac", "mp3")
    await world.stations.change("my-radio", StationChange(renditions=("32.opus",)), owner, HOME)
    record = await world.stations.record("my-radio")
    assert record is not None
    assert record.renditions == ("32.opus",)
    assert world.announced.changed == ["my-radio"] * 2


async def test_a_rendition_is_named_once(world: World, owner: Claims) -> None:
    await world.stations.make(WISH, owner)
    for attempt in (
        world.stations.make(NewStation("other", "x", "", ("mp3", "mp3")), owner),
        world.stations.change("my-radio", StationChange(renditions=("mp3", "mp3")), owner, HOME),
    ):
        with pytest.raises(BadInput) as caught:
            await attempt
        assert list(caught.value.fields) == ["renditions"]


async def test_new_key_voids_the_old(world: World, owner: Claims) -> None:
    made = await world.stations.make(WISH, owner)
    keyed = await world.stations.renew_key("my-radio", owner, HOME)
    assert keyed.stream_key != made.stream_key
    record = await world.stations.record("my-radio")
    assert record is not None
    assert record.key_hash == hash_key(keyed.stream_key).hex()
    assert world.announced.changed == ["my-radio"] * 2


async def test_removed_station_is_gone_and_announced(world: World, owner: Claims) -> None:
    await world.stations.make(WISH, owner)
    await world.stations.remove("my-radio", owner, HOME)
    with pytest.raises(NotFound):
        await world.stations.find("my-radio")
    assert world.announced.changed == ["my-radio"] * 2


async def test_unknown_station_is_not_found(world: World, owner: Claims) -> None:
    for attempt in (
        world.stations.find("none"),
        world.stations.change("none", StationChange(), owner, HOME),
        world.stations.renew_key("none", owner, HOME),
        world.stations.remove("none", owner, HOME),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_station_removed_while_it_is_changed_is_not_found(
    world: World, owner: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.stations.make(WISH, owner)
    [kept] = world.store.kept.values()

    async def still_there(_: str) -> object:
        return kept

    monkeypatch.setattr(world.store, "by_slug", still_there)
    await world.store.remove(kept.station.id)
    with pytest.raises(NotFound):
        await world.stations.change("my-radio", StationChange(name="x"), owner, HOME)
    with pytest.raises(NotFound):
        await world.stations.renew_key("my-radio", owner, HOME)


async def test_pages_of_stations_hold_every_station_once(world: World, owner: Claims) -> None:
    slugs = [f"radio-{number:02d}" for number in range(7)]
    for slug in reversed(slugs):
        await world.stations.make(NewStation(slug, slug), owner)
    found: list[str] = []
    after = None
    while True:
        page = await world.stations.list(StationQuery(limit=3, after=after))
        found += [station.slug for station in page.stations]
        after = page.next
        if after is None:
            break
    assert found == slugs
    exact = await world.stations.list(StationQuery(limit=7))
    assert exact.next is None


async def test_own_station_is_made_once_and_gets_its_key(world: World, owner: Claims) -> None:
    for key in ("first", "first", "second"):
        await world.stations.ensure_own(WISH, key)
        record = await world.stations.record("my-radio")
        assert record is not None
        assert (record.owner_id, record.key_hash) == ("", hash_key(key).hex())
    assert world.announced.changed == ["my-radio"] * 2


async def test_station_of_a_person_is_not_taken_for_our_own(world: World, owner: Claims) -> None:
    made = await world.stations.make(WISH, owner)
    await world.stations.ensure_own(WISH, "demo key")
    record = await world.stations.record("my-radio")
    assert record is not None
    assert record.key_hash == hash_key(made.stream_key).hex()


async def test_own_station_is_made_once_by_two_processes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.stations.ensure_own(WISH, "key")

    async def not_yet(_: str) -> None:
        return None

    monkeypatch.setattr(world.store, "by_slug", not_yet)

    async def taken(_: object, most: int | None) -> None:
        raise Conflict("That slug is taken.")

    monkeypatch.setattr(world.store, "add", taken)
    await world.stations.ensure_own(WISH, "key")
    assert len(world.store.kept) == 1


def test_stream_key_has_128_random_bits() -> None:
    keys = {new_key() for _ in range(10)}
    assert len(keys) == 10
    assert all(len(bytes.fromhex(key)) == 16 for key in keys)
