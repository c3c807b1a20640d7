"""Somebody who broadcasts: a station of their own, on the air until the end.

Does:        make a station, send to it in real time, come back when cut off; let listeners of this
             process tune in to it.
Never:       encodes anything: what is sent is silence.
Guarantees:  one turn takes half a second at most while the server takes what is sent; no chunk is
             cut short on a connection that goes on.
"""

from __future__ import annotations

import base64
import random
import secrets
import socket
import time

import gevent  # type: ignore[import-untyped]
from locust import constant, task
from locust.exception import StopUser

from loadtests.options import SOURCE
from loadtests.results import Result
from loadtests.sound.sending import Sending
from loadtests.users.base import TalasUser
from loadtests.verdict import ON_THE_AIR
from loadtests.verdict import SOURCE as MEASURES

STATIONS = "/api/stations"
TURN_SECONDS = 0.3
_TIMEOUT = 10.0
_RETRY_SECONDS = 1.0
_CONTINUE = b"HTTP/1.1 100"
_STAYS = "stays on the air"
_NOT_TAKEN = f"cut off by the load test: a chunk was not taken within {_TIMEOUT:g} s"


class SourceUser(TalasUser):
    """One encoder."""

    kind = SOURCE
    measures = MEASURES
    wait_time = constant(0)
    _socket: socket.socket | None = None

    def on_start(self) -> None:
        """Become somebody with a station."""
        super().on_start()
        self._slug = f"load-{secrets.token_hex(6)}"
        made = self.ask("POST", STATIONS, status=201,
                        json={"slug": self._slug, "name": f"Load {self._slug[-4:]}"})  # fmt: skip
        if made is None:
            raise StopUser
        self._key = made["stream_key"]
        self._storms = self.session.storms

    def on_stop(self) -> None:
        """Leave the air."""
        self._leave()

    @task
    def turn(self) -> None:
        """Send what is due, and wait a little."""
        if self._socket is None:
            self._connect()
        elif self._storms != self.session.storms:
            self._storms = self.session.storms
            self._leave()
            gevent.sleep(random.uniform(0, TURN_SECONDS))  # noqa: S311
        else:
            self._send(self._socket)

    def _connect(self) -> None:
        targets, began = self.session.targets, time.monotonic()
        try:
            connection = socket.create_connection(
                (targets.stream_host, targets.stream_port), _TIMEOUT
            )
            self._socket = connection
            connection.sendall(self._head(f"{targets.stream_host}:{targets.stream_port}"))
            answer = connection.recv(4096)
        except OSError as error:
            self._failed(ON_THE_AIR, str(error))
            return
        if not answer.startswith(_CONTINUE):
            self._failed(ON_THE_AIR, told(answer))
            return
        now = time.monotonic()
        self._sending = Sending(now)
        self.session.on_air.add(self._slug)
        self.session.hold(SOURCE, 1)
        self.session.fire(MEASURES, [Result(ON_THE_AIR, (now - began) * 1000)])

    def _send(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_TIMEOUT)  # the wait of a turn could end inside a chunk
            connection.sendall(self._sending.due(time.monotonic()))
        except OSError as error:
            late = isinstance(error, TimeoutError)
            self._failed(_STAYS, _NOT_TAKEN if late else str(error))
            return
        try:
            connection.settimeout(TURN_SECONDS)
            answer = connection.recv(4096)  # the wait of a turn: there is nothing to say
        except TimeoutError:
            return
        except OSError as error:
            answer = str(error).encode()
        self._failed(_STAYS, told(answer))

    def _failed(self, name: str, problem: str) -> None:
        self._leave()
        self.session.fire(MEASURES, [Result(name, 0, problem=problem)])
        gevent.sleep(_RETRY_SECONDS)

    def _leave(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            if self._slug in self.session.on_air:
                self.session.on_air.remove(self._slug)
                self.session.hold(SOURCE, -1)

    def _head(self, host: str) -> bytes:
        credentials = base64.b64encode(f"source:{self._key}".encode()).decode()
        lines = (
            f"PUT /{self._slug} HTTP/1.1", f"Host: {host}", "User-Agent: talas-loadtest",
            f"Authorization: Basic {credentials}", "Content-Type: audio/mpeg",
            "Expect: 100-continue", "Transfer-Encoding: chunked",
        )  # fmt: skip
        return "\r\n".join([*lines, "", ""]).encode()


def told(answer: bytes) -> str:
    """What a server said instead of going on."""
    return answer.partition(b"\r\n")[0].decode(errors="replace") or "the server hung up"
