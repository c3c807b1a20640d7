"""People whose programs refresh, give up, sign out, and thieves who show what was used.

Does:        keep sessions alive as a program does that reads docs/accounts.md; end some of them,
             and look at every worker whether they are over.
Never:       calls a session's end unjust that its client brought about, or that came because no
             answer could be had within the grace of a refresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from contextlib import AsyncExitStack

import aiohttp

from stress import ledger
from stress.clients import PAUSE_SECONDS, Client, client
from stress.faults import API
from stress.lateness import Lateness
from stress.ledger import Ledger
from support.chat import Talker

GRACE_SECONDS = 10.0
"""How long a refresh token that was exchanged is good for the same answer (the setting's
default)."""
PROMISE_SECONDS = 1.0
"""Within this, an ended session is refused everywhere."""
SHORTEST_WATCH, LONGEST_WATCH = 2.5, 9.0
"""How long a session that was signed out is watched for: now and then longer than any worker
stands still."""
DOORS = 6
"""So many connections that each worker has one, but for one time in 32."""
EVERY_SECONDS = 0.15


class Device:
    """One program that stays signed in. `book` is told what must not be."""

    def __init__(self, through: Client, name: str, dice: random.Random, book: Ledger) -> None:
        self._client = through
        self._name = name
        self._dice = dice
        self._book = book
        self._access = ""
        self._tokens: list[str] = []

    async def live(self) -> None:
        """Refresh, give up, look, and now and then be stolen from, without an end."""
        await self._sign_in()
        while True:
            await asyncio.sleep(self._dice.uniform(0.2, 1.2))
            turn = self._dice.random()
            if turn < 0.2:
                await self._give_up()
            elif turn < 0.35:
                await self._look()
            elif turn < 0.45 and len(self._tokens) > 2:
                await self._be_stolen_from()
            else:
                await self._refresh()

    async def _sign_in(self) -> None:
        self._access, token = await self._client.sign_in(self._name)
        self._tokens = [token]

    async def _refresh(self, asked: float | None = None) -> None:
        """Exchange the token, however often that has to be asked for. `asked` is when it was
        shown first, in seconds since the start."""
        asked = self._book.now() if asked is None else asked
        while True:
            status, body = await self._show(self._tokens[-1])
            if status == 200:
                self._book.check(ledger.SESSIONS, held=True)
                self._book.totals["refreshes"] += 1
                self._access = body["data"]["access_token"]
                self._tokens.append(body["data"]["refresh_token"])
                return
            if status == 401:
                await self._signed_out(asked, "its refresh token was refused")
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _give_up(self) -> None:
        """Ask for a refresh, hang up before the answer, and ask again."""
        asked = self._book.now()
        self._book.totals["refreshes given up"] += 1
        request = asyncio.create_task(self._show(self._tokens[-1]))
        await asyncio.sleep(self._dice.choice((0.0, 0.001, 0.005, 0.02, 0.3)))
        request.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await request
        for turn in range(self._dice.randint(1, 3)):
            await self._refresh(asked if turn == 0 else None)

    async def _look(self) -> None:
        """The access token must be good."""
        status, _ = await self._client.ask("GET", "auth/profile", self._access)
        if status == 401:
            await self._signed_out(self._book.now(), "its access token was refused")
        elif status:
            self._book.check(ledger.SESSIONS, held=True)

    async def _be_stolen_from(self) -> None:
        """Somebody shows a token from before the last: they and we are out."""
        used = self._dice.choice(self._tokens[:-2])
        status, _ = await self._client.insist("POST", "auth/refresh", body={"refresh_token": used})
        self._book.totals["used tokens shown"] += 1
        self._book.check(ledger.REPLAY, status == 401, f"a used token was answered {status}")
        status, _ = await self._client.insist(
            "POST", "auth/refresh", body={"refresh_token": self._tokens[-1]}
        )
        self._book.check(ledger.REPLAY, status == 401,
                         f"the session of a used token went on: {status}")  # fmt: skip
        await self._sign_in()

    async def _signed_out(self, asked: float, how: str) -> None:
        """Nobody ended it. Begin anew."""
        if self._book.now() - asked > GRACE_SECONDS:
            self._book.totals["sessions lost for want of an answer in time"] += 1
        else:
            self._book.check(ledger.SESSIONS, False, f"{self._name} is signed out: {how}",
                             since=asked)  # fmt: skip
        await self._sign_in()

    async def _show(self, token: str) -> tuple[int, dict[str, dict[str, str]]]:
        return await self._client.ask("POST", "auth/refresh", body={"refresh_token": token})


class Leaver:
    """Somebody who signs in, is seen everywhere, signs out, and must be seen nowhere."""

    def __init__(
        self, api: int, chat: int, name: str, room: str, *, lateness: Lateness, book: Ledger
    ) -> None:
        self._api = api
        self._chat = f"http://127.0.0.1:{chat}/ws"
        self._name = name
        self._room = room
        self._lateness = lateness
        self._book = book
        self._left = float("inf")
        self._watched = 0.0
        self._numbers = itertools.count(1)

    async def come_and_go(self, dice: random.Random, sent: set[str]) -> None:
        """Without an end; their texts are added to `sent`."""
        while True:
            async with AsyncExitStack() as stack:
                doors = [await stack.enter_async_context(client(self._api, self._book, kept=True))
                         for _ in range(DOORS)]  # fmt: skip
                http = await stack.enter_async_context(
                    aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4))
                )
                token, _ = await doors[0].sign_in(self._name)
                # Where a worker stands still its connections fail, and are tried again below.
                await asyncio.gather(*(door.ask("GET", "auth/profile", token) for door in doors))
                sockets = [one for one in await asyncio.gather(
                    *(self._enter(http, token) for _ in range(DOORS))) if one]  # fmt: skip
                try:
                    self._watched = dice.uniform(SHORTEST_WATCH, LONGEST_WATCH)
                    await self._leave(doors, sockets, token, sent)
                finally:
                    await asyncio.gather(*(one.close() for one in sockets))
            await asyncio.sleep(dice.uniform(0.1, 1.5))

    async def _enter(self, http: aiohttp.ClientSession, token: str) -> Talker | None:
        """A socket in the room; None where it cannot be had now."""
        talker = None
        try:
            talker = Talker(await http.ws_connect(self._chat))
            await talker.sign_in(token)
            await talker.join(self._room)
            return talker
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass
        except AssertionError as refusal:
            reply = refusal.args[0]
            self._book.check(ledger.SESSIONS, reply.get("code") != "unauthorized",
                             f"{self._name} has just signed in, and is told {reply}")  # fmt: skip
        if talker:
            await talker.close()
        return None

    async def _leave(
        self, doors: list[Client], sockets: list[Talker], token: str, sent: set[str]
    ) -> None:
        talking = [asyncio.create_task(self._talk(one, sent)) for one in sockets]
        try:
            await self._sign_out(doors[0], token)
            await asyncio.gather(*(self._knock(door, token) for door in doors))
        finally:
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
            self._left = float("inf")

    async def _sign_out(self, door: Client, token: str) -> None:
        tries = status = 0
        while status not in (204, 401):
            tries += 1
            status, _ = await door.ask("POST", "auth/logout", token)
            await asyncio.sleep(0 if status == 204 else PAUSE_SECONDS)
        # One that was asked for again may have been done the first time.
        self._book.check(ledger.SESSIONS, status == 204 or tries > 1,
                         f"{self._name} was signed out before they did it")  # fmt: skip
        self._book.totals["sign-outs"] += 1
        self._left = self._book.now()

    def _late(self, asked: float) -> float:
        """How long after the promised time something was asked for, the machine's lateness taken
        off; 0 or less where it may yet be granted."""
        late = asked - self._left - PROMISE_SECONDS
        return late - self._lateness.worst(late + PROMISE_SECONDS, API) if late > 0 else late

    async def _knock(self, door: Client, token: str) -> None:
        """Ask with the token that is void until the watch is over."""
        while (asked := self._book.now()) < self._left + self._watched:
            status, _ = await door.ask("GET", "auth/profile", token)
            if status and self._late(asked) > 0:
                self._book.check(
                    ledger.SIGN_OUT, status in (401, 503),
                    f"{self._name}'s profile was answered {status}, asked for "
                    f"{asked - self._left:.1f} s after the 204",
                    since=self._left,
                )  # fmt: skip
            await asyncio.sleep(EVERY_SECONDS)

    async def _talk(self, talker: Talker, sent: set[str]) -> None:
        """Say something again and again, until the socket is closed."""
        while talker.code is None:
            text = f"{self._name}.{next(self._numbers)}"
            sent.add(text)
            asked = self._book.now()
            answer = talker.begin("message.send", room=self._room, nonce=text, text=text)
            try:
                reply = await asyncio.wait_for(answer, 15)
            except (ConnectionError, TimeoutError):
                break
            if self._late(asked) > 0:
                self._book.check(
                    ledger.NO_ACK, reply["type"] != "ack",
                    f"{self._name} was acknowledged {text!r}, sent {asked - self._left:.1f} s "
                    "after the 204",
                    since=self._left,
                )  # fmt: skip
            elif self._left == float("inf"):
                self._book.check(ledger.INTERNAL, reply.get("code") != "internal",
                                 f"{self._name} was answered {reply}")  # fmt: skip
            await asyncio.sleep(EVERY_SECONDS)
        if self._left < float("inf"):
            self._book.check(ledger.NO_ACK, held=True)
