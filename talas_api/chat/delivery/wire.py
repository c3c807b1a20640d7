"""WebSocket frames as a server writes them (RFC 6455, section 5): unmasked, never compressed.

Does:        wrap a payload into one frame's bytes.
Never:       knows a socket; masks (a server must not), so that one frame serves every client.
Guarantees:  the bytes are whole frames: they may be joined with others and written at once.
"""

from __future__ import annotations

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
"""First byte of a frame that is not fragmented: the FIN bit and the opcode."""


def text(payload: bytes) -> bytes:
    """A text frame around UTF-8 `payload`."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((TEXT, 126)) + size.to_bytes(2) + payload
    return bytes((TEXT, 127)) + size.to_bytes(8) + payload


def close(code: int, reason: str) -> bytes:
    """A close frame. `reason` is at most 123 bytes of ASCII."""
    return bytes((CLOSE, 2 + len(reason))) + code.to_bytes(2) + reason.encode("ascii")


def pong(payload: bytes) -> bytes:
    """The answer to a ping that carried `payload`, of at most 125 bytes."""
    return bytes((PONG, len(payload))) + payload


PING_FRAME = bytes((PING, 0))
