"""Members of rooms who chat through every fault, and readers of history.

Does:        say things until they are acknowledged; lose connections; come back; look at each
             message as it arrives, and at pages of history, beside all that was known before.
Guarantees:  what one member is told of an offset must be what everybody was told.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

import aiohttp

from stress import ledger
from stress.clients import Client
from stress.ledger import Ledger
from support.chat_probe import ChatProbe
from support.proxy import Proxy

PAUSE_SECONDS = 0.6
"""On average, between two messages of a member."""
DROP_SECONDS = 8.0
"""On average, between two lost connections of a member."""
UNAUTHORIZED, SESSION_ENDED = "unauthorized", 4102


class Rooms:
    """What is known of each room: its messages by offset, as whoever told of them first had it."""

    def __init__(self, book: Ledger) -> None:
        self.at: dict[str, dict[int, str]] = defaultdict(dict)
        self.sent: set[str] = set()
        self._book = book
        self._where: dict[str, int] = {}

    def agrees(self, room: str, offset: int, text: str) -> bool:
        """Whether that is what everybody was told of this offset."""
        known = self.at[room].setdefault(offset, text)
        first = self._where.setdefault(text, offset)
        self._book.check(
            ledger.NONCES, text in self.sent and first == offset,
            f"{text!r} at {offset} of {room}, and at {first}; sent: {text in self.sent}",
        )  # fmt: skip
        return known == text


class Member(ChatProbe):
    """Somebody in one room. Their texts begin with `name`, which nobody else has in any room."""

    def __init__(
        self, session: aiohttp.ClientSession, proxy: Proxy, token: str, room: str, *,
        name: str, rooms: Rooms, book: Ledger,
    ) -> None:  # fmt: skip
        super().__init__(session, f"http://127.0.0.1:{proxy.port}/ws", token, room)
        self.name = name
        self.heard: dict[int, str] = {}
        self._proxy = proxy
        self._rooms = rooms
        self._book = book

    async def chat(self, dice: random.Random, done: asyncio.Event) -> None:
        """Say things until `done`, with the last of them acknowledged."""
        number = 0
        while not done.is_set():
            number += 1
            text = f"{self.name}.{number}"
            self._rooms.sent.add(text)
            await self.say(text)
            await asyncio.sleep(dice.expovariate(1 / PAUSE_SECONDS))

    async def lose_connections(self, dice: random.Random) -> None:
        """Lose the connection now and then, without a word."""
        while True:
            await asyncio.sleep(dice.expovariate(1 / DROP_SECONDS))
            if self.talker is not None:
                self._proxy.drop(self.port())
                self._book.totals["connections lost"] += 1

    def check_all(self, last: int) -> None:
        """At the end: everything acknowledged in the room since they came has been heard, where it
        was acknowledged, and they are at `last`."""
        known = self._rooms.at[self.room]
        self._book.check(ledger.RESUME, self.offset == last,
                         f"{self.name} is at {self.offset} of {last}")  # fmt: skip
        first = min(self.heard, default=last + 1)
        for offset in range(first, last + 1):
            self._book.check(
                ledger.ONCE, self.heard.get(offset) == known.get(offset, ""),
                f"{self.name} heard {self.heard.get(offset)!r} at {offset}, "
                f"others {known.get(offset)!r}",
            )  # fmt: skip

    async def _visit(self) -> None:
        try:
            await super()._visit()
        except AssertionError as refusal:
            reply = refusal.args[0] if refusal.args else {}
            code = reply.get("code") if isinstance(reply, dict) else ""
            self._judge_code(str(code), f"{self.name} cannot come back: {refusal}")
            raise
        self._book.totals["sockets closed"] += 1
        self._book.check(
            ledger.SESSIONS, self.codes[-1] != SESSION_ENDED,
            f"a socket of {self.name} was closed with {self.codes[-1]}",
        )  # fmt: skip

    def _acknowledged(self, text: str, offset: int) -> None:
        super()._acknowledged(text, offset)
        self._book.totals["messages acknowledged"] += 1
        self._book.check(ledger.INTERNAL, held=True)
        self._book.check(
            ledger.ONCE, self._rooms.agrees(self.room, offset, text),
            f"{text!r} acknowledged at {offset}, where {self._rooms.at[self.room][offset]!r} is",
        )  # fmt: skip

    def _failed(self, reply: dict[str, Any]) -> None:
        super()._failed(reply)
        self._book.totals[f"messages answered {reply['code']}"] += 1
        self._judge_code(reply["code"], f"{self.name}'s message was answered {reply}")

    def _judge_code(self, code: str, problem: str) -> None:
        self._book.check(ledger.INTERNAL, code != "internal", problem)
        self._book.check(ledger.SESSIONS, code != UNAUTHORIZED, problem)
        self._book.check(ledger.NONCES, code != "nonce_reused", problem)

    def _resumed(self, joined: dict[str, Any]) -> None:
        self._book.totals["resumes"] += 1
        self._book.check(ledger.RESUME, joined["recovered"],
                         f"{self.name}, at {self.offset}, was told {joined}")  # fmt: skip

    def _arrived(self, frame: dict[str, Any]) -> None:
        if frame["type"] != "message":
            self._book.totals[f"frames of type {frame['type']}"] += 1
            return
        offset, text = frame["offset"], frame["text"]
        if not self._epoch and not self.seen:
            self._begin = offset - 1  # just joined: the answer has not been looked at yet
        self._book.totals["messages delivered"] += 1
        self._book.check(ledger.OFFSETS, offset == self.offset + 1,
                         f"{self.name} got {offset} after {self.offset}")  # fmt: skip
        new = offset not in self.heard and self._rooms.agrees(self.room, offset, text)
        self._book.check(ledger.ONCE, new, f"{self.name} got {text!r} at {offset}")
        self.heard[offset] = text
        super()._arrived(frame)


class Reader:
    """Somebody who reads history over HTTP."""

    def __init__(self, client: Client, token: str, rooms: Rooms, book: Ledger) -> None:
        self._client = client
        self._token = token
        self._rooms = rooms
        self._book = book

    async def browse(self, names: list[str], dice: random.Random) -> None:
        """Read a few pages of one room after the other, without an end."""
        while True:
            room = dice.choice(names)
            _, before = await self._page(room, None, dice.randint(1, 100))
            for _ in range(dice.randint(0, 4)):
                if before:
                    _, before = await self._page(room, before, dice.randint(1, 100))
            await asyncio.sleep(dice.expovariate(2))

    async def read_all(self, room: str) -> int:
        """Read it to its beginning; all that anybody was told of must be there. Returns the last
        offset."""
        told = set(self._rooms.at[room])
        found, before = await self._page(room, None, 100)
        last = max(found, default=0)
        while before:
            more, before = await self._page(room, before, 100)
            found += more
        missing = sorted((told | set(range(1, last + 1))) - set(found))
        self._book.check(ledger.HISTORY, not missing, f"{room} has lost {missing[:5]}")
        return last

    async def _page(
        self, room: str, before: int | None, limit: int
    ) -> tuple[list[int], int | None]:
        """One page, looked at. Returns its offsets, and the `before` of the one that precedes
        it."""
        query = f"?limit={limit}" + (f"&before={before}" if before else "")
        path = f"rooms/{room}/messages{query}"
        status, body = await self._client.insist("GET", path, self._token)
        if not self._book.check(ledger.SESSIONS, status == 200, f"{path} was answered {status}"):
            return [], None
        rows = [(row["offset"], row["text"]) for row in body["data"]]
        offsets = [offset for offset, _ in rows]
        end = before - 1 if before else (offsets[-1] if offsets else 0)
        rising = offsets == list(range(end - len(offsets) + 1, end + 1))
        differ = [offset for offset, text in rows if not self._rooms.agrees(room, offset, text)]
        self._book.totals["pages of history"] += 1
        self._book.check(ledger.OFFSETS, rising, f"{path}: {offsets[:3]}…{offsets[-3:]}")
        self._book.check(ledger.HISTORY, not differ and len(rows) <= limit,
                         f"{path}: {len(rows)} rows, other at {differ}")  # fmt: skip
        return offsets, body["meta"]["next"]
