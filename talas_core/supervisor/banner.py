"""What the operator sees once everything works: addresses, and a line to go on the air with.

Does:        wait until all three ports say they are ready; compose the text.
Never:       goes to a log. The stream key is shown on a terminal only; elsewhere, the path of the
             file it lies in.
Guarantees:  every line that looks like a command can be pasted into a shell as it is.
"""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
from pathlib import Path

import msgspec

from talas_core.secrets import FOLDER
from talas_core.settings import Settings

LIVE, DEMO = "live", "demo"
_POLL_SECONDS = 0.05
_ASK_SECONDS = 3.0


class Places(msgspec.Struct, frozen=True):
    """Base addresses, without a slash at the end; `listen` is for listeners, the rest for here."""

    api: str
    chat: str
    stream: str
    listen: str
    source: str


def places(settings: Settings) -> Places:
    """Where the ports are. Listeners use TALAS_PUBLIC_URL where it is set."""
    host = _reachable(settings.host)
    return Places(
        api=f"http://{host}:{settings.api_port}",
        chat=f"http://{host}:{settings.chat_port}",
        stream=f"http://{host}:{settings.stream_port}",
        listen=settings.public_url.rstrip("/") or f"http://{host}:{settings.stream_port}",
        source=f"{host}:{settings.stream_port}",
    )


async def until_ready(settings: Settings) -> None:
    """Return once `/ready` answers 200 on all three ports."""
    host = _reachable(settings.host).strip("[]")
    for port in (settings.stream_port, settings.chat_port, settings.api_port):
        while True:
            if await _status(host, port) == 200:
                break
            await asyncio.sleep(_POLL_SECONDS)


def text(settings: Settings, seconds: float, live_key: str) -> str:
    """The banner. `live_key` is empty where it must not be shown; `seconds` is what the start took.

    Without the demo there is no station to name, so it ends with the health addresses.
    """
    at = places(settings)
    rows = [
        f"Talas is ready, after {seconds:.1f} s.",
        "",
        f"  page       {at.api}/",
        "",
        f"  health     {at.api}/health",
        f"             {at.chat}/health",
        f"             {at.stream}/health",
    ]
    if settings.demo:
        rows += _listening(at) + _broadcasting(settings.data_dir, at, live_key)
    return "\n".join([*rows, "", "  stop       Ctrl-C", ""])


def _listening(at: Places) -> list[str]:
    rows = []
    for slug, note in ((DEMO, "on the air"), (LIVE, "yours; off the air until you send to it")):
        rows += [
            "",
            f"  {slug:<10} {note}",
            f"    browser  {at.listen}/{slug}.mp3",
            f"    VLC      vlc {at.listen}/{slug}.mp3",
            f"    ffplay   ffplay {at.listen}/{slug}.opus",
        ]
    return rows


def _broadcasting(data_dir: Path, at: Places, live_key: str) -> list[str]:
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


async def _status(host: str, port: int) -> int:
    """The HTTP status of `/ready`; 0 where there is no answer."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /ready HTTP/1.1\r\nHost: talas\r\nConnection: close\r\n\r\n")
                words = (await reader.readline()).split()
            finally:
                writer.close()
    except OSError:
        return 0
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _reachable(host: str) -> str:
    """`host` as a part of a URL; an address that means all addresses becomes loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or "127.0.0.1"
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
