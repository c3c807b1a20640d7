"""Where the load goes.

Does:        make the three addresses from what the operator named.
Never:       lets load out of this machine unless the operator asked for that host by name.
Guarantees:  all three addresses are on one host; what cannot be used is refused in one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

DEFAULT_HOST = "http://127.0.0.1:8080"
CHAT_PORT, STREAM_PORT = 3001, 3002


class Refused(Exception):
    """The operator asked for load that this will not make."""


class Targets(msgspec.Struct, frozen=True):
    """`api` is a base URL, `chat` the WebSocket's; the stream is a host and a port."""

    api: str
    chat: str
    stream_host: str
    stream_port: int


def targets(host: str, chat_url: str = "", stream_url: str = "", *, asked: bool) -> Targets:
    """The addresses; what is left out is on the API's host, at Talas' own ports.

    `asked`: the operator named the host on the command line. Raises Refused.
    """
    api = _parts(host, "http", 80)
    chat = _parts(chat_url, "ws", 80) if chat_url else (api[0], CHAT_PORT)
    stream = _parts(stream_url, "http", 80) if stream_url else (api[0], STREAM_PORT)
    for name, _ in (api, chat, stream):
        if not is_loopback(name) and not (asked and name == api[0]):
            raise Refused(
                f"{name} is not this machine: to load another one, name it with --host on the "
                "command line, for all three addresses"
            )
    return Targets(
        api=f"http://{_bracketed(api[0])}:{api[1]}",
        chat=f"ws://{_bracketed(chat[0])}:{chat[1]}/ws",
        stream_host=stream[0],
        stream_port=stream[1],
    )


def was_asked(arguments: Sequence[str]) -> bool:
    """Whether the command line itself names a host: a variable or a file may have been left."""
    return any(
        argument == "--host" or argument.startswith(("--host=", "-H")) for argument in arguments
    )


def is_loopback(host: str) -> bool:
    """Whether this host cannot be but the machine we are on."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(url: str, scheme: str, port: int) -> tuple[str, int]:
    try:
        found = urlsplit(url)
        if found.scheme != scheme or not found.hostname:
            raise ValueError
        return found.hostname, found.port or port
    except ValueError:
        raise Refused(f"{url!r} is not an address like {scheme}://127.0.0.1:8080") from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
