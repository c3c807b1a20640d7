"""Somebody who chats through every trouble: reconnects, resumes, and sends again until told that a
message is kept. What they saw is then evidence."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp

from support.chat import Talker
from support.wait import auntil


class ChatProbe:
    """`seen` is (offset, text) of every message that arrived; `kept` the offset of each text that
    was acknowledged; `codes` why sockets were closed; `errors` what requests were answered with."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, room: str) -> None:
        self._session = session
        self._url = url
        self._token = token
        self.room = room
        self.seen: list[tuple[int, str]] = []
        self.kept: dict[str, int] = {}
        self.codes: list[int | None] = []
        self.errors: list[str] = []
        self.talker: Talker | None = None
        self._epoch = ""
        self._begin = 0
        self._life = asyncio.get_running_loop().create_task(self._live())

    @property
    def offset(self) -> int:
        """The last message seen."""
        return self.seen[-1][0] if self.seen else self._begin

    async def here(self) -> None:
        """Wait until joined."""
        await auntil(lambda: self.talker is not None)

    async def say(self, text: str) -> None:
        """Send until acknowledged, on whatever socket, always under the same nonce."""
        while text not in self.kept:
            talker = self.talker
            reply: dict[str, Any] = {}
            if talker is not None:
                with contextlib.suppress(ConnectionError, TimeoutError, aiohttp.ClientError):
                    sent = talker.begin("message.send", room=self.room, nonce=text, text=text)
                    reply = await asyncio.wait_for(sent, 5)
            if reply.get("type") == "ack":
                self._acknowledged(text, reply["offset"])
            else:
                if reply:
                    self._failed(reply)
                await asyncio.sleep(0.1)

    def port(self) -> int:
        """Our own end of the connection; 0 where it has just gone."""
        name = self.talker.socket.get_extra_info("sockname") if self.talker else None
        return int(name[1]) if name else 0

    async def leave(self) -> None:
        while not self._life.done():
            # A connection that is timing out just then takes the cancellation for its timeout.
            self._life.cancel()
            await asyncio.wait([self._life], timeout=1)
        if self.talker is not None:
            await self.talker.close()

    async def _live(self) -> None:
        while True:
            with contextlib.suppress(
                aiohttp.ClientError, ConnectionError, TimeoutError, AssertionError
            ):
                await self._visit()
            self.talker = None
            await asyncio.sleep(0.05)

    async def _visit(self) -> None:
        """One socket, from its beginning to its end."""
        talker = Talker(await self._session.ws_connect(self._url), self._arrived)
        try:
            await talker.sign_in(self._token)
            resume = {"epoch": self._epoch, "offset": self.offset} if self._epoch else {}
            joined = await talker.join(self.room, **resume)
            if resume:
                self._resumed(joined)
            else:
                self._epoch, self._begin = joined["epoch"], joined["offset"]
            self.talker = talker
            self.codes.append(await talker.ended())
        finally:
            await talker.close()

    def _acknowledged(self, text: str, offset: int) -> None:
        self.kept[text] = offset

    def _failed(self, reply: dict[str, Any]) -> None:
        """A message was answered with an error."""
        self.errors.append(reply["code"])

    def _resumed(self, joined: dict[str, Any]) -> None:
        """The answer to a return."""
        if not joined["recovered"]:
            self.seen.append((-1, "not recovered"))

    def _arrived(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            self.seen.append((frame["offset"], frame["text"]))
