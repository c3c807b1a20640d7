"""A stream service in this process, on a port of its own, with stations from memory.

Does:        run the real composition over an in-memory bus that answers as talas_api would.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.codec import Threads
from support.names import NAMES
from support.ports import free_port
from support.wait import PATIENCE
from talas_core import messages, settings
from talas_core.bus.memory import MemoryBus
from talas_core.messages import (
    DEFAULT_RENDITIONS,
    RENDITIONS,
    FindStation,
    FoundStation,
    KeySet,
    Nothing,
    SecurityEvent,
    StationRecord,
)
from talas_core.settings import Settings
from talas_stream.access import reports
from talas_stream.codec import worker
from talas_stream.codec.stages import govern
from talas_stream.compose import service

KEY = "0123456789abcdef0123456789abcdef"
REPORTS_EVERY_SECONDS = 0.05
"""Twenty times as often as for an operator: nobody here waits for the audit log."""
EVER = 1e6
"""For times and shares: a busy machine is not what is judged here. Codecs that are short of time
turn newcomers away, or give them less history."""


def record(
    slug: str = "live",
    key: str = KEY,
    name: str = "Night Line",
    renditions: tuple[str, ...] = DEFAULT_RENDITIONS,
    closed: bool = False,
) -> StationRecord:
    """A station as talas_api tells it."""
    return StationRecord(
        id=f"id-{slug}",
        slug=slug,
        name=name,
        description="",
        room=f"room-{slug}",
        owner_id="owner",
        key_hash=hashlib.sha256(key.encode()).hexdigest(),
        renditions=renditions,
        closed=closed,
    )


class Told:
    """In place of Reports, which sends it away: keeps what was told."""

    def __init__(self) -> None:
        self.events: list[SecurityEvent] = []

    def tell(self, event: SecurityEvent) -> None:
        self.events.append(event)


class FakeApi:
    """The other end of the bus. `audit` has what came for the audit log."""

    def __init__(self, *stations: StationRecord) -> None:
        self.bus = MemoryBus()
        self.stations = {station.slug: station for station in stations}
        self.keys = KeySet(())
        self.asked = 0
        self.audit: list[SecurityEvent] = []

    async def start(self) -> None:
        await self.bus.serve(messages.STATION_FIND, self._find)
        await self.bus.serve(messages.KEYS_LIST, self._keys)
        await self.bus.serve(messages.AUDIT, self._take)

    async def change(self, slug: str, station: StationRecord | None) -> None:
        """Have it be so from now on, or be gone, and announce it."""
        self.stations.pop(slug, None)
        if station is not None:
            self.stations[slug] = station
        await self.bus.publish(
            messages.STATION_CHANGED, messages.encode(messages.StationChanged(slug))
        )

    async def _find(self, payload: bytes) -> bytes:
        self.asked += 1
        slug = messages.decode(payload, FindStation).slug
        return messages.encode(FoundStation(self.stations.get(slug)))

    async def _take(self, payload: bytes) -> bytes:
        self.audit.append(messages.decode(payload, SecurityEvent))
        return messages.encode(Nothing())

    async def _keys(self, payload: bytes) -> bytes:
        return messages.encode(self.keys)


class Stream:
    """The running service."""

    def __init__(self, port: int, api: FakeApi) -> None:
        self.port = port
        self.api = api

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: str, body: bytes = b"") -> bytes:
        """Send a request, read to the end of the connection."""
        reader, writer = await self.connect()
        writer.write(head(request) + body)
        try:
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        finally:
            writer.close()

    async def status(self) -> list[dict[str, object]]:
        """The stations on the air, from the status page."""
        body = (await self.ask("GET /status-json.xsl HTTP/1.1\nHost: here")).split(b"\r\n\r\n")[1]
        source = json.loads(body)["icestats"].get("source", [])
        return source if isinstance(source, list) else [source]

    async def ready(self) -> bool:
        """Whether the service calls itself ready."""
        return b" 200 " in await self.ask("GET /ready HTTP/1.1\nHost: here")

    async def source(
        self, *lines: str, method: str = "PUT", slug: str = "live", kind: str = "audio/mpeg",
        key: str = KEY,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:  # fmt: skip
        """Connect as a source; what it answers is still to be read."""
        reader, writer = await self.connect()
        request = [f"{method} /{slug} HTTP/1.1", f"Content-Type: {kind}", auth(key), *lines]
        writer.write(head("\r\n".join(request)))
        return reader, writer

    async def listen(
        self, path: str, *lines: str
    ) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect as a listener; gives the response head and what follows it."""
        reader, writer = await self.connect()
        writer.write(head("\r\n".join([f"GET {path} HTTP/1.1", "Host: here", *lines])))
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readuntil(b"\r\n\r\n")
        return answer.decode(), reader, writer


def head(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode() + b"\r\n\r\n"


def auth(key: str = KEY, user: str = "source") -> str:
    token = base64.b64encode(f"{user}:{key}".encode()).decode()
    return f"Authorization: Basic {token}"


def stream_settings(tmp_path: Path, **overrides: object) -> Settings:
    values: dict[str, object] = {
        "stream_port": free_port(),
        "api_port": 1,
        "chat_port": 2,
        "data_dir": tmp_path,
        "shutdown_seconds": 2.0,
        "hosts": NAMES,
        # Tests feed sources as fast as they can; holding them back has tests of its own.
        "source_lead_seconds": 30.0,
        # So do listeners who stay without a source, and sources that fall silent: a test may be
        # at its listeners for longer than one may be.
        "hold_seconds": 0.0,
        "source_timeout_seconds": 600.0,
    }
    return settings.load({}, **(values | overrides))


@contextlib.asynccontextmanager
async def running_stream(tmp_path: Path, **overrides: object) -> AsyncIterator[Stream]:
    """The service with the stations live, and demo which has every rendition."""
    api = FakeApi(record("live"), record("demo", renditions=RENDITIONS))
    await api.start()
    threads = Threads()
    settings = stream_settings(tmp_path, **overrides)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "EVERY_SECONDS", REPORTS_EVERY_SECONDS)
        for module, name in (
            (govern, "BUSY"), (govern, "LATE_SECONDS"), (worker, "PATIENCE_SECONDS"),
        ):  # fmt: skip
            patch.setattr(module, name, EVER)
        async with service(settings, api.bus, threads.launch) as port:
            yield Stream(port, api)
    threads.join()
