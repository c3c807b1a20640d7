"""The load driver: one process, non-blocking sockets, one epoll.

    python driver.py chat PLAN.json      python driver.py listen PLAN.json

Does:        hold many sockets; in `chat`, sign each in, join one room, send messages at a steady
             rate and read what everybody gets; in `listen`, only read. Prints one JSON report.
Never:       judges: it reports counts, latencies and how busy it was itself.
Guarantees:  every time is CLOCK_MONOTONIC, which all processes of a machine share. A latency ends
             when this process has read the bytes, so its own delays count against the server.

All members of a room get the very same bytes, so a piece that was read is understood once, and
after that only looked up.
"""

from __future__ import annotations

import gc
import json
import re
import select
import socket
import sys
import time
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

KEY = "dGFsYXMgYmVuY2htYXJrIQ=="
STAMP = re.compile(rb'"offset":(\d+),.*?"text":"t=(\d+);')
ACK = b'{"type":"ack"'
TEXT, PING, PONG = 0x1, 0x9, 0xA
READ_BYTES = 16 * 1024
DRAIN_SECONDS = 5.0
"""Silence after which what is missing counts as lost."""

Message = tuple[int, int]
"""A message's offset, and when it was sent, in monotonic nanoseconds."""


@dataclass(frozen=True)
class Plan:
    """What to do. `tokens` has one line a socket; `warmup` seconds come before what is counted."""

    host: str
    port: int
    sockets: int
    rate: int
    seconds: float
    warmup: float
    room: str = ""
    tokens: str = ""


@dataclass
class Client:
    """One socket: what of a frame has come, and the offset of the last message."""

    socket: socket.socket
    rest: bytes = b""
    last: int = 0
    disorder: int = 0


@dataclass
class Tally:
    """What was read: each piece of messages (the same object wherever it was read again), and when
    it came; and the acks."""

    pieces: dict[bytes, tuple[Message, ...]] = field(default_factory=dict)
    times: array[int] = field(default_factory=lambda: array("q"))
    read: list[tuple[Message, ...]] = field(default_factory=list)
    acked: int = 0
    errors: list[str] = field(default_factory=list)


# ---- WebSocket, as much of it as a client here needs ---------------------------------------------


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame. The mask is zero, so masking changes nothing; RFC 6455 asks for no more
    than its presence on the wire from a client that is nobody's browser."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else (
        bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2))  # fmt: skip
    return head + bytes(4) + payload


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames in `data`, as (opcode, payload), and the rest."""
    frames, at = [], 0
    while len(data) - at >= 2:
        size, head = data[at + 1], 2
        if size >= 126:
            head += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : at + head])
        if len(data) - at < head + size:
            break
        frames.append((data[at] & 0xF, data[at + head : at + head + size]))
        at += head + size
    return frames, data[at:]


def ask(sock: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    """Send a request on a blocking socket and read its reply; nothing else may be on its way."""
    sock.sendall(frame(json.dumps(request).encode()))
    data = b""
    while True:
        data += sock.recv(READ_BYTES)
        frames, _ = split(data)
        if frames:
            reply: dict[str, Any] = json.loads(frames[0][1])
            if reply["type"] == "error":
                raise RuntimeError(f"{request['type']} was refused: {reply}")
            return reply


def join(plan: Plan, token: str) -> Client:
    """A socket, upgraded, signed in and in the room."""
    sock = socket.create_connection((plan.host, plan.port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET /ws HTTP/1.1\r\nHost: {plan.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(4096)
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"no upgrade: {head!r}")
    ask(sock, {"type": "auth", "token": token})
    joined = ask(sock, {"type": "room.join", "room": plan.room})
    sock.setblocking(False)
    return Client(sock, last=joined["offset"])


# ---- the loop ------------------------------------------------------------------------------------


class Loop:
    """Reads everything, sends on time."""

    def __init__(self, plan: Plan, clients: list[Client]) -> None:
        self._plan = plan
        self._clients = clients
        self._by_handle = {client.socket.fileno(): client for client in clients}
        self._epoll = select.epoll()
        for handle in self._by_handle:
            self._epoll.register(handle, select.EPOLLIN)
        self.tally = Tally()
        self.sent = 0

    def run(self, *, sending: bool) -> None:
        """For the plan's time, then until nothing more comes."""
        plan = self._plan
        start = time.monotonic_ns()
        step = 1_000_000_000 // plan.rate
        total = int(plan.rate * (plan.warmup + plan.seconds))
        while self.sent < total:
            now = time.monotonic_ns()
            if now >= start + self.sent * step:
                if sending:
                    self._send()
                self.sent += 1
            else:
                self._poll((start + self.sent * step - now) / 1e9)
        give_up_at = time.monotonic() + DRAIN_SECONDS
        acks = total if sending else 0
        while time.monotonic() < give_up_at and not self._complete(total, acks):
            if self._poll(0.05):
                give_up_at = time.monotonic() + DRAIN_SECONDS

    def _complete(self, total: int, acks: int) -> bool:
        first = self._clients[0].last
        everywhere = first >= total and all(client.last == first for client in self._clients)
        # The last acknowledgement may come after the message itself.
        return everywhere and self.tally.acked >= acks

    def _send(self) -> None:
        client = self._clients[self.sent % len(self._clients)]
        text = f"t={time.monotonic_ns()};".ljust(100, ".")
        request = {"type": "message.send", "room": self._plan.room, "text": text,
                   "nonce": f"n{time.monotonic_ns()}", "ref": self.sent}  # fmt: skip
        client.socket.sendall(frame(json.dumps(request).encode()))

    def _poll(self, seconds: float) -> int:
        """Read what there is, or comes within `seconds`; returns from how many sockets."""
        ready = self._epoll.poll(seconds)
        for handle, _ in ready:
            client = self._by_handle[handle]
            try:
                data = client.socket.recv(READ_BYTES)
            except BlockingIOError:
                continue
            if not data:
                self.tally.errors.append("a socket was closed")
                self._epoll.unregister(handle)
                continue
            self._take(client, data)
        return len(ready)

    def _take(self, client: Client, data: bytes) -> None:
        """Note what `data` brought; usually it is a piece that was seen on another socket."""
        if client.rest:
            data = client.rest + data
        messages = self.tally.pieces.get(data)
        if messages is None:
            messages = self._understand(client, data)
        else:
            client.rest = b""
        if messages:
            self.tally.times.append(time.monotonic_ns())
            self.tally.read.append(messages)
            if messages[0][0] != client.last + 1:
                client.disorder += 1
            client.last = messages[-1][0]

    def _understand(self, client: Client, data: bytes) -> tuple[Message, ...]:
        frames, client.rest = split(data)
        found = []
        for opcode, payload in frames:
            stamp = STAMP.search(payload) if opcode == TEXT else None
            if stamp is not None:
                found.append((int(stamp[1]), int(stamp[2])))
            elif payload.startswith(ACK):
                self.tally.acked += 1
            elif opcode == PING:
                client.socket.sendall(frame(payload, PONG))
            else:
                self.tally.errors.append(payload[:200].decode(errors="replace"))
        messages = tuple(found)
        if any(later != sooner + 1 for (sooner, _), (later, _) in pairwise(messages)):
            client.disorder += 1
        if len(messages) == len(frames) and not client.rest:
            self.tally.pieces[data] = messages
        return messages


def report(plan: Plan, loop: Loop, busy: float) -> dict[str, Any]:
    """Counts, and latencies of what was sent after the warm-up; `busy` is our share of a core."""
    read = loop.tally.read
    stamps = np.array([stamp for messages in read for _, stamp in messages], dtype=np.int64)
    came = np.repeat(np.array(loop.tally.times), [len(messages) for messages in read])
    delays = (came - stamps) / 1e6
    counted = delays[stamps >= stamps.min() + int(plan.warmup * 1e9)]
    p50, p99, p999 = np.percentile(counted, (50, 99, 99.9))
    clients = loop._clients
    return {
        "sent": loop.sent,
        "acked": loop.tally.acked,
        "delivered": len(stamps),
        "wanted": loop.sent * len(clients),
        "disorder": sum(client.disorder for client in clients),
        "errors": loop.tally.errors[:5],
        "reads": len(loop.tally.read),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "p999_ms": float(p999),
        "max_ms": float(counted.max()),
        "driver_share": busy,
    }


def main(role: str, plan: Plan) -> dict[str, Any]:
    """Do the plan. Returns the report."""
    if role == "chat":
        tokens = Path(plan.tokens).read_text().split()[: plan.sockets]
        clients = [join(plan, token) for token in tokens]
    else:
        sockets = [socket.create_connection((plan.host, plan.port)) for _ in range(plan.sockets)]
        for sock in sockets:
            sock.setblocking(False)
        clients = [Client(sock) for sock in sockets]
    loop = Loop(plan, clients)
    gc.disable()  # nothing here is cyclic, and a pause would count against the server
    # Whoever started us measures the server between these two lines.
    sys.stderr.write("begin\n")
    began, cpu = time.monotonic(), time.process_time()
    loop.run(sending=role == "chat")
    busy = (time.process_time() - cpu) / (time.monotonic() - began)
    sys.stderr.write("end\n")
    return report(plan, loop, busy)


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(main(sys.argv[1], Plan(**json.loads(Path(sys.argv[2]).read_text()))))
    )
