"""One listener, from the request to the last byte. Pure: bytes and times in, results out.

Does:        ask for a station; read the answer's head; take ICY blocks out; count sound; tell what
             a listener would have noticed, once for the first sound and once for each window.
Never:       touches a socket or a clock.
Guarantees:  an answer that is not what was asked for, or an end that the listener did not want, is
             a result with a problem.
"""

from __future__ import annotations

from loadtests.results import Result, Tally
from loadtests.sound.audio import COUNTERS, OPUS
from loadtests.sound.icy import IcyReader
from loadtests.sound.playback import Playback

WINDOW_SECONDS = 5.0
_LARGEST_HEAD = 16_384
_END_OF_HEAD = b"\r\n\r\n"


class Listening:
    """One connection of a listener. `over` tells that the connection is of no more use."""

    def __init__(self, station: str, coding: str, titles: bool, now: float) -> None:
        self.over = False
        self.coding = coding
        self._icy = titles and coding != OPUS
        self._label = f"{coding}+icy" if self._icy else coding
        self._path = f"/{station}.{coding}"
        self._asked = self._window_began = now
        self._head = b""
        self._headers: dict[str, str] | None = None
        self._reader: IcyReader | None = None
        self._counter = COUNTERS[coding]()
        self._playback = Playback()
        self._began = False
        self._window_bytes = 0

    @property
    def names(self) -> tuple[str, str]:
        """How the two kinds of result are called."""
        return f"{self._label} first sound", f"{self._label} longest gap in {WINDOW_SECONDS:g} s"

    def request(self, host: str) -> bytes:
        """What to send."""
        lines = [f"GET {self._path} HTTP/1.1", f"Host: {host}", "User-Agent: talas-loadtest"]
        if self._icy:
            lines.append("Icy-MetaData: 1")
        return "\r\n".join([*lines, "", ""]).encode()

    def receive(self, data: bytes, now: float) -> list[Result]:
        """Bytes have come."""
        results: list[Result] = []
        if self._headers is None:
            self._head += data
            if _END_OF_HEAD not in self._head:
                too_long = len(self._head) > _LARGEST_HEAD
                return [self._fail("a head without an end", now)] if too_long else []
            problem, data = self._read_head()
            if problem:
                return [self._fail(problem, now)]
        if data and not self._began:
            self._began = True
            self._window_began = now
            results.append(Result(self.names[0], (now - self._asked) * 1000, len(data)))
        if data:
            self._hear(data, now)
        return [*results, *self._window(now)]

    def ended(self, now: float) -> list[Result]:
        """The server closed the connection, which it was not to do."""
        if not self._began:
            return [self._fail("closed before any sound", now)]
        self.over = True
        return [*self._window(now, last=True), Result(self.names[1], 0, problem="the stream ended")]

    def left(self, now: float) -> list[Result]:
        """The listener goes; nothing is wrong with that, unless nothing ever came."""
        self.over = True
        return self._window(now, last=True)

    def report(self, tally: Tally) -> None:
        """Add what this connection found to `tally`; to be called once, at its end."""
        playback = self._playback
        tally.add("audio.connections")
        tally.add("audio.breaks", playback.breaks)
        tally.add("audio.damaged_bytes", self._counter.damaged)
        tally.add("audio.titles", len(self._reader.titles) if self._reader else 0)
        if playback.lowest_seconds != float("inf"):
            tally.low("audio.buffer_seconds", playback.lowest_seconds)
        rate = self._bit_rate()
        if playback.pace and rate:
            clock, sound, size = playback.pace
            tally.add(f"audio.{self.coding}.clock_seconds", clock)
            tally.add(f"audio.{self.coding}.sound_seconds", sound)
            tally.add(f"audio.{self.coding}.bytes", size)
            tally.add(f"audio.{self.coding}.expected_bytes", rate / 8 * clock)

    def _read_head(self) -> tuple[str, bytes]:
        """What is wrong with the head, and what follows it."""
        head, _, rest = self._head.partition(_END_OF_HEAD)
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines)
        self._headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        if " 200" not in status:
            return f"answered {status.partition(' ')[2]}", b""
        if self._icy:
            interval = self._headers.get("icy-metaint", "")
            if not interval.isdecimal() or int(interval) < 1:
                return "no icy-metaint where titles were asked for", b""
            self._reader = IcyReader(int(interval))
        return "", rest

    def _hear(self, data: bytes, now: float) -> None:
        self._window_bytes += len(data)
        audio = self._reader.feed(data) if self._reader else data
        self._playback.heard(now, len(audio), self._counter.feed(audio))

    def _window(self, now: float, *, last: bool = False) -> list[Result]:
        """The window's result, if it is over."""
        if not self._began or (now - self._window_began < WINDOW_SECONDS and not last):
            return []
        if last:
            self._playback.ended(now)
        result = Result(self.names[1], self._playback.take_gap() * 1000, self._window_bytes)
        self._window_began, self._window_bytes = now, 0
        return [result]

    def _bit_rate(self) -> float:
        """What the server announced, in bit/s; 0 if nothing."""
        announced = (self._headers or {}).get("icy-br", "")
        return float(announced) * 1000 if announced.isdecimal() else 0.0

    def _fail(self, problem: str, now: float) -> Result:
        self.over = True
        return Result(self.names[0], (now - self._asked) * 1000, problem=problem)
