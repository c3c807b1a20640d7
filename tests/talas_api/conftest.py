"""Fixtures of the API's tests: a migrated database, and the API composed over it in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer

from support import backing
from support.api import Composed, settings_for, stream_here
from support.wait import PATIENCE
from talas_api.compose import MIGRATIONS, Api
from talas_api.site import handlers
from talas_core.bus.memory import MemoryBus
from talas_core.clock import SystemClock
from talas_core.messages import STREAM_HERE
from talas_core.postgres.migrate import migrate, read
from talas_core.postgres.pool import Database


@pytest.fixture(scope="session")
def template(databases: backing.Databases) -> str:
    """Name of a migrated database to copy."""
    url = databases.fresh()
    asyncio.run(migrate(url, read(MIGRATIONS)))
    return urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="session")
def _reused(databases: backing.Databases, template: str) -> Iterator[backing.Reused]:
    found = databases.reused(template)
    yield found
    found.close()


@pytest.fixture
def migrated(_reused: backing.Reused) -> str:
    """URL of a migrated database with nothing in it, of this test's own while it lasts."""
    _reused.empty()
    return _reused.url


@pytest.fixture(scope="session", autouse=True)
def _files_read_once() -> Iterator[None]:
    """Each API reads, binds and packs the page's files, which are the same for all of a session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handlers, "Assets", cache(handlers.Assets))
        yield


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    """A pool on it."""
    database = Database(migrated, acquire_seconds=PATIENCE)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def composed(migrated: str, db: Database, tmp_path: Path) -> AsyncIterator[Composed]:
    """The API, started, behind HTTP clients; as far as it can tell, a stream service is there."""
    bus = MemoryBus()
    await bus.serve(STREAM_HERE, stream_here)
    api = Api(settings_for(migrated, tmp_path), db, bus, SystemClock())
    await api.attach()
    await api.startup.run()
    main, chat = api.applications()
    async with TestClient(TestServer(main)) as client, TestClient(TestServer(chat)) as chat_client:
        yield Composed(api, bus, client, chat_client)
    api.close()
    await bus.close()


@pytest.fixture
async def admin_token(composed: Composed, db: Database) -> str:
    """The access token of an admin called `boss`."""
    return await composed.sign_up_as("boss", "admin", db)
