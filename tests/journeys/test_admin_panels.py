"""Monitoring panels and scripts made for Icecast: what they read there, they find here.

Debian's own Icecast is run beside us, and asked the same with the same password.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen
from xml.etree.ElementTree import Element, fromstring

import pytest

from support.ports import free_port
from support.programs import end, needs, start
from support.sound import coded, programme
from support.stream import Stream, auth, head, running_stream
from support.wait import PATIENCE, auntil

pytestmark = pytest.mark.journey

PASSWORD = "icecast-password"
LOGIN = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()

NOT_TOLD = {"admin", "location", "client_connections", "connections"}
"""What Icecast counts and we leave to our own metrics, or do not have."""


async def ask(port: int, page: str) -> Element:
    """A page of the administration, as `curl -u admin:password` gets it."""

    def get() -> bytes:
        request = Request(f"http://127.0.0.1:{port}/admin/{page}", headers={"Authorization": LOGIN})
        with urlopen(request, timeout=PATIENCE) as answer:
            body: bytes = answer.read()
            return body

    return fromstring(await asyncio.to_thread(get))  # noqa: S314 - our own servers


@pytest.fixture
async def icecast(tmp_path: Path) -> AsyncIterator[int]:
    """Debian's Icecast on a port of its own."""
    port = free_port()
    tmp_path.chmod(0o777)
    config = tmp_path / "icecast.xml"
    config.write_text(
        "<icecast><authentication><source-password>hackme</source-password>"
        f"<admin-user>admin</admin-user><admin-password>{PASSWORD}</admin-password>"
        "</authentication><hostname>localhost</hostname>"
        f"<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>"
        f"<paths><logdir>{tmp_path}</logdir><webroot>/usr/share/icecast2/web</webroot>"
        "<adminroot>/usr/share/icecast2/admin</adminroot></paths>"
        "<logging><errorlog>-</errorlog><accesslog>-</accesslog></logging>"
        "<security><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>"
        "</icecast>"
    )
    server = await start("icecast2", "-c", str(config))
    try:

        async def up() -> bool:
            try:
                return (await ask(port, "stats")).tag == "icestats"
            except URLError:
                return False

        await auntil(up)
        yield port
    finally:
        await end(server)


@needs("icecast2")
async def test_the_pages_tell_what_icecast_s_tell(tmp_path: Path, icecast: int) -> None:
    async with running_stream(tmp_path, admin_password=PASSWORD) as talas:
        theirs = Stream(icecast, talas.api)
        senders = [
            await on_the_air(theirs, auth("hackme")),
            await on_the_air(talas, auth()),
        ]
        listeners = [await theirs.listen("/live"), await talas.listen("/live.mp3")]
        for server in (theirs, talas):
            title = await ask(server.port, "metadata?mode=updinfo&mount=/live&song=Blue%20Hour")
            assert title.findtext("return") == "1"
        # Icecast shows it with the audio that comes next, and the source has no more.
        assert (await ask(talas.port, "stats")).findtext("source/title") == "Blue Hour"
        for page, missing in (
            ("stats", NOT_TOLD), ("listmounts", set()), ("listclients?mount=/live", set()),
        ):  # fmt: skip
            known = names(await ask(icecast, page))
            assert known - names(await ask(talas.port, page)) == missing & known, page
        for server in (theirs, talas):
            answer = await ask(server.port, "killsource?mount=/live")
            assert (answer.tag, answer.findtext("return")) == ("iceresponse", "1")
        for writer in (*senders, *(writer for _, _, writer in listeners)):
            writer.close()


async def on_the_air(server: Stream, login: str) -> asyncio.StreamWriter:
    reader, writer = await server.connect()
    writer.write(head(f"SOURCE /live HTTP/1.0\nContent-Type: audio/mpeg\n{login}"))
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(coded(programme(10.0), "mp3"))
    await auntil(lambda: mounted(server))
    return writer


async def mounted(server: Stream) -> bool:
    return (await ask(server.port, "stats")).find("source") is not None


def names(page: Element) -> set[str]:
    """Every element's name below the first."""
    return {element.tag for element in page.iter()} - {page.tag}
