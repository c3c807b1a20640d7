"""The API as tests use it: settings, and the short way through sign-up and sign-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient

from loadtests.fresh import FREELY
from support.names import NAMES
from talas_api.compose import Api
from talas_core import messages
from talas_core.bus.memory import MemoryBus
from talas_core.messages import Nothing
from talas_core.postgres.pool import Database
from talas_core.settings import Settings, load

Client = TestClient[web.Request, web.Application]

PASSWORD = "correct horse"
PERSON = {"username": "testuser", "email": "test@example.com", "password": "Test123!@#"}


def settings_for(database_url: str, data_dir: Path, **more: object) -> Settings:
    """Settings of a test: the cheapest hash, and a data directory of its own."""
    environ = {
        **FREELY, "TALAS_ENV": "test", "TALAS_BCRYPT_COST": "4", "TALAS_DATA_DIR": str(data_dir),
        "TALAS_HOSTS": NAMES,
    }  # fmt: skip
    return load(environ, database_url=database_url, **more)


async def stream_here(_: bytes) -> bytes:
    """What a stream service answers who asks whether it listens."""
    return messages.encode(Nothing())


class Composed(msgspec.Struct, frozen=True):
    """A started API: its services, its bus, and a client for each port."""

    api: Api
    bus: MemoryBus
    client: Client
    chat: Client

    async def call(
        self, method: str, path: str, body: Any = None, token: str = ""
    ) -> tuple[int, Any]:
        """Status and decoded body of one request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.request(method, path, json=body, headers=headers) as response:
            raw = await response.read()
            return response.status, msgspec.json.decode(raw) if raw else None

    async def sign_up(self, name: str = "testuser") -> dict[str, Any]:
        """Register `name` and sign in; the data of the sign-in."""
        email = f"{name}@example.com"
        person = {"username": name, "email": email, "password": PASSWORD}
        status, _ = await self.call("POST", "/api/auth/register", person)
        assert status == 201
        return await self.sign_in(email)

    async def sign_up_as(self, name: str, role: str, db: Database) -> str:
        """Register `name`, give them the role, sign in; the access token."""
        await self.sign_up(name)
        await db.run("UPDATE users SET role = $2 WHERE username = $1", name, role)
        return str((await self.sign_in(f"{name}@example.com"))["access_token"])

    async def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """The data of a sign-in."""
        credentials = {"email": email, "password": password}
        status, body = await self.call("POST", "/api/auth/login", credentials)
        assert status == 200, body
        return dict(body["data"])
