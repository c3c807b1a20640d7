"""The embedded NATS: its port, its token, its return after a kill."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import nats
import psutil
import pytest

from support.ports import free_port
from talas_core import nats_server
from talas_core.bus.address import promised_owner
from talas_core.errors import TalasError, UsageError
from talas_core.nats_server import EmbeddedNats
from talas_core.process import Process

pytestmark = pytest.mark.servers


async def start(server: EmbeddedNats) -> Process:
    running = await server.launch()
    await server.ready(running)
    return running


async def test_nats_takes_clients_that_know_the_token_alone(tmp_path: Path) -> None:
    lines: list[str] = []
    server = EmbeddedNats(tmp_path, lines.append)
    await server.prepare()
    running = await start(server)
    token = urlsplit(server.url()).username or ""
    client = await nats.connect(server.url())
    await client.close()
    with pytest.raises(nats.errors.Error):
        await nats.connect(server.url().replace(token, "0" * 32), allow_reconnect=False,
                           error_cb=_ignore)  # fmt: skip
    assert token not in " ".join(psutil.Process(running.pid).cmdline())
    assert not any(token in line for line in lines)
    assert (tmp_path / "nats" / "nats.conf").stat().st_mode & 0o777 == 0o600
    assert await server.stop(running) == 0


async def test_nats_token_is_of_this_launch_and_kept_nowhere_else(tmp_path: Path) -> None:
    urls = set()
    for _ in range(2):
        server = EmbeddedNats(tmp_path)
        await server.prepare()
        urls.add(urlsplit(server.url()).username)
    assert len(urls) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["nats"]


async def test_a_config_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    config = tmp_path / "nats" / "nats.conf"
    config.parent.mkdir()
    config.touch(mode=0o644)
    with config.open() as old:
        await EmbeddedNats(tmp_path).prepare()
        assert old.read() == ""
    assert config.stat().st_mode & 0o777 == 0o600


async def test_nats_address_says_whose_process_it_is(tmp_path: Path) -> None:
    assert promised_owner(EmbeddedNats(tmp_path).url()) == os.geteuid()


async def test_nats_listens_on_loopback_alone(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, lambda line: None)
    await server.prepare()
    running = await start(server)
    listening = [c.laddr.ip for c in psutil.Process(running.pid).net_connections()
                 if c.status == psutil.CONN_LISTEN]  # fmt: skip
    assert listening == ["127.0.0.1"]
    await server.stop(running)


async def test_nats_comes_back_on_the_same_port_after_a_kill(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, lambda line: None)
    await server.prepare()
    running = await start(server)
    before = server.url()
    running.signal(signal.SIGKILL)
    await running.wait()
    running = await start(server)
    assert server.url() == before
    await server.stop(running)


async def test_nats_moves_where_another_took_its_port(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, lambda line: None)
    await server.prepare()
    running = await start(server)
    before = server.url()
    await server.stop(running)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", urlsplit(before).port or 0))
        stranger.listen()
        running = await start(server)
        assert server.url() != before
        await server.stop(running)


async def test_files_of_killed_predecessors_are_removed(tmp_path: Path) -> None:
    (tmp_path / "nats").mkdir()
    stale = tmp_path / "nats" / "nats-server_1.ports"
    stale.write_text('{"nats": ["nats://127.0.0.1:1"]}')
    await EmbeddedNats(tmp_path).prepare()
    assert not stale.exists()


async def test_nats_works_in_a_path_with_a_space(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" space'
    folder.mkdir()
    server = EmbeddedNats(folder, lambda line: None)
    await server.prepare()
    running = await start(server)
    assert await server.stop(running) == 0


async def test_nats_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, lambda line: None)
    await server.prepare()
    running = await server.launch()
    running.signal(signal.SIGKILL)
    await running.wait()
    (tmp_path / "nats" / f"nats-server_{running.pid}.ports").unlink(missing_ok=True)
    with pytest.raises(TalasError, match="NATS ended"):
        await server.ready(running)


@pytest.mark.parametrize("name", ["no-such-distribution", "click"])
async def test_missing_nats_binary_names_the_setting(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_server, "DISTRIBUTION", name)
    with pytest.raises(UsageError, match="TALAS_NATS_URL"):
        await EmbeddedNats(tmp_path).prepare()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"nats": []}'])
async def test_half_written_ports_file_is_ignored(text: str, tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, lambda line: None)
    await server.prepare()
    running = await server.launch()
    path = tmp_path / "nats" / f"nats-server_{running.pid}.ports"
    path.write_text(text)
    await server.ready(running)
    await server.stop(running)


def test_free_port_can_be_listened_on() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))


async def _ignore(error: Exception) -> None:
    """nats-py prints what no callback takes."""
