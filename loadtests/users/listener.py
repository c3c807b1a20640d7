"""Somebody who listens to the radio.

Does:        tune in, stay a while, tune in again, in whatever coding was picked; measure what a
             player would have noticed.
Never:       keeps sound, or reads slower than it comes; blames the server where a source of this
             process left the air.
Guarantees:  one turn takes half a second at most, so a run can end at any time.
"""

from __future__ import annotations

import random
import socket
import time

import gevent  # type: ignore[import-untyped]
from locust import User, constant, task

from loadtests.options import LISTEN
from loadtests.results import Result
from loadtests.session import Session, session_of
from loadtests.sound.audio import OPUS
from loadtests.sound.listening import Listening
from loadtests.users.base import pause
from loadtests.verdict import AUDIO as MEASURES

TURN_SECONDS = 0.5
_TIMEOUT = 10.0
_READ_BYTES = 65_536
_RETRY_SECONDS = 1.0


class ListenerUser(User):
    """One player."""

    kind = LISTEN
    measures = MEASURES
    wait_time = constant(0)
    _socket: socket.socket | None = None
    _listening: Listening | None = None

    @property
    def session(self) -> Session:
        """What all users share."""
        return session_of(self.environment)

    def on_start(self) -> None:
        """Not tuned in yet."""
        self._leaves = float("inf")
        self._storms = self.session.storms
        self._heard_at = 0.0

    def on_stop(self) -> None:
        """Turn the radio off."""
        if self._listening:
            self._end(self._listening.left(time.monotonic()))

    @task
    def turn(self) -> None:
        """Listen for a moment."""
        if self._listening is None or self._socket is None:
            self._tune_in()
            return
        now = time.monotonic()
        if now >= self._leaves or self._storms != self.session.storms:
            self._storms = self.session.storms
            self._end(self._listening.left(now))
            return
        self._hear(self._listening, self._socket)

    def _tune_in(self) -> None:
        wishes, targets = self.session.wishes, self.session.targets
        coding = random.choice(wishes.formats)  # noqa: S311
        titles = coding != OPUS and random.random() < wishes.icy_share  # noqa: S311
        now = time.monotonic()
        stations = (*wishes.stations, *self.session.on_air)
        self._station = random.choice(stations)  # noqa: S311
        self._own = self._station in self.session.on_air
        self._listening = Listening(self._station, coding, titles, now)
        self._heard_at = now
        self._leaves = now + (pause(wishes.stay) if wishes.stay else float("inf"))
        address = (targets.stream_host, targets.stream_port)
        try:
            self._socket = socket.create_connection(address, _TIMEOUT)
            self.session.hold(LISTEN, 1)
            self._socket.settimeout(TURN_SECONDS)
            self._socket.sendall(self._listening.request(f"{address[0]}:{address[1]}"))
        except OSError:
            self._end(self._listening.ended(time.monotonic()))

    def _hear(self, listening: Listening, connection: socket.socket) -> None:
        try:
            data = connection.recv(_READ_BYTES)
        except TimeoutError:
            if time.monotonic() - self._heard_at > _TIMEOUT:
                self._end(self._ended(listening, time.monotonic()))
            return
        except OSError:
            data = b""
        now = time.monotonic()
        if not data:
            self._end(self._ended(listening, now))
            return
        self._heard_at = now
        results = listening.receive(data, now)
        if not listening.over:
            self.session.fire(MEASURES, results)
        elif self._source_left():
            self._end(listening.left(now))
        else:
            self._end(results)

    def _ended(self, listening: Listening, now: float) -> list[Result]:
        """No more comes: a fault, unless the sound was this process's own and is no longer sent."""
        return listening.left(now) if self._source_left() else listening.ended(now)

    def _source_left(self) -> bool:
        return self._own and self._station not in self.session.on_air

    def _end(self, results: list[Result]) -> None:
        """This connection is over; after one that failed, wait before the next."""
        if self._socket:
            self._socket.close()
            self.session.hold(LISTEN, -1)
        if self._listening:
            self._listening.report(self.session.tally)
        self._socket = self._listening = None
        self.session.fire(MEASURES, results)
        if any(result.problem for result in results):
            gevent.sleep(_RETRY_SECONDS)
