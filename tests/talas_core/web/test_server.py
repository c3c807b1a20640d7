import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from talas_core.web import body
from talas_core.web import server as server_module
from talas_core.web.answers import answer
from talas_core.web.application import application
from talas_core.web.headers import Cors
from talas_core.web.peer import Proxies
from talas_core.web.server import Deadlines, WebServer


async def raw(port: int, request: bytes, host: str = "127.0.0.1") -> bytes:
    """Everything the server says to `request` before it closes."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    async with asyncio.timeout(10):
        said = await reader.read()
    writer.close()
    return said


def demo() -> tuple[web.Application, asyncio.Event, asyncio.Event]:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        return answer("done")

    async def quick(_: web.Request) -> web.Response:
        return answer("quick")

    app = application(cors=Cors([]))
    app.router.add_get("/slow", slow)
    app.router.add_get("/quick", quick)
    return app, entered, leave


async def test_serves_on_a_port_of_the_system() -> None:
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
async def test_what_is_not_http_is_refused_in_our_shape(
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
    async with asyncio.timeout(5):
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


async def test_both_families_share_a_port() -> None:
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


def half_open(port: int) -> socket.socket:
    """A connection that begins a request and never ends it."""
    client = socket.create_connection(("127.0.0.1", port))
    client.send(b"GET /quick HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    client.setblocking(False)
    return client


@asynccontextmanager
async def served(
    app: web.Application | None = None, most: int = 5000, **seconds: float
) -> AsyncIterator[int]:
    """A server with these deadlines; its port."""
    server = await WebServer.start(
        app or demo()[0], deadlines=Deadlines(**seconds), connections=most, shutdown_seconds=0.05
    )
    yield await server.listen("127.0.0.1", 0)
    await server.close()


@pytest.mark.checklist(24)
async def test_a_thousand_half_open_connections_end_with_408_and_delay_nobody() -> None:
    async with served(head_seconds=1.5) as port:
        loop = asyncio.get_running_loop()
        began = loop.time()
        slow = [half_open(port) for _ in range(1000)]
        async with asyncio.timeout(5):
            said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(20):
            heads = [await loop.sock_recv(client, 4096) for client in slow]
        assert all(head.startswith(b"HTTP/1.1 408 Request Timeout\r\n") for head in heads)
        assert loop.time() - began >= 1.5
        assert b'"code":"too_slow"' in heads[0]
        assert b"nosniff" in heads[0]
        assert b"Connection: close" in heads[0]
        for client in slow:
            assert await loop.sock_recv(client, 100) == b"", "closed"
            client.close()


@pytest.mark.checklist(24)
async def test_a_byte_now_and_then_does_not_put_the_deadline_off() -> None:
    async with served(head_seconds=0.5) as port:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /quick HTTP/1.1\r\n")
        trickle = asyncio.create_task(_trickle(writer, b"X: y\r\n"))
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        assert 0.5 <= loop.time() - began < 5
        trickle.cancel()
        writer.close()


async def _trickle(writer: asyncio.StreamWriter, crumb: bytes) -> None:
    while True:
        writer.write(crumb)
        await asyncio.sleep(0.02)


async def test_who_says_nothing_is_closed_without_a_word() -> None:
    async with served(head_seconds=0.1) as port:
        assert await raw(port, b"") == b""


async def test_a_later_head_has_its_own_deadline() -> None:
    async with served(head_seconds=0.3, idle_seconds=60.0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in await reader.readline()
            await reader.readuntil(b'"quick"}')
        await asyncio.sleep(0.4)  # idle for longer than a head may take: that is another matter
        writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in await reader.readline()
        await reader.readuntil(b'"quick"}')
        writer.write(b"GET /quick HT")
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_head_in_two_parts_is_served_and_its_deadline_forgotten() -> None:
    app, entered, leave = demo()
    async with served(app, head_seconds=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /slow HTTP/1.1\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"Host: x\r\n\r\n")
        await entered.wait()
        await asyncio.sleep(0.3)
        leave.set()
        assert b" 200 " in await reader.readline()
        writer.close()


async def test_idle_connections_are_closed() -> None:
    async with served(idle_seconds=0.2) as port:
        said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.checklist(24)
async def test_a_body_nobody_asked_for_does_not_hold_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(server_module._LIMITS, "lingering_time", 0.2)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        trickle = asyncio.create_task(_trickle(writer, b"x"))
        async with asyncio.timeout(10):
            assert b" 200 " in await reader.readline()
            with contextlib.suppress(ConnectionResetError):  # it has not read the latest byte
                await reader.read()
        trickle.cancel()
        writer.close()


async def test_an_answer_that_is_not_read_is_cut() -> None:
    cut = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1_000_000)
        finally:
            cut.set()

    app = application(cors=Cors([]))
    app.router.add_get("/endless", endless)
    async with served(app, stall_seconds=0.3) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(20):
                await cut.wait()


@pytest.mark.checklist(24)
async def test_connections_are_bounded_and_places_come_back() -> None:
    async with served(held(), most=3) as port:
        holders = [await holding(port) for _ in range(3)]
        said = await until_status(port, b"503")
        assert b"Retry-After: 5" in said
        assert b"nosniff" in said
        holders.pop().close()
        await until_status(port, b"200")
        for holder in holders:
            holder.close()


def held() -> web.Application:
    """GET /held begins an answer that never ends; GET /quick is answered at once."""

    async def hold(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.Event().wait()
        return response

    app = demo()[0]
    app.router.add_get("/held", hold)
    return app


async def holding(port: int) -> asyncio.StreamWriter:
    """A connection with a request in hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(10):
        await reader.readuntil(b"begun")
    return writer


BEGINNINGS = {
    "nothing": b"",
    "half a head": b"GET /quick HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "half a body": b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    "no next request": b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.checklist(24)
@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
async def test_connections_without_a_request_in_hand_keep_nobody_out(sent: bytes) -> None:
    async with served(held(), most=40) as port:
        kept = await holding(port)
        idle = []
        for _ in range(60):
            idle.append(await asyncio.open_connection("127.0.0.1", port))
            idle[-1][1].write(sent)
        for _ in range(20):
            said = await raw(port, b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(10):
            await asyncio.gather(
                *(reader.read() for reader, _ in idle[:50]), return_exceptions=True
            )
        assert not kept.transport.is_closing()
        for _, writer in idle:
            writer.close()
        kept.close()


@pytest.mark.checklist(24)
async def test_a_busy_client_with_many_connections_loses_none() -> None:
    """More than may idle, but each with a request in hand nearly all the time."""
    async with served(most=400) as port:
        clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(90)]
        for _ in range(3):
            for _, writer in clients:
                writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            for reader, _ in clients:
                async with asyncio.timeout(10):
                    assert b" 200 " in await reader.readline()
                    await reader.readuntil(b'"quick"}')
        for _, writer in clients:
            writer.close()


async def test_connections_of_a_trusted_proxy_may_all_be_idle() -> None:
    app = application(cors=Cors([]), proxies=Proxies(["127.0.0.0/8"]))
    async with served(app, most=8) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        assert (await until_status(port, b"503")).startswith(b"HTTP/1.1 503")
        assert not any(reader.at_eof() for reader, _ in idle)
        for _, writer in idle:
            writer.close()


@pytest.mark.checklist(25)
async def test_a_long_body_in_tiny_chunks_leaves_others_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A whole megabyte comes at once; never is more than a slice of it parsed in one turn."""
    most = 0
    parse = server_module._Connection._parse

    def watched(self: Any, data: bytes) -> None:
        nonlocal most
        most = max(most, len(data))
        parse(self, data)

    async def taken(request: web.Request) -> web.Response:
        return answer(len(await body.raw(request)))

    monkeypatch.setattr(server_module._Connection, "_parse", watched)
    app = application(cors=Cors([]))
    app.router.add_post("/taken", taken)
    head = b"POST /taken HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunked = head + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with served(app) as port:
        for chunks, status in ((60_000, b"200"), (170_000, b"413")):
            said = await raw(port, chunked + b"1\r\nx\r\n" * chunks + b"0\r\n\r\n")
            assert said.split(b" ", 2)[1] == status
            assert chunks != 60_000 or said.endswith(b'"data":60000}')
        whole = head + b"Connection: close\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
        assert (await raw(port, whole)).endswith(b'"data":60000}')
    assert 0 < most <= server_module.SLICE_BYTES


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
        b"Content-Encoding: br\r\nContent-Length: 8\r\n\r\nno br at",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcdefgh",
    ],
)
async def test_a_bad_body_behind_an_answer_is_no_failure_of_ours(
    rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[object] = []
    monkeypatch.setattr(RequestHandler, "log_exception", lambda *a, **k: failures.append((a, k)))
    monkeypatch.setitem(server_module._LIMITS, "lingering_time", 0.2)
    async with served() as port:
        said = await raw(port, b"POST /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + rest)
        assert said.split(b" ", 2)[1] in (b"400", b"405")
    assert failures == []


async def until_status(port: int, status: bytes) -> bytes:
    """What is said once a new connection is answered with `status`."""
    asking = b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with asyncio.timeout(10):
        while True:
            # Who is refused before he was read may find the connection reset.
            with contextlib.suppress(ConnectionError):
                said = await raw(port, asking)
                if said.startswith(b"HTTP/1.1 " + status):
                    return said


async def test_an_upgraded_connection_has_no_deadline_of_ours() -> None:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app = application(cors=Cors([]))
    app.router.add_get("/ws", chat)
    seconds = {"head_seconds": 0.1, "idle_seconds": 0.1, "stall_seconds": 0.1}
    async with (
        served(app, **seconds) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/ws") as client,
    ):
        for _ in range(3):
            await client.send_str("hello")
            assert await client.receive_str() == "hello"
            await asyncio.sleep(0.2)


@pytest.mark.checklist(26)
async def test_requests_behind_a_slow_one_wait_in_the_clients_socket() -> None:
    """Pipelining is bounded: who sends thousands of requests at once is not read from."""
    app, entered, leave = demo()
    async with served(app) as port:
        client = socket.create_connection(("127.0.0.1", port))
        client.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await entered.wait()
        client.settimeout(0.3)
        many = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += await asyncio.to_thread(client.send, many)
        assert sent < 16_000_000, "no more than the kernel's buffers hold"
        leave.set()
        client.close()


@pytest.mark.checklist(27)
@pytest.mark.parametrize(
    ("line", "status", "allow"),
    [
        (b"GET /quick HTTP/1.1", 200, b""),
        (b"HEAD /quick HTTP/1.1", 200, b""),
        (b"POST /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"DELETE /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"TRACE /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"TRACK /quick HTTP/1.1", 400, b""),
        (b"PROPFIND /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"OPTIONS /quick HTTP/1.1", 405, b"Allow: GET,HEAD"),
        (b"TRACE / HTTP/1.1", 404, b""),
        (b"CONNECT example.com:443 HTTP/1.1", 404, b""),
        (b"get /quick HTTP/1.1", 400, b""),
        (b"G@T /quick HTTP/1.1", 400, b""),
    ],
)
async def test_only_declared_methods_and_no_echo(line: bytes, status: int, allow: bytes) -> None:
    async with served() as port:
        secret = b"Connection: close\r\nAuthorization: Bearer secret"
        said = await raw(port, line + b"\r\nHost: x\r\n" + secret + b"\r\n\r\n")
        assert said.split(b" ", 2)[1] == str(status).encode(), said
        assert allow in said
        assert b"secret" not in said


@pytest.mark.checklist(25)
async def test_too_many_header_lines_are_refused() -> None:
    async with served() as port:
        said = await raw(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n")
        assert said.split(b" ", 2)[1] == b"431"
