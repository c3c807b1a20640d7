"""The chat through real sockets: what a conversation cannot see."""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import WSMsgType

from support.api import Composed
from support.chat import talking
from support.wait import auntil
from talas_api.chat.limits import FRAME_BYTES

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
async def socket(composed: Composed) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A bare socket, not signed in."""
    async with composed.chat.ws_connect("/ws", autoping=False) as socket:
        yield socket


async def close_code(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code the server closes with; frames before are passed over."""
    async with asyncio.timeout(10):
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
async def test_only_our_own_pages_may_come(composed: Composed, origin: str, status: int) -> None:
    headers = {**HANDSHAKE, "Origin": origin}
    async with composed.chat.get("/ws", headers=headers) as response:
        assert response.status == status
        if status == 403:
            assert (await response.json())["error"]["code"] == "origin_refused"


async def test_compression_is_not_agreed_on(composed: Composed) -> None:
    async with composed.chat.ws_connect("/ws", compress=15) as socket:
        assert not socket.compress


async def test_what_is_no_handshake_is_told(composed: Composed) -> None:
    async with composed.chat.get("/ws") as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "bad_input"


async def test_a_full_house_says_so_before_the_upgrade(
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
async def test_nonsense_closes_with_4201(
    socket: aiohttp.ClientWebSocketResponse, payload: str
) -> None:
    await socket.send_str(payload)
    assert await close_code(socket) == 4201


async def test_a_binary_frame_closes_with_4201(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_bytes(b'{"type":"ping"}')
    assert await close_code(socket) == 4201


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


async def test_frames_against_the_rfc_close_with_4201(composed: Composed) -> None:
    transport = (await raw(composed))[1].transport
    reader, writer = await raw(composed)
    writer.write(bytes((0xC1, 0x80)) + bytes(4))  # a reserved bit is set
    head = await asyncio.wait_for(reader.readexactly(4), 5)
    assert struct.unpack("!BBH", head) == (0x88, head[1], 4201)
    transport.abort()
    writer.transport.abort()


async def raw(composed: Composed) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upgraded connection without a WebSocket library."""
    server: Any = composed.chat.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    writer.write(f"GET /ws HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_a_goodbye_is_returned(composed: Composed) -> None:
    async with talking(composed.chat) as talker:
        await talker.socket.close(code=1000)
        assert talker.socket.close_code == 1000


async def test_who_vanishes_is_forgotten(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    chat = composed.api.chat
    async with talking(composed.chat, token) as talker:
        room = (await talker.ask("room.create", name="Hall"))["room"]
        _, writer = await raw(composed)
        await auntil(lambda: len(chat._visits) == 2)
        writer.transport.abort()
        await auntil(lambda: len(chat._visits) == 1)
        await talker.send(room, "still here")
    await auntil(lambda: not chat._visits)


async def test_a_logout_closes_with_4102(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    async with talking(composed.chat, token) as talker:
        await composed.call("POST", "/api/auth/logout", token=token)
        assert await talker.closed() == 4102


async def test_a_drain_closes_with_4002_after_the_acks(composed: Composed) -> None:
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
            if any(one.line.code is not None for one in chat._visits):
                break
        codes = [one.line.code for one in chat._visits]
        assert 4000 in codes
        assert number < 60  # 16 KB each: the budget, and what the two kernels may hold
        await reading.send(room, "still here")
        await reading.hears("still here")
        assert reading.code is None
        writer.transport.abort()
