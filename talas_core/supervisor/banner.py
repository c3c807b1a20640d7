"""What the operator sees once everything works: addresses, and a line to go on the air with.

Does:        wait until all three ports say they are ready, and the demo is on the air; compose the
             text.
Never:       goes to a log. The stream key is shown on a terminal only; elsewhere, the path of the
             file it lies in.
Guarantees:  every line that looks like a command can be pasted into a shell as it is.
"""

from __future__ import annotations

import asyncio
import itertools
import shlex
import socket
from ipaddress import ip_address
from pathlib import Path

import msgspec

from talas_core.errors import Misdirected
from talas_core.hosts import addresses, in_url, reachable
from talas_core.secrets import FOLDER
from talas_core.settings import Settings
from talas_core.web.host import LOOPBACK, Hosts

LIVE, DEMO = "live", "demo"
_POLL_SECONDS = 0.05
_ASK_SECONDS = 3.0
DEMO_SECONDS = 15.0
"""How long the demo may take until it is on the air; then the banner goes out without it."""


class Addresses(msgspec.Struct, frozen=True):
    """Base addresses, without a slash at the end; `listen` is for listeners, the rest for here."""

    api: str
    chat: str
    stream: str
    listen: str
    source: str


def addresses_of(settings: Settings) -> Addresses:
    """Where the ports are. Listeners use TALAS_PUBLIC_URL where it is set."""
    host = in_url(reachable(settings.host)[0])
    return Addresses(
        api=f"http://{host}:{settings.api_port}",
        chat=f"http://{host}:{settings.chat_port}",
        stream=f"http://{host}:{settings.stream_port}",
        listen=settings.public_url.rstrip("/") or f"http://{host}:{settings.stream_port}",
        source=f"{host}:{settings.stream_port}",
    )


async def until_ready(settings: Settings) -> None:
    """Return once `/ready` answers 200 on all three ports, at every address."""
    ports = (settings.stream_port, settings.chat_port, settings.api_port)
    for host, port in itertools.product(reachable(settings.host), ports):
        while True:
            if await _status(host, port) == 200:
                break
            await asyncio.sleep(_POLL_SECONDS)


async def demo_heard(settings: Settings, seconds: float = DEMO_SECONDS) -> bool:
    """Return once a listener would hear the demo: True; or False after so many seconds."""
    host = reachable(settings.host)[0]
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await _status(host, settings.stream_port, "HEAD", f"/{DEMO}.opus") == 200:
                    return True
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        return False


def text(settings: Settings, seconds: float, live_key: str, *, on_air: bool = True) -> str:
    """The banner. `live_key` is empty where it must not be shown; `seconds` is what the start took,
    `on_air` whether the demo can be heard.

    Without the demo there is no station to name, so it ends with the health addresses.
    """
    at = addresses_of(settings)
    rows = [
        f"Talas is ready, after {seconds:.1f} s.",
        "",
        f"  page       {at.api}/",
        "",
        f"  health     {at.api}/health",
        f"             {at.chat}/health",
        f"             {at.stream}/health",
    ]
    if (name := _stranger(settings)) is not None:
        rows += ["", f"  names      {name} is answered 421 until TALAS_HOSTS lists it"]
    if settings.demo:
        rows += _listening(at, on_air) + _broadcasting(settings.data_dir, at, live_key)
    return "\n".join([*rows, "", "  stop       Ctrl-C", ""])


def _stranger(settings: Settings) -> str | None:
    """This machine's own name, where others can reach us and will not by that name."""
    if all(map(_is_loopback, addresses(settings.host))):
        return None
    name = socket.gethostname()
    try:
        Hosts.own(settings).check(name, "/")
    except Misdirected:
        return name
    return None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == LOOPBACK


def _listening(at: Addresses, on_air: bool) -> list[str]:
    rows = []
    demo = "on the air" if on_air else "not on the air yet; the log says why"
    for slug, note in ((DEMO, demo), (LIVE, "yours; off the air until you send to it")):
        rows += [
            "",
            f"  {slug:<10} {note}",
            f"    browser  {at.listen}/{slug}.mp3",
            f"    VLC      vlc {at.listen}/{slug}.mp3",
            f"    ffplay   ffplay {at.listen}/{slug}.opus",
        ]
    return rows


def _broadcasting(data_dir: Path, at: Addresses, live_key: str) -> list[str]:
    key = live_key or f"$(cat {shlex.quote(str(key_file(data_dir)))})"
    return [
        "",
        f"  broadcast  any MP3 file, to {LIVE}:",
        "    ffmpeg -re -i FILE.mp3 -c copy -content_type audio/mpeg -f mp3 "
        f"icecast://source:{key}@{at.source}/{LIVE}",
    ]


def key_file(data_dir: Path) -> Path:
    """Where the stream key of `live` lies."""
    return data_dir / FOLDER / key_name(LIVE)


def key_name(slug: str) -> str:
    """The name of a station's stream key among the secrets."""
    return f"station-{slug}.key"


async def _status(host: str, port: int, method: str = "GET", path: str = "/ready") -> int:
    """The HTTP status of a path; 0 where there is no answer."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                lines = (
                    f"{method} {path} HTTP/1.1",
                    f"Host: {in_url(host)}:{port}",
                    "Connection: close",
                )
                writer.write("\r\n".join((*lines, "", "")).encode())
                words = (await reader.readline()).split()
            finally:
                writer.close()
    except OSError:
        return 0
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
