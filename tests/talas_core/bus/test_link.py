"""Bad days of the connection itself, against a real server and against sockets that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.wait import PATIENCE
from talas_core.bus import link
from talas_core.bus.link import NatsLink, settle
from talas_core.bus.nats import NatsBus
from talas_core.errors import SettingError

TOKEN = "t0ken-nobody-may-see"


@pytest.mark.parametrize(
    "url",
    [
        "",
        ",",
        "127.0.0.1:4222",
        "http://127.0.0.1",
        "nats://",
        "nats://h:port",
        "nats://[x",
        "nats://127.0.0.1?owner=me",
        "tls:",
    ],
)
async def test_malformed_bus_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingError, match="TALAS_NATS_URL") as caught:
        await NatsBus.open(url, name="t")
    assert "127.0.0.1" not in str(caught.value)


async def test_link_opens_in_time_and_connects_when_the_server_comes(
    make_server: Callable[..., Any], until: Any
) -> None:
    server = make_server()
    server.kill()
    started = asyncio.get_running_loop().time()
    bus = await NatsBus.open(server.url, name="t", wait=0.2)
    assert asyncio.get_running_loop().time() - started < 2
    assert not bus.connected
    calls: list[int] = []
    bus.on_reconnect(lambda: calls.append(1))
    server.start()
    await until(lambda: bus.connected)
    await until(lambda: calls == [1])
    await bus.close()


async def test_link_logs_one_line_each_time_it_breaks_or_mends_without_its_token(
    make_server: Callable[..., Any], until: Any
) -> None:
    server = make_server(token=TOKEN)
    with capture_logs() as lines:
        bus = await NatsBus.open(server.url, name="t")
        server.kill()
        await until(lambda: not bus.connected)
        await asyncio.sleep(0.3)  # several attempts must add no line
        server.start()
        await until(lambda: bus.connected)
        await bus.close()
    events = [line["event"] for line in lines]
    assert events == ["bus connected", "bus connection lost", "bus is away", "bus reconnected"]
    assert TOKEN not in repr(lines)
    assert lines[0]["server"] == f"127.0.0.1:{server.port}"


async def test_a_refused_token_is_tried_again_until_it_is_right(
    make_server: Callable[..., Any], until: Any
) -> None:
    server = make_server(token=TOKEN)
    server.kill()
    server.start(token="another")
    with capture_logs() as lines:
        bus = await NatsBus.open(server.url, name="t", wait=0.3)
        assert not bus.connected
        server.kill()
        server.start()
        await until(lambda: bus.connected)
        await bus.close()
    assert "authorization" in repr(lines).lower()
    assert TOKEN not in repr(lines)


async def test_link_to_a_list_of_servers_uses_whichever_answers(
    make_server: Callable[..., Any], unused_tcp_port: int
) -> None:
    server = make_server()
    url = f"nats://127.0.0.1:{unused_tcp_port}, nats://127.0.0.1:{server.port}"
    bus = await NatsBus.open(url, name="t")
    assert bus.connected
    await bus.close()


@pytest.mark.parametrize(
    "greeting", [b"", b"HTTP/1.1 400 no\r\n\r\n", b"INFO {not json}\r\n", b"x"]
)
async def test_a_server_that_is_not_nats_is_tried_again(
    greeting: bytes, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.05)
    open_now = 0
    met = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met, open_now
        met += 1
        open_now += 1
        writer.write(greeting)
        await reader.read()
        open_now -= 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bus = await NatsBus.open(f"nats://127.0.0.1:{port}", name="t", wait=0.01)
    await until(lambda: met >= 3)
    assert open_now <= 1, "an attempt that failed leaves no connection behind"
    await asyncio.wait_for(bus.close(), PATIENCE)
    await until(lambda: open_now == 0)
    server.close()


async def test_a_server_that_no_longer_answers_is_noticed(
    make_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr(link, "PING_SECONDS", 0.05)
    server = make_server()
    bus = await NatsBus.open(server.url, name="t")
    server.freeze()
    await until(lambda: not bus.connected)
    server.thaw()
    await until(lambda: bus.connected)
    await bus.close()


async def test_connection_whose_reader_died_is_made_anew(
    make_server: Callable[..., Any], until: Any
) -> None:
    bus = await NatsBus.open(make_server().url, name="t")
    client = bus._link.client
    assert client is not None and client._reading_task is not None
    client._reading_task.cancel()  # the library takes no notice of how it ended
    await until(lambda: bus.connected and bus._link.client is not client)
    heard: list[bytes] = []
    await bus.subscribe("s", heard.append)
    await bus.publish("s", b"still here")
    await until(lambda: heard == [b"still here"])
    await bus.close()


async def test_server_that_has_moved_is_found_where_it_is_said_to_be(
    make_server: Callable[..., Any], until: Any
) -> None:
    here, there = make_server(), make_server()
    where = [here.url]
    bus = await NatsBus.open(lambda: where[0], name="t")
    where[0] = there.url
    here.kill()
    await until(lambda: bus.connected)
    await bus.close()


async def test_link_whose_subscriptions_failed_does_not_count_as_up(
    make_server: Callable[..., Any], until: Any
) -> None:
    tries = 0
    ups = 0

    async def prepare(_: object) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RuntimeError("not yet")

    def up() -> None:
        nonlocal ups
        ups += 1

    server = make_server()
    one = NatsLink(lambda: server.url, "t", prepare, up, lambda: None)
    assert one.client is None
    await one.stop()
    await one.start(5)
    assert one.client is not None
    assert (tries, ups) == (3, 1)
    await settle(one.client)
    await one.stop()
    await one.stop()
    assert one.client is None


async def test_an_error_the_server_reports_is_logged_and_survived(
    make_server: Callable[..., Any], tmp_path: Any, until: Any
) -> None:
    may = "{publish: [ok, '_INBOX.>']}"
    rules = f"authorization {{ users = [{{user: u, password: p, permissions: {may}}}] }}"
    server = make_server()
    server.kill()
    server.start(config=rules)
    with capture_logs() as lines:
        bus = await NatsBus.open(f"nats://u:p@127.0.0.1:{server.port}", name="t")
        for _ in range(20):
            await bus.publish("forbidden", b"")
        await until(lambda: any(line["event"] == "bus error" for line in lines))
        await bus.subscribe("s", print)  # a round trip: every complaint has arrived
        assert bus.connected
        await bus.close()
    assert [line["event"] for line in lines].count("bus error") == 1
    assert "u:p" not in repr(lines)
