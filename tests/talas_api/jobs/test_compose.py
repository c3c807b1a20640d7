"""Jobs over an empty database."""

from pathlib import Path

from support.api import settings_for
from talas_api.admin.service import Administration
from talas_api.jobs.compose import administered, migrated, seeded
from talas_core.postgres.pool import Database


async def test_migrating_says_what_it_did(database: str, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path)
    assert (await migrated(settings)).startswith("The database went from version")
    assert (await migrated(settings)).endswith("nothing to do.")


async def test_a_crowd_is_signed_in(database: str, tmp_path: Path) -> None:
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
    there = Database(database)
    await there.open()
    assert await there.rows("SELECT id FROM users") == []
    await there.close()
