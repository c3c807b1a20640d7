import asyncio

import aiohttp
import pytest
from aiohttp import web

from support.small_server import demo, raw
from support.wait import PATIENCE
from talas_core.web.server import WebServer


async def test_server_serves_on_a_port_of_the_system() -> None:
    server = await WebServer.start(demo()[0])
    port = await server.listen("127.0.0.1", 0)
    said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b'{"success":true,"data":"quick"}')
    await server.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"what is this\r\n\r\n", b"400"),
        (b"GET /quick HTTP/1.1\r\nHost x\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    ],
)
async def test_bytes_that_are_not_http_are_refused_in_our_shape(
    request_bytes: bytes, status: bytes
) -> None:
    server = await WebServer.start(demo()[0])
    port = await server.listen("127.0.0.1", 0)
    said = await raw(port, request_bytes)
    assert said.startswith((b"HTTP/1.1 " + status, b"HTTP/1.0 " + status))
    assert b'{"success":false,"error":{' in said
    assert b"nosniff" in said
    assert b"X-Request-ID" in said
    assert b"aiohttp" not in said
    assert b"Python" not in said
    await server.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /quick HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\n\r\n", b"417"),
        (b"GET /quick HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
        (b"GET /quick\r\n\r\n", b"400"),
    ],
)
async def test_head_of_another_http_is_refused_in_ours_and_closed(
    head: bytes, status: bytes
) -> None:
    server = await WebServer.start(demo()[0])
    port = await server.listen("127.0.0.1", 0)
    said = await raw(port, head)
    assert said.startswith((b"HTTP/1.1 " + status, b"HTTP/1.0 " + status))
    assert b'{"success":false,"error":{' in said
    assert b"X-Request-ID" in said
    assert b"nosniff" in said
    await server.close()


@pytest.mark.parametrize(
    "first",
    [
        b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /quick HTTP/1.0\r\n\r\n",
    ],
)
async def test_bytes_after_the_last_request_change_nothing(first: bytes) -> None:
    server = await WebServer.start(demo()[0])
    port = await server.listen("127.0.0.1", 0)
    before = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
    for follows in (before, b"garbage", first):
        said = await raw(port, before + first + follows)
        assert said.count(b"HTTP/1.") == said.count(b" 200 OK") == 2
        assert said.endswith(b'"quick"}')
    await server.close()


async def test_close_lets_a_request_in_hand_finish() -> None:
    app, entered, leave = demo()
    server = await WebServer.start(app, shutdown_seconds=5)
    port = await server.listen("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        pending = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/slow"))
        await entered.wait()
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0.02)
        assert not closing.done()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        leave.set()
        response = await pending
        assert response.status == 200
        assert (await response.json())["data"] == "done"
        await closing


async def test_close_does_not_wait_past_its_deadline() -> None:
    app, entered, _ = demo()
    server = await WebServer.start(app, shutdown_seconds=0.05)
    port = await server.listen("127.0.0.1", 0)
    pending = asyncio.create_task(raw(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
    await entered.wait()
    async with asyncio.timeout(PATIENCE):
        await server.close()
    assert await pending == b""


async def test_a_front_door_may_hand_a_connection_over() -> None:
    """As the stream port does: it reads the head, then passes transport and head on."""
    server = await WebServer.start(demo()[0])

    class Door(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            assert isinstance(self.transport, asyncio.Transport)
            inner = server.protocol()
            self.transport.set_protocol(inner)
            inner.connection_made(self.transport)
            inner.data_received(data)

    door = await asyncio.get_running_loop().create_server(Door, "127.0.0.1", 0)
    port = door.sockets[0].getsockname()[1]
    said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    door.close()
    await server.close()


async def test_two_servers_may_share_a_port() -> None:
    first = await WebServer.start(demo()[0])
    second = await WebServer.start(demo()[0])
    port = await first.listen("127.0.0.1", 0, reuse_port=True)
    assert await second.listen("127.0.0.1", port, reuse_port=True) == port
    await first.close()
    said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    await second.close()


async def test_a_port_in_use_is_an_oserror() -> None:
    first = await WebServer.start(demo()[0])
    second = await WebServer.start(demo()[0])
    port = await first.listen("127.0.0.1", 0)
    with pytest.raises(OSError):
        await second.listen("127.0.0.1", port)
    await first.close()
    await second.close()


async def test_ipv4_and_ipv6_share_a_port() -> None:
    server = await WebServer.start(demo()[0])
    try:
        port = await server.listen("127.0.0.1,::1", 0)
    except OSError as error:
        await server.close()
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    for host in ("127.0.0.1", "::1"):
        said = await raw(port, b"GET /quick HTTP/1.0\r\n\r\n", host)
        assert said.split(b" ", 2)[1] == b"200"
    await server.close()


@pytest.mark.parametrize(("path", "words"), [("/crash", b" 500 "), ("/midway", b" 200 ")])
async def test_an_application_without_our_rules_shows_nothing_either(
    path: str, words: bytes
) -> None:
    async def crash(_: web.Request) -> web.Response:
        raise RuntimeError("internals")

    async def midway(request: web.Request) -> web.Response:
        await web.StreamResponse().prepare(request)
        raise RuntimeError("internals")

    app = web.Application()
    app.router.add_get("/crash", crash)
    app.router.add_get("/midway", midway)
    server = await WebServer.start(app)
    port = await server.listen("127.0.0.1", 0)
    said = await raw(port, b"GET %s HTTP/1.0\r\nHost: x\r\n\r\n" % path.encode())
    assert words in said
    assert b"internals" not in said
    assert said.count(b"HTTP/1") == 1
    await server.close()


async def test_bytes_after_a_wish_for_another_protocol_are_not_read_as_a_request() -> None:
    """The connection ends with the first answer, instead of losing the second request."""
    server = await WebServer.start(demo()[0])
    port = await server.listen("127.0.0.1", 0)
    first = b"GET /quick HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    said = await raw(port, first + b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close\r\n" in said
    await server.close()
