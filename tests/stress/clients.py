"""People's programs at the API: requests that know what an answer may be, and a sign-in that lasts.

Does:        ask, within a time; say of each answer whether it was an error of ours; register and
             sign in until it works.
Never:       takes a request without an answer for more than that: the server may be away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from stress import ledger
from stress.ledger import Ledger
from support.people import PASSWORD

ANSWER_SECONDS = 4.0
PAUSE_SECONDS = 0.2
"""Before a request that was not answered, or with 503, is sent again."""
Answer = tuple[int, Any]
"""Status and JSON body; (0, {}) where no answer came."""


class Client:
    """The API at `port`, over `http`, whose connections are kept or not as it was made."""

    def __init__(self, http: aiohttp.ClientSession, port: int, book: Ledger) -> None:
        self._http = http
        self._base = f"http://127.0.0.1:{port}/api/"
        self._book = book

    async def ask(
        self, method: str, path: str, token: str = "", body: Any = None,
        seconds: float = ANSWER_SECONDS,
    ) -> Answer:  # fmt: skip
        """One request. A cancelled one hangs up."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with asyncio.timeout(seconds):
                async with self._http.request(
                    method, self._base + path, json=body, headers=headers
                ) as answer:
                    found = await answer.json() if answer.status != 204 else {}
        except (aiohttp.ClientError, OSError, TimeoutError):
            self._book.totals["requests not answered"] += 1
            return 0, {}
        self._book.totals["requests answered"] += 1
        self._book.check(ledger.INTERNAL, answer.status != 500, f"{method} {path} answered 500")
        return answer.status, found

    async def insist(self, method: str, path: str, token: str = "", body: Any = None) -> Answer:
        """The first answer that is not for want of a part of the server."""
        while True:
            status, found = await self.ask(method, path, token, body)
            if status not in (0, 429, 500, 503):
                return status, found
            await asyncio.sleep(PAUSE_SECONDS)

    async def register(self, name: str) -> None:
        """Make an account, whose password is everybody's."""
        person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        status, body = await self.insist("POST", "auth/register", body=person)
        assert status in (201, 409), body

    async def sign_in(self, name: str) -> tuple[str, str]:
        """A new session's access and refresh token."""
        person = {"email": f"{name}@example.com", "password": PASSWORD}
        while True:
            status, body = await self.insist("POST", "auth/login", body=person)
            if self._book.check(ledger.SESSIONS, status == 200, f"{name} is not let in: {body}"):
                self._book.totals["sign-ins"] += 1
                return body["data"]["access_token"], body["data"]["refresh_token"]
            await asyncio.sleep(PAUSE_SECONDS)


@contextlib.asynccontextmanager
async def client(port: int, book: Ledger, *, kept: bool = False) -> AsyncIterator[Client]:
    """A client whose requests each have a connection of their own, or all the same one."""
    connector = (
        aiohttp.TCPConnector(limit=1) if kept else aiohttp.TCPConnector(force_close=True, limit=0)
    )
    async with aiohttp.ClientSession(connector=connector) as http:
        yield Client(http, port, book)
