"""What is refused before anything starts: one sentence, naming the setting, leaving no trace."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.ports import free_port, free_ports
from talas_core import settings as knobs
from talas_core.errors import SettingError, UsageError
from talas_core.settings import Settings
from talas_core.supervisor import lock, preflight, run_file
from talas_core.supervisor.run_file import Run


def settings(folder: Path, **values: object) -> Settings:
    api, chat, stream = free_ports(3)
    ports = {"api_port": api, "chat_port": chat, "stream_port": stream}
    return knobs.load({"TALAS_DATA_DIR": str(folder / "var")}, **{**ports, **values})


async def test_preflight_gives_the_lock_and_the_ports(
    tmp_path: Path, database: str, nats_url: str
) -> None:
    mine = settings(tmp_path, database_url=database, nats_url=f"{nats_url},{nats_url}")
    held = await preflight.preflight(mine)
    assert lock.attempt(tmp_path / "var") is None
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", mine.stream_port))
    held.release()
    held.release()
    socket.create_server(("127.0.0.1", mine.stream_port)).close()
    (await preflight.preflight(settings(tmp_path))).release()


@pytest.mark.parametrize("field", ["api_port", "chat_port", "stream_port"])
async def test_a_port_in_use_is_named_and_nothing_is_made(field: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=rf"TALAS_{field.upper()}: .*:{port}: Address alr"):
            await preflight.preflight(settings(tmp_path, **{field: port}))
    assert list(tmp_path.iterdir()) == []


async def test_a_port_shared_by_other_workers_counts_as_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        mine = settings(tmp_path, api_port=taken.getsockname()[1])
        with pytest.raises(SettingError, match="TALAS_API_PORT"):
            await preflight.preflight(mine)


@pytest.mark.parametrize("host", ["::1", "localhost", "0.0.0.0", "::", "127.0.0.1, ::1"])
async def test_preflight_takes_other_hosts_of_this_machine(host: str, tmp_path: Path) -> None:
    if ":" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    (await preflight.preflight(settings(tmp_path, host=host))).release()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "a..b"])
async def test_a_host_that_is_not_ours_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"TALAS_HOST: cannot listen on {host}: "):
        await preflight.preflight(settings(tmp_path, host=host))


async def test_ports_of_a_killed_predecessor_are_waited_for(tmp_path: Path) -> None:
    mine = settings(tmp_path)
    held = await preflight.preflight(mine)
    run_file.write(mine.data_dir, Run(os.getpid(), "", ""))
    held.release()
    taken = socket.create_server(("127.0.0.1", mine.chat_port))
    starting = asyncio.ensure_future(preflight.preflight(mine))
    await asyncio.sleep(0.1)
    assert not starting.done()
    taken.close()
    (await starting).release()


async def test_refused_preflight_gives_the_lock_back(tmp_path: Path) -> None:
    mine = settings(tmp_path)
    (await preflight.preflight(mine)).release()
    with socket.create_server(("127.0.0.1", mine.api_port)), pytest.raises(SettingError):
        await preflight.preflight(mine)
    (await preflight.preflight(mine)).release()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"postgresql://me:hush@127.0.0.1:{free_port()}/x", "the database refuses: "),
        ("postgresql://me:hush@/x?host=/nowhere", "the database refuses: "),
        ("mysql://me:hush@127.0.0.1/x", "not the address of a PostgreSQL database"),
        ("postgresql://me:hush@127.0.0.1:junk/x", "not the address of a PostgreSQL database"),
    ],
    ids=["nobody listens", "no socket", "another kind", "no port"],
)
async def test_database_that_does_not_answer_is_refused_by_the_name_of_its_setting(
    url: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="TALAS_DATABASE_URL") as refusal:
        await preflight.preflight(settings(tmp_path, database_url=url))
    assert problem in str(refusal.value)
    assert "hush" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


async def test_a_wrong_password_is_the_databases_own_refusal(database: str) -> None:
    password = urlsplit(database).password or ""
    with pytest.raises(SettingError, match="password authentication failed") as refusal:
        await preflight.check_database(database.replace(password, "f" * 32))
    assert password not in str(refusal.value)


async def test_an_old_database_is_refused_by_its_release(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "OLDEST_POSTGRES", 99)
    with pytest.raises(SettingError, match=r"PostgreSQL 99 or newer is needed, not 18\."):
        await preflight.check_database(database)


async def test_a_silent_database_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(SettingError, match="no answer within"):
            await preflight.check_database(f"postgresql://me:x@127.0.0.1:{port}/x")


@pytest.mark.parametrize("url", ["junk", "nats://", "nats://127.0.0.1:junk", "nats://h?x=1"])
async def test_malformed_nats_address_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="TALAS_NATS_URL: not the address"):
        await preflight.check_nats(url)


async def test_nats_server_that_does_not_answer_is_refused_by_the_name_of_its_setting() -> None:
    with pytest.raises(SettingError, match="TALAS_NATS_URL: the server refuses"):
        await preflight.check_nats(f"nats://127.0.0.1:{free_port()}")


async def test_a_silent_nats_server_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preflight, "_ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"nats://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SettingError, match="no answer within"):
            await preflight.check_nats(url)


async def test_nats_server_that_refuses_the_token_is_named(nats_url: str) -> None:
    token = urlsplit(nats_url).username or ""
    with pytest.raises(SettingError, match="TALAS_NATS_URL: the server refuses") as refusal:
        await preflight.check_nats(nats_url.replace(token, "f" * 32))
    assert token not in str(refusal.value)


async def test_data_directory_in_use_is_told_before_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = settings(tmp_path)
    held = await preflight.preflight(mine)
    monkeypatch.setattr(lock.acquire, "__defaults__", (0.1,))
    taken = socket.create_server(("127.0.0.1", mine.api_port), reuse_port=True)
    with pytest.raises(UsageError, match="in use by another Talas"):
        await preflight.preflight(mine)
    taken.close()
    held.release()


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
