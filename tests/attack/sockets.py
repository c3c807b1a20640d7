"""Attacks by chat clients: frames that no rule of the chat counts, and frames that are none."""

from __future__ import annotations

import contextlib
import json
import socket
import time

from attack.flood import Line, flood
from attack.target import NoAttack, Outcome, Target, dial

MOST_BYTES = 60_000_000
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PING, PONG = b"\x89\x80\0\0\0\0", b"\x8a\x80\0\0\0\0"
EMPTY = b"\x81\x80\0\0\0\0"
FRAGMENT, FIRST_FRAGMENT = b"\x00\x81\0\0\0\0 ", b"\x01\x81\0\0\0\0 "
UNMASKED = b"\x81\x05hello"
CLOSE_1006 = b"\x88\x82\0\0\0\0" + (1006).to_bytes(2, "big")
PROTOCOL_ERROR = 1002
REFUSALS = (*range(4200, 4300), 1002, 1008, 1009)
"""Codes that tell a client not to come back, of which 4202 says: too many; and those of the
protocol for what is against it, against a rule, or too big."""


def pings(target: Target, seconds: float) -> Outcome:
    """One chat socket that has not signed in sends pings without end."""
    return _frames(target, seconds, PING)


def pings_signed_in(target: Target, seconds: float) -> Outcome:
    """One chat socket that has signed in sends pings without end."""
    return _frames(target, seconds, PING, token=target.token)


def pings_of_ten(target: Target, seconds: float) -> Outcome:
    """Ten chat sockets that have not signed in send pings without end."""
    return _frames(target, seconds, PING, count=10)


def pings_of_ten_signed_in(target: Target, seconds: float) -> Outcome:
    """Ten chat sockets that have signed in send pings without end."""
    return _frames(target, seconds, PING, token=target.token, count=10)


def pongs(target: Target, seconds: float) -> Outcome:
    """One chat socket sends pongs that nobody asked for."""
    return _frames(target, seconds, PONG)


def empty_frames(target: Target, seconds: float) -> Outcome:
    """One chat socket that has signed in sends texts of nothing."""
    return _frames(target, seconds, EMPTY, token=target.token)


def fragments(target: Target, seconds: float) -> Outcome:
    """One chat socket sends a message in fragments of one byte, without an end."""
    return _frames(target, seconds, FRAGMENT, first=FIRST_FRAGMENT)


def unmasked(target: Target, seconds: float) -> Outcome:
    """A client's frame without a mask (RFC 6455, section 5.1)."""
    return _wrong(target, UNMASKED, seconds)


def close_1006(target: Target, seconds: float) -> Outcome:
    """A close frame with the code 1006, which is never sent (RFC 6455, section 7.4.1)."""
    return _wrong(target, CLOSE_1006, seconds)


def _frames(
    target: Target, seconds: float, frame: bytes, *, token: str = "", count: int = 1,
    first: bytes = b"",
) -> Outcome:  # fmt: skip
    """Send the frame again and again on so many sockets: all must be cut, with a code that tells
    them not to come back."""
    lines = [Line(_opened(target, token), first, frame * 5000) for _ in range(count)]
    spent = flood(lines, seconds, MOST_BYTES)
    codes = [_code(line.last) for line in lines]
    sent = sum(line.sent for line in lines)
    rate = f"took {sent / max(spent, 0.001) / 1000:,.0f} KB/s"
    cut = sum(code is not None or line.closed_at is not None
              for code, line in zip(codes, lines, strict=True))  # fmt: skip
    named = "/".join(sorted({str(code) for code in codes}))
    said = f"{cut} of {count} cut with {named}; {rate}" if cut else f"not cut; {rate}"
    return Outcome(said, held=all(code in REFUSALS for code in codes), sent=sent)


def _wrong(target: Target, data: bytes, seconds: float) -> Outcome:
    """Send what the protocol forbids; it must be closed with 1002."""
    with _opened(target) as connection:
        connection.settimeout(max(seconds, 2.0))
        connection.sendall(data)
        said = b""
        with contextlib.suppress(OSError):
            while got := connection.recv(4096):
                said += got
    code = _code(said)
    return Outcome(f"closed with {code}", held=code == PROTOCOL_ERROR, sent=len(data))


def _opened(target: Target, token: str = "") -> socket.socket:
    """A chat socket, signed in if there is a token. Raises NoAttack."""
    connection = dial(target.chat)
    connection.sendall(UPGRADE.format(target.chat).encode())
    said = connection.recv(4096)
    if b" 101 " not in said:
        raise NoAttack(f"no chat socket: {said[:80]!r}")
    if token:
        payload = json.dumps({"type": "auth", "token": token}).encode()
        size = bytes((0xFE,)) + len(payload).to_bytes(2, "big")
        connection.sendall(b"\x81" + size + bytes(4) + payload)
        until = time.monotonic() + 10
        while b"auth.ok" not in said:
            got = connection.recv(4096)
            if not got or time.monotonic() > until:
                raise NoAttack(f"not signed in: {said[-200:]!r}")
            said += got
    return connection


def _code(said: bytes) -> int | None:
    """The code of the close frame at the end of what was said."""
    at = said.rfind(b"\x88")
    return int.from_bytes(said[at + 2 : at + 4], "big") if 0 <= at <= len(said) - 4 else None
