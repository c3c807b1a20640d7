"""The chat's load driver: it fills a room, then becomes the program that measures in it.

    python driver.py chat PLAN.json      python driver.py listen PLAN.json

Does:        open many sockets; in `chat`, upgrade each, sign it in and join one room. Then hand
             them all to drivers/room.c, which takes this process's place and prints the report.
Never:       runs while anything is measured.
Guarantees:  everybody is in the room, and nobody has missed a message, before the first is sent.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

KEY = "dGFsYXMgYmVuY2htYXJrIQ=="
TEXT = 0x1
READ_BYTES = 16 * 1024


@dataclass(frozen=True)
class Plan:
    """What to do. `program` is drivers/room.c, compiled; `tokens` has one line a socket; `warmup`
    seconds come before what is counted."""

    program: str
    host: str
    port: int
    sockets: int
    rate: int
    seconds: float
    warmup: float
    room: str = ""
    tokens: str = ""


# ---- WebSocket, as much of it as joining a room needs --------------------------------------------


def frame(payload: bytes) -> bytes:
    """A client's text frame of less than 64 KiB. The mask is zero, so masking changes nothing; RFC
    6455 asks for no more than its presence from a client that is nobody's browser."""
    size = len(payload)
    head = bytes((0x80 | TEXT, 0x80 | size)) if size < 126 else (
        bytes((0x80 | TEXT, 0x80 | 126)) + size.to_bytes(2))  # fmt: skip
    return head + bytes(4) + payload


def unframed(data: bytes) -> bytes | None:
    """The payload of the server's frame of less than 64 KiB, None while it goes on."""
    if len(data) < 4:
        return None
    size, head = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4]), 4)
    return data[head : head + size] if len(data) >= head + size else None


def ask(sock: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    """Send a request and read its reply; nothing else may be on its way.

    Raises RuntimeError if it is refused, or the server hangs up.
    """
    sock.sendall(frame(json.dumps(request).encode()))
    data = b""
    while (payload := unframed(data)) is None:
        more = sock.recv(READ_BYTES)
        if not more:
            raise RuntimeError(f"{request['type']} was not answered")
        data += more
    reply: dict[str, Any] = json.loads(payload)
    if reply["type"] == "error":
        raise RuntimeError(f"{request['type']} was refused: {reply}")
    return reply


def upgraded(plan: Plan) -> socket.socket:
    """A new WebSocket. Raises RuntimeError if the server has none for us."""
    sock = socket.create_connection((plan.host, plan.port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET /ws HTTP/1.1\r\nHost: {plan.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(4096)
        if not more:
            raise RuntimeError(f"no upgrade: {head!r}")
        head += more
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"no upgrade: {head!r}")
    return sock


# ---- the room ------------------------------------------------------------------------------------


def join(plan: Plan, token: str) -> tuple[socket.socket, int]:
    """A socket, signed in and in the room; the offset of the room's last message."""
    sock = upgraded(plan)
    ask(sock, {"type": "auth", "token": token})
    return sock, ask(sock, {"type": "room.join", "room": plan.room})["offset"]


def fill(plan: Plan) -> tuple[list[socket.socket], int]:
    """Everybody's sockets, and the offset that the messages will follow."""
    tokens = Path(plan.tokens).read_text().split()[: plan.sockets]
    members = [join(plan, token) for token in tokens]
    offsets = {offset for _, offset in members}
    if len(offsets) != 1 or len(members) != plan.sockets:
        raise RuntimeError(f"{len(members)} sockets joined, at the offsets {sorted(offsets)}")
    return [sock for sock, _ in members], offsets.pop()


def main(role: str, plan: Plan) -> NoReturn:
    """Do the plan."""
    if role == "chat":
        sockets, after = fill(plan)
    else:
        address = plan.host, plan.port
        sockets, after = [socket.create_connection(address) for _ in range(plan.sockets)], 0
    for sock in sockets:
        sock.set_inheritable(True)
    handles = [sock.fileno() for sock in sockets]
    arguments = (plan.room, plan.rate, plan.seconds, plan.warmup, after, *handles)
    os.execv(plan.program, [plan.program, *map(str, arguments)])  # noqa: S606 - compiled by us


if __name__ == "__main__":
    main(sys.argv[1], Plan(**json.loads(Path(sys.argv[2]).read_text())))
