"""A WebSocket for blocking code: what a gevent greenlet needs, and no thread.

Does:        connect without proxies, send and receive text frames, answer pings, hang up with or
             without manners. The protocol itself is the websockets library's, without its I/O.
Never:       waits longer than it is told to; compresses.
Guarantees:  whatever ends the socket is one exception, `ChatClosed`, with the close code.
"""

from __future__ import annotations

import contextlib
import socket
import struct

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

ABNORMAL = 1006
_SEND_SECONDS = 10.0
_RECEIVE_BYTES = 65_536
_LARGEST_FRAME = 4 * 1024 * 1024
_RESET = struct.pack("ii", 1, 0)


class ChatClosed(Exception):
    """The socket is gone. `code` is the close code; 1006 where none came."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"closed with {self.code} {self.reason}".rstrip()


class ChatSocket:
    """One open socket. Times are in seconds."""

    def __init__(self, url: str, timeout: float) -> None:
        """Connect to a `ws://` address. Raises ChatClosed if that does not work in time."""
        uri = parse_uri(url)
        self._protocol = ClientProtocol(uri, max_size=_LARGEST_FRAME)
        self._began: list[bytes] = []
        try:
            self._socket = socket.create_connection((uri.host, uri.port), timeout)
        except OSError as error:
            raise ChatClosed(ABNORMAL, f"no connection: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._early: list[bytes] = []
        while self._protocol.state is State.CONNECTING:
            texts = self._read(timeout)
            if texts is None:
                self.cut()
                raise ChatClosed(ABNORMAL, "no answer to the upgrade")
            self._early += texts

    def send(self, text: bytes) -> None:
        """Send a text frame. Raises ChatClosed."""
        try:
            self._protocol.send_text(text)
        except WebSocketException as error:
            raise self._closed() from error
        self._flush()

    def receive(self, seconds: float) -> list[bytes]:
        """The text frames that come next; none if nothing comes in `seconds`. Raises ChatClosed."""
        if self._early:
            early, self._early = self._early, []
            return early
        return self._read(seconds) or []

    def close(self) -> None:
        """Say goodbye and hang up; the answer is not waited for."""
        with contextlib.suppress(ChatClosed, WebSocketException):
            self._protocol.send_close(1000)
            self._flush()
        self._socket.close()

    def cut(self) -> None:
        """Hang up as a lost network does: no goodbye, and a reset for whoever still sends."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def _read(self, seconds: float) -> list[bytes] | None:
        """One read's frames; None if nothing came in time."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError:
            return None
        except OSError as error:
            raise ChatClosed(ABNORMAL, str(error)) from error
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()  # pongs, and the answer to a close
        texts = [event.data for event in self._protocol.events_received()
                 if isinstance(event, Frame) and event.opcode is Opcode.TEXT]  # fmt: skip
        if self._protocol.handshake_exc:
            reason = str(self._protocol.handshake_exc)
            self.cut()
            raise ChatClosed(ABNORMAL, reason)
        if not texts and self._protocol.state in (State.CLOSING, State.CLOSED):
            raise self._closed()
        return [bytes(text) for text in texts]

    def _flush(self) -> None:
        data = b"".join(self._protocol.data_to_send())
        if not data:
            return
        self._socket.settimeout(_SEND_SECONDS)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ChatClosed(ABNORMAL, str(error)) from error

    def _closed(self) -> ChatClosed:
        self._socket.close()
        said = self._protocol.close_rcvd
        return ChatClosed(said.code, said.reason) if said else ChatClosed(ABNORMAL)
