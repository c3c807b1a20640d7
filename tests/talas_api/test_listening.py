import asyncio
import socket
from pathlib import Path

import pytest

from support.api import settings_for
from support.ports import free_ports
from talas_api.compose import Api
from talas_api.listening import listen, shares, until
from talas_core.bus.memory import MemoryBus
from talas_core.clock import SystemClock
from talas_core.errors import SettingError, UsageError
from talas_core.postgres.pool import Database


async def test_a_taken_port_is_named(tmp_path: Path, migrated: str, db: Database) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free = free_ports(1)[0]
        for ports, name in (
            ({"api_port": taken.getsockname()[1], "chat_port": free}, "TALAS_API_PORT"),
            ({"api_port": free, "chat_port": taken.getsockname()[1]}, "TALAS_CHAT_PORT"),
        ):
            settings = settings_for(migrated, tmp_path, **ports)
            api = Api(settings, db, MemoryBus(), SystemClock())
            with pytest.raises(SettingError) as caught:
                await listen(settings, api.applications(), api.connections)
            assert caught.value.name == name
            with socket.socket() as again:  # nothing was left half started
                again.bind(("127.0.0.1", free))
            api.close()


async def test_a_host_that_is_not_ours_is_blamed_on_no_port(tmp_path: Path, db: Database) -> None:
    settings = settings_for("", tmp_path, host="192.0.2.1")
    api = Api(settings, db, MemoryBus(), SystemClock())
    with pytest.raises(SettingError) as caught:
        await listen(settings, api.applications(), api.connections)
    assert caught.value.name == "TALAS_HOST"
    api.close()


async def test_two_workers_share_the_ports(tmp_path: Path, migrated: str, db: Database) -> None:
    api_port, chat_port = free_ports(2)
    settings = settings_for(
        migrated, tmp_path, api_port=api_port, chat_port=chat_port, api_workers=2
    )
    workers = [Api(settings, db, MemoryBus(), SystemClock()) for _ in range(2)]
    for api in workers:
        for server in await listen(settings, api.applications(), api.connections):
            await server.close()
        api.close()


async def test_failed_start_ends_the_service() -> None:
    async def fail() -> None:
        raise UsageError("not ours")

    with pytest.raises(UsageError):
        await until(asyncio.Event(), asyncio.create_task(fail()))


async def test_finished_start_leaves_the_service_running() -> None:
    drain = asyncio.Event()
    waiting = asyncio.create_task(until(drain, asyncio.create_task(asyncio.sleep(0))))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    drain.set()
    await waiting


@pytest.mark.parametrize(
    ("room", "shared"), [(1000, (300, 700)), (800, (300, 500)), (400, (200, 200)), (1, (1, 1))]
)
def test_open_files_are_shared_by_api_and_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, shared: tuple[int, int]
) -> None:
    monkeypatch.setattr("talas_api.listening.room_for", lambda wanted, _: min(wanted, room))
    settings = settings_for("postgresql://x@y/z", tmp_path, api_connections=300, chat_sockets=700)
    assert shares(settings) == shared
