import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from talas_api.seed.content import Composer
from talas_api.seed.loader import Times, add_content, add_people
from talas_core.errors import UsageError
from talas_core.postgres.pool import Database

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TIMES = Times(NOW, NOW + timedelta(days=30), NOW + timedelta(minutes=15))
COUNTED = ("users", "rooms", "stations", "messages", "sessions")


class Small(Composer):
    """The invented content, less of it."""

    def tables(self, people: int = 20, stations: int = 5, messages: int = 300):  # type: ignore[no-untyped-def]
        return super().tables(people, stations, messages)


async def counts(db: Database) -> dict[str, int]:
    found = {}
    for table in COUNTED:
        [row] = await db.rows(f"SELECT count(*) AS found FROM {table}")  # noqa: S608
        found[table] = row["found"]
    return found


async def digest(db: Database) -> str:
    """One hash over every row of the seeded tables."""
    rows = [
        await db.rows(f"SELECT t::text AS row FROM {table} t ORDER BY 1")  # noqa: S608
        for table in COUNTED[:4]
    ]
    return hashlib.sha256(repr([[r["row"] for r in table] for table in rows]).encode()).hexdigest()


async def test_second_seed_changes_nothing_and_says_so(db: Database) -> None:
    said = await add_content(db, Small())
    assert said == "Added 20 users, 15 rooms, 5 stations, 300 messages."
    before = await digest(db)
    assert "nothing has changed" in await add_content(db, Small())
    assert await digest(db) == before


async def test_seed_loads_the_same_rows_each_time(
    db: Database, make_database: object, template: str
) -> None:
    await add_content(db, Small())
    other = Database(make_database(template=template))  # type: ignore[operator]
    await other.open()
    await add_content(other, Small())
    assert await digest(db) == await digest(other)
    await other.close()


async def test_seed_that_meets_a_taken_name_leaves_nothing_behind(db: Database) -> None:
    username = Small().tables()[0].rows[-1][1]
    await db.run(
        "INSERT INTO users (id, username, email, password_hash, display_name, created_at,"
        " updated_at) VALUES (gen_random_uuid(), $1, 'x@example.com', '12345678', 'x', now(),"
        " now())",
        username,
    )
    with pytest.raises(UsageError, match="users_username"):
        await add_content(db, Small())
    assert (await counts(db))["users"] == 1


async def test_people_for_load_tests_are_signed_in(db: Database, tmp_path: Path) -> None:
    signed: list[dict[str, object]] = []

    def sign(claims: dict[str, object]) -> str:
        signed.append(claims)
        return f"token-{len(signed)}"

    file = tmp_path / "tokens"
    said = await add_people(db, sign, 50, file, TIMES)
    assert said.startswith("50 people are signed in")
    assert file.read_text().splitlines() == [f"token-{n}" for n in range(1, 51)]
    assert (await counts(db))["users"] == (await counts(db))["sessions"] == 50
    row = await db.row(
        "SELECT user_id, expires_at FROM sessions WHERE id = $1::text::uuid", signed[0]["sid"]
    )
    assert row is not None
    assert str(row["user_id"]) == signed[0]["sub"]
    assert row["expires_at"] == TIMES.session_end
    assert signed[0]["exp"] == int(TIMES.token_end.timestamp())


async def test_more_people_for_load_tests_keep_the_first(db: Database, tmp_path: Path) -> None:
    for count in (10, 30):
        await add_people(db, lambda _: "t", count, tmp_path / "tokens", TIMES)
    assert await counts(db) == {
        "users": 30, "rooms": 0, "stations": 0, "messages": 0, "sessions": 40,
    }  # fmt: skip


async def test_token_file_that_cannot_be_written_leaves_no_sessions(
    db: Database, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        await add_people(db, lambda _: "t", 5, tmp_path / "no" / "tokens", TIMES)
    assert (await counts(db))["sessions"] == 0
