"""What an attacker has: raw sockets, strange tokens, and texts that break things.

Does:        exchange bytes with a running Talas and read the answers strictly, as a proxy would;
             hand out the key that the service signs with, to forge all but one part of a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.serve import Served
from support.wait import PATIENCE
from talas_core.postgres.pool import Database
from talas_core.security.seal import Sealer
from talas_core.supervisor import run_file

MASTER_KEY = "5a" * 32
SETTINGS = {"TALAS_MASTER_KEY": MASTER_KEY}
"""What a service that is attacked is started with."""

PASSWORD = "correct horse battery 9"
SIGNING_KEYS = "SELECT kid, sealed_private FROM signing_keys ORDER BY activates_at"


class Answer(msgspec.Struct, frozen=True):
    """One answer: its status, its fields in order with names in small letters, its body."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def field(self, name: str) -> str | None:
        """The value of a field that stands once; None where it is not there."""
        found = [value for known, value in self.fields if known == name.lower()]
        assert len(found) < 2, f"{name} stands {len(found)} times"
        return found[0] if found else None

    @property
    def length(self) -> int:
        """What it says of its body's length."""
        return int(self.field("Content-Length") or 0)

    @property
    def code(self) -> str:
        """The code of the error in the envelope."""
        return str(json.loads(self.body)["error"]["code"])

    @property
    def data(self) -> Any:
        """The data in the envelope."""
        return json.loads(self.body)["data"]


def exchange(port: int, data: bytes, *, enough: Callable[[bytes], bool] | None = None) -> bytes:
    """What the server says to `data` until it closes, until that is `enough`, or until it says
    nothing for too long."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        said = bytearray()
        # It may say what it has to say, and not wait for the rest of ours.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError, TimeoutError):
            connection.sendall(data)
            while got := connection.recv(65_536):
                said += got
                if enough is not None and enough(bytes(said)):
                    break
        return bytes(said)


def answers(raw: bytes) -> list[Answer]:
    """The answers in `raw`, each of the length it says; fails on anything that is not HTTP."""
    found = []
    while raw:
        head, end, raw = raw.partition(b"\r\n\r\n")
        assert end, f"a head without an end: {head[:200]!r}"
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1."), first
        status = int(first.split(" ")[1])
        pairs = [line.split(": ", 1) if ": " in line else (line[:-1], "") for line in lines]
        fields = [(name.lower(), value) for name, value in pairs]
        length = int(dict(fields).get("content-length", 0))
        assert "transfer-encoding" not in dict(fields), "an answer of ours is never chunked"
        found.append(Answer(status, fields, raw[:length]))
        raw = raw[length:]
    return found


def stays(said: bytes) -> bool:
    """Whether this is a whole answer, after which the connection stays open."""
    head, end, body = said.partition(b"\r\n\r\n")
    if not end or b"connection: close" in head.lower():
        return False
    return head.startswith(b"HTTP/1.1 101 ") or len(body) >= answers(said)[0].length


def ask(
    port: int, method: str, path: str, body: bytes | None = None, token: str = "", **fields: str
) -> Answer:
    """One request on a connection of its own. Field names have `_` for `-`. Raises ConnectionError
    where nothing is said to it."""
    given = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
    if body is not None:
        given |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    if token:
        given["Authorization"] = f"Bearer {token}"
    given |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    head = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
    said = exchange(port, head + (body or b""), enough=stays)
    if not said:
        raise ConnectionError(f"no answer to {method} {path}")
    (answer,) = answers(said)
    return answer


def sign_up(served: Served, name: str) -> dict[str, Any]:
    """Register somebody and sign in: the data of the sign-in."""
    email = f"{name}@example.org"
    wish = {"username": name, "email": email, "password": PASSWORD}
    answer = ask(served.api, "POST", "/api/auth/register", json.dumps(wish).encode())
    assert answer.status == 201, answer
    return sign_in(served, email)


def sign_in(served: Served, email: str) -> dict[str, Any]:
    """The data of a sign-in."""
    wish = {"email": email, "password": PASSWORD}
    answer = ask(served.api, "POST", "/api/auth/login", json.dumps(wish).encode())
    assert answer.status == 200, answer
    return dict(answer.data)


def signing_key(served: Served) -> tuple[str, Ed25519PrivateKey]:
    """The name of the key that the service signs with, and the key; for a service started with
    `SETTINGS`."""
    row = query(served, SIGNING_KEYS)[0]
    context = b"signing key " + row["kid"].encode()
    raw = Sealer(MASTER_KEY).open(row["sealed_private"], context)
    return row["kid"], Ed25519PrivateKey.from_private_bytes(raw)


def promote(served: Served, name: str) -> None:
    """Make somebody an admin, for their next sign-in."""
    query(served, "UPDATE users SET role = 'admin' WHERE username = $1 RETURNING id", name)


def query(served: Served, statement: str, *values: object) -> list[Any]:
    """Rows of the running service's own database."""
    run = run_file.read(served.data_dir)
    assert run is not None

    async def rows() -> list[Any]:
        database = Database(run.database_url, size=1)
        await database.open()
        try:
            return list(await database.rows(statement, *values))
        finally:
            await database.close()

    return asyncio.run(rows())


def healthy(served: Served) -> bool:
    """Whether nothing has fallen over: all three ports do their job, and nothing was unforeseen."""
    failures = [row for row in served.events()
                if row.get("event") in ("request failed", "connection failed", "child ended")
                or row.get("level") in ("error", "critical")]  # fmt: skip
    assert failures == []
    return served.is_ready()
