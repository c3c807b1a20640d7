"""The chat through real sockets: what a conversation cannot see."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType

from support.api import Composed
from support.chat import Talker, talking
from support.client_frames import BINARY, CLOSE, HANDSHAKE, PART, PING, PONG, TEXT, frame, upgraded
from support.client_frames import close_code as code_of
from support.wait import PATIENCE, auntil
from talas_api.chat import endpoint as module
from talas_api.chat.intake import Intake
from talas_api.chat.limits import FRAME_BYTES, Limits
from talas_api.chat.requests.conversation import Conversation
from talas_core.web.server import WebServer


@pytest.fixture
async def socket(composed: Composed) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A bare socket, not signed in."""
    async with composed.chat.ws_connect("/ws", autoping=False) as socket:
        yield socket


async def close_code(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code the server closes with; frames before are passed over."""
    async with asyncio.timeout(PATIENCE):
        async for _ in socket:
            pass
    return socket.close_code


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8080", 101),
        ("http://localhost:8080", 101),
        ("http://127.0.0.1:8081", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_handshake_of_a_page_of_another_origin_is_refused(
    composed: Composed, origin: str, status: int
) -> None:
    headers = {**HANDSHAKE, "Origin": origin}
    async with composed.chat.get("/ws", headers=headers) as response:
        assert response.status == status
        if status == 403:
            assert (await response.json())["error"]["code"] == "origin_refused"


async def test_handshake_of_another_websocket_version_is_426(composed: Composed) -> None:
    reader, writer = await asyncio.open_connection(composed.chat.host, composed.chat.port)
    lines = [f"{name}: {value}" for name, value in HANDSHAKE.items() if "Version" not in name]
    wish = ["GET /ws HTTP/1.1", "Host: localhost", *lines, "Sec-WebSocket-Version: 12", "", ""]
    writer.write("\r\n".join(wish).encode())
    async with asyncio.timeout(PATIENCE):
        said = (await reader.read()).decode()
    writer.close()
    assert said.startswith("HTTP/1.1 426 Upgrade Required\r\n")
    for line in ("Sec-WebSocket-Version: 13", "Upgrade: websocket", "Connection: upgrade, close"):
        assert f"\r\n{line}\r\n" in said
    assert '"code":"websocket_version"' in said


async def test_handshake_in_http_1_0_is_refused(composed: Composed) -> None:
    async with aiohttp.ClientSession(version=aiohttp.HttpVersion10) as old:
        url = composed.chat.make_url("/ws")
        async with old.get(url, headers=HANDSHAKE) as response:
            assert response.status == 400


@pytest.mark.checklist(16)
async def test_compression_is_not_agreed_on(composed: Composed) -> None:
    async with composed.chat.ws_connect("/ws", compress=15) as socket:
        assert not socket.compress


async def test_request_that_is_no_handshake_is_refused(composed: Composed) -> None:
    async with composed.chat.get("/ws") as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "bad_input"


@pytest.mark.parametrize(
    "field", [{"Content-Length": "5"}, {"Transfer-Encoding": "chunked"}], ids=["length", "chunked"]
)
async def test_handshake_with_a_body_is_refused(composed: Composed, field: dict[str, str]) -> None:
    url = composed.chat.make_url("/ws")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    lines = [f"{name}: {value}" for name, value in (HANDSHAKE | field).items()]
    request = "\r\n".join(["GET /ws HTTP/1.1", f"Host: 127.0.0.1:{url.port}", *lines, "", ""])
    writer.write(request.encode() + b"5\r\nhello\r\n0\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_handshake_at_a_full_server_is_503(
    composed: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await composed.api.chat.drain(0.1)
    async with composed.chat.get("/ws", headers=HANDSHAKE) as response:
        assert response.status == 503


async def test_a_ping_is_answered_with_its_payload(
    socket: aiohttp.ClientWebSocketResponse,
) -> None:
    await socket.ping(b"are you there")
    frame = await socket.receive(5)
    assert (frame.type, frame.data) == (WSMsgType.PONG, b"are you there")
    await socket.pong(b"unasked")
    await socket.send_str('{"type":"ping","ref":1}')
    assert await socket.receive_json(timeout=5) == {"type": "pong", "ref": 1}


@pytest.mark.parametrize("payload", ["nonsense", "[]", '"x"'])
async def test_frame_of_nonsense_closes_with_4201(
    socket: aiohttp.ClientWebSocketResponse, payload: str
) -> None:
    await socket.send_str(payload)
    assert await close_code(socket) == 4201


async def test_a_binary_frame_closes_with_4201(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_bytes(b'{"type":"ping"}')
    assert await close_code(socket) == 4201


@pytest.mark.checklist(16)
async def test_frames_of_64_kib_are_read_and_larger_ones_end_the_socket(
    socket: aiohttp.ClientWebSocketResponse,
) -> None:
    frame = msgspec.json.encode({"type": "nothing", "ref": 1}).decode()
    await socket.send_str(frame.ljust(FRAME_BYTES))
    assert (await socket.receive_json(timeout=5))["code"] == "bad_input"
    await socket.send_str(frame.ljust(FRAME_BYTES + 1))
    assert await close_code(socket) == 4201


async def test_a_large_frame_is_refused_with_its_code_even_while_it_is_sent(
    socket: aiohttp.ClientWebSocketResponse,
) -> None:
    await socket.send_str("x" * 2_000_000)
    assert await close_code(socket) == 4201


async def test_client_that_sends_faster_than_it_is_served_is_read_no_further(
    composed: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reads are of all sizes, and the large ones are taken apart on their way."""
    served, made = asyncio.Event(), []

    async def receive(self: Conversation, raw: bytes) -> None:
        await served.wait()

    def intake(source: Any) -> Intake:
        made.append((Intake(source), source))
        return made[0][0]

    monkeypatch.setattr(Conversation, "receive", receive)
    monkeypatch.setattr(module, "Intake", intake)
    server = await WebServer.start(composed.api.applications()[1])
    _, writer = await upgraded("127.0.0.1", await server.listen("127.0.0.1", 0))
    writer.write(frame(b"x" * 1000) * 20_000)
    await auntil(lambda: bool(made))
    [(waiting, connection)] = made
    await auntil(lambda: waiting._paused and not connection._held)
    transport = connection.transport
    assert not transport.is_reading()
    served.set()
    await auntil(transport.is_reading)
    writer.transport.abort()
    await server.close()


@pytest.mark.checklist(16)
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xc1\x80" + bytes(4), 1002),  # a reserved bit
        (b"\x83\x80" + bytes(4), 1002),  # a reserved opcode
        (b'\x81\x0f{"type":"ping"}', 1002),  # not masked
        (frame(b"", PING, final=False), 1002),
        (frame(b"x" * 126, PING), 1002),
        (frame(b"x", PART), 1002),
        (frame(b"\x03\xee", CLOSE), 1002),  # 1006
        (frame(b"x", CLOSE), 1002),
        (frame(b"\x03\xe8\xff", CLOSE), 1007),
        (frame(b'{"type":"ping","ref":"\xff"}'), 1007),
        (frame(b'{"type":"ping","other":"\xff"}'), 1007),
        (frame(b"\xff"), 1007),
        (frame(b"{}", BINARY), 4201),
        (frame(b""), 4201),
        (frame(b"nonsense"), 4201),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else value,
)
async def test_frame_against_the_protocol_closes_with_its_code(
    composed: Composed, data: bytes, code: int
) -> None:
    reader, writer = await raw(composed)
    writer.write(data)
    assert await code_of(reader) == code
    writer.write(frame(code.to_bytes(2), CLOSE))
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""  # and then the connection, too
    writer.transport.abort()


async def raw(composed: Composed) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upgraded connection without a WebSocket library."""
    server: Any = composed.chat.server
    return await upgraded(server.host, server.port)


FLOODS = {
    "pings": frame(b"", PING),
    "pongs": frame(b"x", PONG),
    "empty parts": frame(b"", PART, final=False),
    "parts of a byte": frame(b"x", PART, final=False),
}
STRANGER_FRAMES = int(Limits().stranger_frames)


@pytest.mark.checklist(16)
@pytest.mark.parametrize("name", FLOODS)
async def test_flood_before_the_sign_in_is_cut_with_4202(composed: Composed, name: str) -> None:
    reader, writer = await raw(composed)
    if "parts" in name:
        writer.write(frame(b"", TEXT, final=False))
    writer.write(FLOODS[name] * 5000)
    started = asyncio.get_running_loop().time()
    answered = await pongs_before(reader, 4202)
    assert answered <= 2 * STRANGER_FRAMES + 1 + (asyncio.get_running_loop().time() - started) * 2
    assert (answered >= STRANGER_FRAMES) == (name == "pings")
    writer.transport.abort()


@pytest.mark.checklist(16)
async def test_flood_after_the_sign_in_is_cut_with_4202(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    reader, writer = await raw(composed)
    writer.write(frame(msgspec.json.encode({"type": "auth", "token": token})))
    await reader.readuntil(b"auth.ok")
    await reader.readuntil(b"}}")
    writer.write(FLOODS["pings"] * 20_000)
    started = asyncio.get_running_loop().time()
    answered = await pongs_before(reader, 4202)
    seconds = asyncio.get_running_loop().time() - started
    assert 200 < answered <= 2 * (200 + 20 * seconds)
    writer.transport.abort()


async def pongs_before(reader: asyncio.StreamReader, code: int) -> int:
    """How many empty pongs come before the close with that code."""
    count = 0
    async with asyncio.timeout(PATIENCE):
        while (head := await reader.readexactly(2)) == b"\x8a\x00":
            count += 1
        assert head[0] == 0x88
        assert int.from_bytes((await reader.readexactly(head[1]))[:2]) == code
    return count


@pytest.mark.checklist(16)
async def test_pings_of_an_honest_client_are_answered_for_ever(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        for _ in range(150):
            await talker.socket.ping()
        assert (await talker.ask("ping"))["type"] == "pong"


@pytest.mark.checklist(16)
async def test_sockets_of_one_address_before_the_sign_in_are_counted(
    composed: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = composed.api.chat
    monkeypatch.setattr(chat, "_limits", Limits(strangers_per_address=2))
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat) as talker, talking(composed.chat):
        async with composed.chat.get("/ws", headers=HANDSHAKE) as response:
            assert response.status == 429
            assert "Retry-After" in response.headers
            assert (await response.json())["error"]["code"] == "too_many"
        await talker.sign_in(token)
        async with talking(composed.chat) as third:
            assert (await third.ask("ping"))["type"] == "pong"


async def test_client_that_says_goodbye_and_does_not_read_is_cut(
    composed: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.05)
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        _, writer = await raw(composed)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        stuck = await unread(composed, talker, token, writer)
        writer.write(frame(b"", CLOSE))
        await auntil(lambda: stuck.is_closing() and not stuck.get_write_buffer_size())
        writer.transport.abort()


async def unread(
    composed: Composed, talker: Talker, token: str, writer: asyncio.StreamWriter
) -> asyncio.Transport:
    """The server's end of a member who reads nothing, once something waits there."""
    room = (await talker.ask("room.create", name="Hall"))["room"]
    writer.write(frame(msgspec.json.encode({"type": "auth", "token": token})))
    writer.write(frame(msgspec.json.encode({"type": "room.join", "room": room})))
    [live] = [place.room for place in composed.api.chat._hub._opened.values()]
    await auntil(lambda: len(live.members) == 2)
    [line] = [one for one in live.members if one is not next(iter(live.members))]
    for number in range(100):
        await talker.send(room, f"{number} ".ljust(4000, "🎧"), nonce=str(number))
        if line.waiting:  # type: ignore[attr-defined]
            break
    transport: asyncio.Transport = line._transport  # type: ignore[attr-defined]
    assert transport.get_write_buffer_size()
    return transport


async def test_close_frame_is_answered_with_one(composed: Composed) -> None:
    async with talking(composed.chat) as talker:
        await talker.socket.close(code=1000)
        assert talker.socket.close_code == 1000


async def test_client_that_vanishes_is_forgotten(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    chat = composed.api.chat
    async with talking(composed.chat, token) as talker:
        room = (await talker.ask("room.create", name="Hall"))["room"]
        _, writer = await raw(composed)
        await auntil(lambda: len(chat._watches) == 2)
        writer.transport.abort()
        await auntil(lambda: len(chat._watches) == 1)
        await talker.send(room, "still here")
    await auntil(lambda: not chat._watches)


async def test_a_logout_closes_with_4102(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        await composed.call("POST", "/api/auth/logout", token=token)
        assert await talker.closed() == 4102


async def test_a_disabled_account_closes_with_4102_and_the_next_sign_in_is_refused(
    composed: Composed, admin_token: str
) -> None:
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        _, body = await composed.call("GET", "/api/auth/profile", token=token)
        path = f"/api/admin/users/{body['data']['id']}/disable"
        assert (await composed.call("POST", path, token=admin_token))[0] == 200
        assert await talker.closed() == 4102
    async with talking(composed.chat) as talker:
        assert (await talker.ask("auth", token=token))["code"] == "unauthorized"


async def test_drain_closes_with_4002_after_the_acks(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        room = (await talker.ask("room.create", name="Hall"))["room"]
        acks = [talker.begin("message.send", room=room, nonce=str(n), text="x") for n in range(50)]
        await talker.ask("ping")
        await composed.api.chat.drain(2)
        assert [(await ack)["type"] for ack in acks] == ["ack"] * 50
        assert await talker.closed() == 4002


async def test_a_client_that_never_reads_is_cut_alone(composed: Composed) -> None:
    tokens = [(await composed.sign_up(name))["access_token"] for name in ("ada", "bob")]
    async with talking(composed.chat, tokens[0]) as reading:
        room = (await reading.ask("room.create", name="Hall"))["room"]
        _, writer = await raw(composed)
        for request in (
            {"type": "auth", "token": tokens[1]},
            {"type": "room.join", "room": room},
        ):
            payload = msgspec.json.encode(request)
            head = bytes((0x81, 0xFE)) + len(payload).to_bytes(2) + bytes(4)
            writer.write(head + payload)
        await reading.ask("ping")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        chat = composed.api.chat
        for number in range(150):
            await reading.send(room, f"{number} ".ljust(4000, "🎧"), nonce=str(number))
            if any(one.line.code is not None for one in chat._watches):
                break
        codes = [one.line.code for one in chat._watches]
        assert 4000 in codes
        assert number < 60  # 16 KB each: the budget, and what the two kernels may hold
        await reading.send(room, "still here")
        await reading.hears("still here")
        assert reading.code is None
        writer.transport.abort()
