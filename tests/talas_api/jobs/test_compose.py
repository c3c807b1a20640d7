"""Jobs over an empty database."""

from pathlib import Path

import pytest

from support.api import settings_for
from talas_api.admin.service import Administration
from talas_api.jobs import compose
from talas_api.jobs.compose import administered, migrated, seeded
from talas_core.bus.memory import MemoryBus
from talas_core.postgres.pool import Database


async def test_migration_says_what_it_did(database: str, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path)
    assert (await migrated(settings)).startswith("The database went from version")
    assert (await migrated(settings)).endswith("nothing to do.")


async def test_people_for_load_tests_are_signed_in_with_tokens(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    assert "3" in await seeded(settings_for(database, tmp_path), 3, file)
    assert len(file.read_text().split()) == 3


async def test_a_job_finds_the_database_ready_and_gives_its_answer(
    database: str, tmp_path: Path
) -> None:
    async def job(administration: Administration) -> str:
        assert isinstance(administration, Administration)
        return "done"

    assert await administered(settings_for(database, tmp_path), job) == "done"
    assert await administered(settings_for(database, tmp_path), job, ends=True) == (
        "done Running processes hear of it within 15 minutes."
    )
    there = Database(database)
    await there.open()
    assert await there.rows("SELECT id FROM users") == []
    await there.close()


@pytest.mark.parametrize(
    ("connected", "said"),
    [(True, "done"), (False, "done Running processes hear of it within 1 minute.")],
)
async def test_session_ended_by_a_job_is_announced_where_the_bus_is_connected(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connected: bool, said: str
) -> None:
    class Bus(MemoryBus):
        @property
        def connected(self) -> bool:
            return connected

        @classmethod
        async def open(cls, url: str, *, name: str) -> MemoryBus:
            return cls()

    monkeypatch.setattr(compose, "NatsBus", Bus)

    async def job(_: Administration) -> str:
        return "done"

    settings = settings_for(
        database, tmp_path, nats_url="nats://127.0.0.1:1", access_token_seconds=60
    )
    assert await administered(settings, job, ends=True) == said


async def test_a_job_needs_no_room_for_sockets(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("talas_api.listening.room_for", lambda sockets, _: asked.append(sockets))

    async def job(_: Administration) -> str:
        return "done"

    assert await administered(settings_for(database, tmp_path), job) == "done"
    assert asked == []
