"""What all users of one locust process share.

Does:        hold the options, the addresses, the people, the tally and the storms so far.
Never:       starts a run without addresses that may be loaded.
Guarantees:  one session for each locust environment, made anew in its values at each run.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any
from weakref import WeakKeyDictionary

from locust.exception import StopTest

from loadtests.options import Wishes, wishes
from loadtests.people import People, read_tokens
from loadtests.results import Result, Tally
from loadtests.targets import DEFAULT_HOST, Targets, targets, was_asked


class Session:
    """`tag` begins the nonces of this process; `storms` counts how often everybody was cut off;
    `on_air` are the stations that users of this process send to."""

    def __init__(self, environment: Any) -> None:
        self.tag = secrets.token_hex(4)
        self.tally = Tally()
        self.storms = 0
        self.rooms: list[tuple[str, int]] = []
        self.number = 0
        self.on_air: set[str] = set()
        self._held: dict[str, tuple[int, int]] = {}
        self._environment = environment
        self._asked = was_asked(sys.argv)
        self._began = (time.monotonic(), time.process_time())
        self.refresh()

    def refresh(self) -> None:
        """Take the options as they are now. Raises Refused, ValueError or OSError."""
        self._targets: Targets | None = None
        self._environment.host = self._environment.host or DEFAULT_HOST
        parsed = self._environment.parsed_options
        self.wishes: Wishes = wishes(parsed)
        self.people = People(read_tokens(self.wishes.tokens))
        self._targets = targets(
            self._environment.host, self.wishes.chat_url, self.wishes.stream_url, asked=self._asked
        )

    def begin(self) -> None:
        """A run begins."""
        self.tally.clear()
        self.storms = 0
        self.rooms.clear()
        self._held = {kind: (now, now) for kind, (now, _) in self._held.items()}
        self._began = (time.monotonic(), time.process_time())

    def end(self) -> None:
        """The run is over: note what this process used, and the most sockets that it held."""
        for kind, (_, most) in self._held.items():
            self.tally.add(f"held.{kind}", most)
        clock, used = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        if clock > 0:
            self.tally.high("driver.percent", 100 * used / clock)

    def hold(self, kind: str, more: int) -> None:
        """A socket of this kind was opened (1) or is gone (-1)."""
        now, most = self._held.get(kind, (0, 0))
        self._held[kind] = now + more, max(most, now + more)

    @property
    def targets(self) -> Targets:
        """Where the load goes. Raises StopTest where it may go nowhere."""
        if self._targets is None:
            raise StopTest("the addresses were refused; see the log")
        return self._targets

    def next_number(self) -> int:
        """A number no other user of this process has."""
        self.number += 1
        return self.number

    def fire(self, kind: str, results: list[Result]) -> None:
        """Put results into locust's table under this type."""
        for result in results:
            self._environment.events.request.fire(
                request_type=kind, name=result.name, response_time=result.ms,
                response_length=result.size, context={},
                exception=RuntimeError(result.problem) if result.problem else None,
            )  # fmt: skip


_SESSIONS: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


def session_of(environment: Any) -> Session:
    """The session of this environment; made when it is first asked for. Raises as `refresh`."""
    if environment not in _SESSIONS:
        _SESSIONS[environment] = Session(environment)
    return _SESSIONS[environment]
