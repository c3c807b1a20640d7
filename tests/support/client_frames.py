"""WebSocket frames as a client writes them, unlawful ones too, and a socket without a library."""

from __future__ import annotations

import asyncio

from support.wait import PATIENCE
from talas_api.chat.delivery import wire

PART, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, mask: bytes = MASK) -> bytes:
    """One masked frame."""
    size = len(payload)
    head = bytes((opcode | (0x80 if final else 0),))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 1 << 16:
        head += b"\xfe" + size.to_bytes(2)
    else:
        head += b"\xff" + size.to_bytes(8)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


async def upgraded(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A chat socket as bytes. Raises ConnectionError where the upgrade is refused."""
    reader, writer = await asyncio.open_connection(host, port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    writer.write(f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\n{lines}\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    if b" 101 " not in head:
        writer.transport.abort()
        raise ConnectionError(head.partition(b"\r\n")[0].decode())
    return reader, writer


async def close_code(reader: asyncio.StreamReader, seconds: float = PATIENCE) -> int:
    """The code that the server closes with; whole frames before it are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            first, size = await reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
            payload = await reader.readexactly(size)
            if first == wire.CLOSE:
                return int.from_bytes(payload[:2])
