"""The pages of a running stream service: asking for one, and a station on the air to ask about."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from support.sound import coded, programme
from support.stream import Stream, auth, running_stream
from support.tokens import PUBLIC_KEYS, token
from support.wait import auntil
from talas_core import messages
from talas_core.messages import Nothing, SecurityEvent, StreamEvent

MP3 = coded(programme(4.0), "mp3")


async def get(stream: Stream, target: str, *lines: str) -> tuple[int, str, bytes]:
    """Status, head and body of a page."""
    request = "\n".join([f"GET {target} HTTP/1.1", "Host: radio.example:3002", *lines])
    start, _, body = (await stream.ask(request)).partition(b"\r\n\r\n")
    return int(start.split()[1]), start.decode(), body


async def reported(stream: Stream, kind: StreamEvent) -> SecurityEvent:
    """The event of this kind that came for the audit log; waited for."""

    def came() -> list[SecurityEvent]:
        return [event for event in stream.api.audit if event.kind is kind]

    [event] = await auntil(came)
    return event


async def data(stream: Stream, target: str) -> Any:
    """What the envelope of a page holds."""
    status, _, body = await get(stream, target)
    assert status == 200, body
    return json.loads(body)["data"]


async def retitle(stream: Stream, query: str, *lines: str) -> int:
    """Send a title to the station live, as its source unless `lines` say otherwise."""
    lines = lines or (auth(),)
    return (await get(stream, f"/admin/metadata?mode=updinfo&mount=/live&{query}", *lines))[0]


@contextlib.asynccontextmanager
async def on_air(tmp_path: Path, **overrides: object) -> AsyncIterator[Stream]:
    """The service with live on the air."""
    async with running_stream(tmp_path, **overrides) as stream:
        _, writer = await stream.source("ice-name: Guest", "ice-bitrate: 128", "ice-genre: Jazz")
        writer.write(MP3)
        await auntil(stream.status)
        yield stream
        writer.close()


async def admin(stream: Stream) -> str:
    """The header line of an admin, once the service knows the keys."""
    stream.api.keys = PUBLIC_KEYS
    await stream.api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))
    line = f"Authorization: Bearer {token('root', role='admin')}"

    async def known() -> bool:
        return (await get(stream, "/admin/stats", line))[0] == 200

    await auntil(known)
    return line
