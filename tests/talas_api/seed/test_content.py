import re

from talas_api.identity.passwords import UNUSABLE
from talas_api.seed.content import Composer, Table
from talas_api.stations.values import RESERVED, SLUG


def composed(
    seed: int = 1, people: int = 20, stations: int = 5, messages: int = 300
) -> list[Table]:
    return Composer(seed).tables(people, stations, messages)


def column(table: Table, name: str) -> list[object]:
    return [row[table.columns.index(name)] for row in table.rows]


def test_same_seed_gives_the_same_content() -> None:
    assert composed() == composed()
    assert composed(1) != composed(2)


def test_content_has_the_counts_asked_for() -> None:
    users, rooms, stations, messages = composed()
    assert (len(users.rows), len(stations.rows), len(messages.rows)) == (20, 5, 300)
    assert len(rooms.rows) > len(stations.rows)


def test_names_and_ids_of_the_content_are_unique() -> None:
    users, rooms, stations, messages = composed(people=5000)
    for table, name in ((users, "username"), (users, "email"), (stations, "slug")):
        values = column(table, name)
        assert len(set(values)) == len(values)
    for table in (users, rooms, stations, messages):
        assert len(set(column(table, "id"))) == len(table.rows)


def test_slugs_of_the_content_are_ones_a_station_may_have() -> None:
    for slug in column(composed(stations=30)[2], "slug"):
        assert re.fullmatch(SLUG, str(slug))
        assert slug not in RESERVED


def test_people_of_the_content_cannot_sign_in() -> None:
    assert set(column(composed()[0], "password_hash")) == {UNUSABLE}


def test_rooms_of_the_content_count_their_messages() -> None:
    _, rooms, _, messages = composed()
    said = column(messages, "room_id")
    for room_id, last in zip(column(rooms, "id"), column(rooms, "last_offset"), strict=True):
        offsets = [row[1] for row in messages.rows if row[0] == room_id]
        assert offsets == list(range(1, len(offsets) + 1))
        assert len(offsets) == last == said.count(room_id)


def test_messages_of_the_content_go_forward_in_time() -> None:
    messages = composed()[3]
    last: dict[object, object] = {}
    for room, _, _, _, _, _, at in messages.rows:
        assert room not in last or last[room] <= at  # type: ignore[operator]
        last[room] = at


def test_texts_of_the_content_have_no_unfilled_names() -> None:
    for text in column(composed(messages=2000)[3], "text"):
        assert "{" not in str(text)
        assert "@ " not in str(text)
