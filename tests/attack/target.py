"""What an attacker knows of the Talas they attack, and what they tell of how it went."""

from __future__ import annotations

import base64
import resource
import socket

import msgspec

ADDRESS = "127.0.0.66"
"""Where attacks come from: everybody else comes from another address of the loopback."""
NEWCOMER = "127.0.0.2"
DIAL_SECONDS = 10.0


class Target(msgspec.Struct, frozen=True):
    """`api`, `chat` and `stream` are ports, `pid` is the supervisor's. `keys` are those of the
    attacker's own stations by slug, `token` is their sign-in. `password` is the operator's for the
    panels, which a browser remembers."""

    api: int
    chat: int
    stream: int
    pid: int
    data_dir: str
    keys: dict[str, str]
    token: str
    password: str

    def ports(self) -> dict[str, int]:
        """All three by their names."""
        return {"api": self.api, "chat": self.chat, "stream": self.stream}


class Outcome(msgspec.Struct, frozen=True):
    """`said` is how it went for the attacker; `held` whether they were refused, cut or held back as
    they must be. `sent` counts bytes, `cpu` processor seconds of the attacker; `began` is when the
    attack did, by the monotonic clock."""

    said: str
    held: bool
    sent: int = 0
    cpu: float = 0.0
    began: float = 0.0


class NoAttack(Exception):
    """The attack was never under way, so that it shows nothing."""


class Skipped(Exception):
    """The attack is not possible on this machine; says why."""


def dial(port: int, address: str = ADDRESS, seconds: float = DIAL_SECONDS) -> socket.socket:
    """A connection from `address`. Raises OSError."""
    return socket.create_connection(("127.0.0.1", port), seconds, source_address=(address, 0))


def basic(user: str, password: str) -> str:
    """The value of an Authorization field."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(
    port: int, lines: list[str], body: bytes = b"", address: str = ADDRESS, seconds: float = 10.0
) -> bytes:
    """All the answer to one request, whose head is `lines`; nothing where there is none."""
    try:
        with dial(port, address, seconds) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            said = b""
            while got := connection.recv(65_536):
                said += got
            return said
    except OSError:
        return b""


def status(answer: bytes) -> int:
    """The status of an answer, 0 of none."""
    parts = answer.split(b" ", 2)
    return int(parts[1]) if answer.startswith(b"HTTP/1.") and parts[1].isdigit() else 0


def allow_files(count: int) -> None:
    """Have room for so many open files. Raises NoAttack."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard not in (resource.RLIM_INFINITY,) and hard < count:
            raise NoAttack(f"this machine allows {hard} open files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
