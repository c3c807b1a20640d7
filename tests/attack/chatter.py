"""A probe who chats, as those of probes.py.

    python -m attack.chatter PORT ROOM        (their token on the standard input)

Does:        write to a room five times a second; print a line for each message: when it began, how
             many milliseconds the answer took, and whether it was acknowledged.
Guarantees:  comes again where it was cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import aiohttp

from attack.probes import AGAIN_SECONDS, PATIENCE_SECONDS, by_the_clock
from support.chat import Talker
from support.wait import auntil

PROGRAM = "attack.chatter"
MESSAGE_SECONDS = 0.2


class Chatter:
    """Somebody signed in who writes to a room five times a second."""

    def __init__(self, port: int, token: str, room: str) -> None:
        self._url = f"http://127.0.0.1:{port}/ws"
        self._token = token
        self._room = room
        self._talker: Talker | None = None

    async def run(self) -> None:
        """Write for ever."""
        async with aiohttp.ClientSession() as session:
            staying = asyncio.create_task(self._stay(session))
            try:
                await by_the_clock(MESSAGE_SECONDS, self._send)
            finally:
                staying.cancel()

    async def _stay(self, session: aiohttp.ClientSession) -> None:
        """Have a socket in the room, another where it was lost."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError, AssertionError):
                talker = Talker(await session.ws_connect(self._url))
                await talker.sign_in(self._token)
                await talker.join(self._room)
                self._talker = talker
                while talker.code is None:
                    talker.frames.clear()
                    await asyncio.sleep(AGAIN_SECONDS)
            self._talker = None
            await asyncio.sleep(AGAIN_SECONDS)

    async def _send(self, number: int) -> str:
        talker = await auntil(lambda: self._talker, PATIENCE_SECONDS)
        reply = await talker.ask(
            "message.send", room=self._room, nonce=f"{time.time()} {number}", text=str(number)
        )
        return str(reply["type"])


if __name__ == "__main__":
    asyncio.run(Chatter(int(sys.argv[1]), sys.stdin.readline().strip(), sys.argv[2]).run())
