"""WebSocket frames as a client writes them (RFC 6455, section 5): bytes in, frames out.

Does:        check each head as soon as it is there; unmask; join the parts of a message.
Never:       reads ahead: one call takes one frame out, and what follows stays bytes; decompresses
             (no extension is agreed on); knows a socket.
Guarantees:  a frame against the RFC, or of a message over its limit, raises Violation before its
             payload is waited for. Parts and control frames come out, too, for they cost work.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from aiohttp._websocket.helpers import websocket_mask  # compiled: sixty times as fast as ours

from talas_api.chat.codes import Close

MASKED, FINAL = 0x80, 0x80
LARGEST_CONTROL = 125


class Kind(enum.IntEnum):
    """What a frame is: its opcode. A PART is a frame of a message that is not complete yet; the
    last one comes out as the whole message, under the opcode of the first."""

    PART = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_FIRST = {kind | FINAL: (kind, True) for kind in Kind} | {
    int(kind): (kind, False) for kind in (Kind.PART, Kind.TEXT, Kind.BINARY)
}
"""Every first byte that may come, and whether the frame is its message's last. A reserved bit is
not among them, nor a control frame in parts."""


class Frame(NamedTuple):
    """A frame with its payload, unmasked; that of a PART is kept back."""

    kind: Kind
    payload: bytes


class Violation(Exception):
    """What came may not come; `code` is how to close."""

    def __init__(self, code: Close, problem: str) -> None:
        super().__init__(problem)
        self.code = code


class Incoming:
    """One client's bytes. A message may have `most` bytes. After a Violation it is of no use."""

    __slots__ = ("_buffer", "_end", "_final", "_kind", "_message", "_most", "_payload", "_started")

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()
        self._payload = self._end = 0
        """Where the payload of the frame at hand begins and ends; 0 while its head is not read."""
        self._kind = Kind.PART
        self._final = True
        self._started: Kind | None = None
        self._message = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes that have not come out yet, but for parts of a message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._buffer += data

    def next(self) -> Frame | None:
        """The next frame, None if more bytes must come first. Raises Violation."""
        if not self._payload and not self._read_head():
            return None
        if len(self._buffer) < self._end:
            return None
        buffer, at = self._buffer, self._payload
        masked = buffer[at : self._end]
        websocket_mask(bytes(buffer[at - 4 : at]), masked)  # in place
        payload = bytes(masked)
        del buffer[: self._end]
        self._payload = 0
        if self._kind >= Kind.CLOSE:
            if self._kind is Kind.CLOSE:
                _check_close(payload)
            return Frame(self._kind, payload)
        return self._part(payload)

    def _read_head(self) -> bool:
        """Whether the head at hand is complete as far as the mask. Raises Violation."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        first, second = buffer[0], buffer[1]
        known, size, at = _FIRST.get(first), second & ~MASKED, 2
        if known is None or not second & MASKED:
            raise Violation(Close.NOT_WEBSOCKET, "no mask, a reserved bit or opcode, or a control "
                            "frame in parts")  # fmt: skip
        self._kind, self._final = kind, _ = known
        if size > LARGEST_CONTROL:
            at = 4 if size == 126 else 10
            if kind >= Kind.CLOSE:
                raise Violation(Close.NOT_WEBSOCKET, "a control frame that is too large")
            if len(buffer) < at:
                return False
            size = int.from_bytes(buffer[2:at])
            if size >= 1 << 63:
                raise Violation(Close.NOT_WEBSOCKET, "a length whose first bit is set")
        if kind < Kind.CLOSE:
            if (kind is Kind.PART) != (self._started is not None):
                raise Violation(Close.NOT_WEBSOCKET, "a part of no message, or one in another")
            if len(self._message) + size > self._most:
                raise Violation(Close.BROKEN, "a message over its limit")
        self._payload = at + 4
        self._end = self._payload + size
        return True

    def _part(self, payload: bytes) -> Frame:
        """A message, or what there is of it."""
        if self._final and self._started is None:
            return Frame(self._kind, payload)
        self._message += payload
        if not self._final:
            self._started = self._started or self._kind
            return Frame(Kind.PART, b"")
        whole = Frame(self._started or self._kind, bytes(self._message))
        self._started = None
        self._message.clear()
        return whole


def _check_close(payload: bytes) -> None:
    """A client's goodbye may be empty, or a code that may be sent and a reason in UTF-8 (sections
    5.5.1 and 7.4; the registry has more codes up to 1014)."""
    if not payload:
        return
    code = int.from_bytes(payload[:2])
    if len(payload) < 2 or code not in _CLOSE_CODES:
        raise Violation(Close.NOT_WEBSOCKET, "a close code that may not be sent")
    if not is_utf8(payload[2:]):
        raise Violation(Close.NOT_UTF8, "a reason that is not UTF-8")


_CLOSE_CODES = {*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006}


def is_utf8(data: bytes) -> bool:
    """Whether `data` is UTF-8 (RFC 3629)."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
