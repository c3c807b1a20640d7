"""Listeners of the demo, and a source that comes and goes.

Does:        listen without an end; measure each silence and walk each frame; be a broadcaster with
             a bad line.
Never:       blames Talas for silence around a fault that hit what makes the sound: the stream
             service, playout, or the supervisor above both.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random

from loadtests.sound.audio import COUNTERS
from stress import ledger
from stress.faults import AUDIBLE, CODEC, FORKER, PLAYOUT, STREAM, Faults
from stress.lateness import Lateness
from stress.ledger import Ledger

GAP_SECONDS = 1.0
DEAF_SECONDS = 20.0
"""Without a byte for so long, a listener hangs up."""
ANSWER_SECONDS = 5.0
TIMEOUT_SECONDS = 12.0
"""A source that vanished has the place for less than this."""
STEP_SECONDS = 0.25
AGAIN_SECONDS = 0.3

OWN = "opus"
"""What the demo's source sends, and is passed on as it is."""


class Listener:
    """One who listens to `/demo.{coding}` on `port`, and comes back whenever the stream ends."""

    def __init__(
        self, port: int, coding: str, faults: Faults, lateness: Lateness, book: Ledger
    ) -> None:
        self.connections = 0
        self._port = port
        self._coding = coding
        # Who replaces a lost encoder keeps the connection, not the second it takes.
        self._silencing = AUDIBLE if coding == OWN else (*AUDIBLE, CODEC, FORKER)
        self._faults = faults
        self._lateness = lateness
        self._book = book

    async def listen(self) -> None:
        """Without an end."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._visit()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _visit(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            path = f"/demo.{self._coding}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
            async with asyncio.timeout(ANSWER_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " in head.split(b"\r\n", 1)[0]:
                self.connections += 1
                self._book.totals["connections of listeners"] += 1
                await self._hear(reader)
        finally:
            writer.transport.abort()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        counter = COUNTERS[self._coding]()
        began = last = self._book.now()
        sound, size, ended = 0.0, 0, ""
        try:
            while not ended:
                data, ended = await _read(reader)
                now = self._book.now()
                if size:
                    self._judge_gap(last, now)
                last = now
                size += len(data)
                sound += counter.feed(data)
        finally:
            self._book.totals["bytes heard"] += size
            self._book.totals["seconds of sound heard"] += round(sound)
            self._book.totals["seconds listened"] += round(last - began)
            self._book.check(
                ledger.FRAMES, counter.damaged == 0,
                f"{self._coding}: {counter.damaged} of {size} bytes", since=began,
            )  # fmt: skip
        if self._faults.excuse(last, now, AUDIBLE):
            self._book.totals["streams ended by faults of the sound"] += 1
        else:
            self._book.check(ledger.BODY, False, f"{self._coding}: {ended}", since=last)

    def _judge_gap(self, last: float, now: float) -> None:
        gap = now - last
        longest = self._book.totals["longest gap ms"]
        allowed = GAP_SECONDS + self._lateness.worst(gap, STREAM, PLAYOUT, CODEC)
        if gap > allowed and self._faults.excuse(last, now, self._silencing):
            self._book.totals["gaps of faults of the sound"] += 1
            return
        self._book.totals["longest gap ms"] = max(longest, round(gap * 1000))
        self._book.check(
            ledger.GAP, gap <= allowed,
            f"{self._coding}: {gap:.2f} s, {allowed:.2f} allowed", since=last,
        )  # fmt: skip

    def left(self) -> None:
        """At the end: those who still listened had a stream that did not end."""
        self._book.check(ledger.BODY, self.connections > 0, f"{self._coding}: never heard")


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, str]:
    """What comes next, and why it is the last, if it is."""
    try:
        async with asyncio.timeout(DEAF_SECONDS):
            data = await reader.read(65_536)
    except TimeoutError:
        return b"", f"nothing in {DEAF_SECONDS:g} s"
    except OSError as error:
        return b"", f"cut: {error}"
    return data, "" if data else "ended"


class Broadcaster:
    """One who sends `data`, `seconds` of MP3, again and again to the station live."""

    def __init__(
        self, port: int, key: str, *, data: bytes, seconds: float, faults: Faults, book: Ledger
    ) -> None:
        secret = base64.b64encode(f"source:{key}".encode()).decode()
        self._head = (
            f"PUT /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Basic {secret}\r\n"
            "Content-Type: audio/mpeg\r\nExpect: 100-continue\r\n\r\n"
        ).encode()
        self._port = port
        self._data = data
        self._step = int(len(data) / seconds * STEP_SECONDS)
        self._faults = faults
        self._book = book
        self._gone_at = -TIMEOUT_SECONDS

    async def come_and_go(self, dice: random.Random) -> None:
        """Without an end."""
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._send(dice)
            await asyncio.sleep(dice.uniform(0.3, 3.0))

    async def _send(self, dice: random.Random) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(self._head)
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode()
            if not self._may_send(answer):
                return
            self._book.totals["times on the air"] += 1
            at = 0
            for _ in range(dice.randint(4, 40)):
                writer.write((self._data + self._data)[at : at + self._step])
                at = (at + self._step) % len(self._data)
                async with asyncio.timeout(DEAF_SECONDS):
                    await writer.drain()
                await asyncio.sleep(STEP_SECONDS)
            if dice.random() < 0.5:
                writer.write_eof()
        finally:
            self._gone_at = self._book.now()
            writer.transport.abort() if dice.random() < 0.5 else writer.close()

    def _may_send(self, answer: str) -> bool:
        """Whether it was let in; one that was not, must be told of a part that is away, or that
        its last connection still counts."""
        code = answer.split(" ")[1]
        lately = self._book.now() - self._gone_at < TIMEOUT_SECONDS
        recovering = self._faults.excuse(self._gone_at, self._book.now(), AUDIBLE)
        held = code in ("100", "503") or (code == "409" and (lately or recovering))
        self._book.check(ledger.SOURCE, held, f"the source was answered {answer}")
        return code == "100"
