"""Attacks on the log: whatever comes in, one event is one line, and nothing secret is in it."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from support.attacks import PASSWORD, SETTINGS, ask, sign_up
from support.page import stream_key
from support.serve import Served, running_serve
from support.wait import PATIENCE, until

pytestmark = [pytest.mark.journey, pytest.mark.checklist(29)]

FORGED = '{"event":"forged","level":"critical"}'
EVIL = {
    "a line feed": f"x\n{FORGED}",
    "a carriage return": f"x\r{FORGED}",
    "both": f"x\r\n{FORGED}\r\n",
    "other ends of lines": f"x\x85{FORGED}\u2028{FORGED}\u2029{FORGED}\x0b{FORGED}\x0c{FORGED}",
    "colours": "\x1b[2J\x1b[31mgone\x1b]0;title\x07",
    "a backspace": "admin\x08\x08\x08\x08\x08",
    "the end of the text": f'x","event":"forged","y":"{FORGED}',
    "a NUL": f"x\0{FORGED}",
    "logfmt": 'x event=forged level="critical"',
    "a turned text": "\u202eforged\u2066",
    "not UTF-8": "x\udcff\udcfe",
    "formats": "%s%n%(event)s{event}{0}$event",
}
"""`\udcff` stands for the byte ff, as it does where Python reads headers."""
FRAME = base64.b64decode("//uQZA==") + bytes(413)
"""One frame of MP3, silent."""


@pytest.fixture(scope="module", params=["json", "console"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    env = SETTINGS | {"TALAS_LOG_FORMAT": str(request.param)}
    with running_serve(tmp_path_factory.mktemp("served"), "--demo", env=env) as running:
        yield running.wait_ready()


def attack(served: Served, text: str) -> None:
    """Say `text` in every place that a log may tell of."""
    key = base64.b64encode(f"source:{stream_key(served, 'live')}".encode()).decode()
    said = text.encode("utf-8", "surrogateescape")
    plain = said.translate(None, b"\r\n\0")
    escaped = quote(said)
    body = json.dumps(dict.fromkeys(("username", "email", "password"), text)).encode()
    for port in (served.api, served.chat, served.stream):
        for path in (f"/{escaped}", f"/api/stations/{escaped}", f"/site/{escaped}/x",
                     f"/{escaped}.mp3", f"/admin/metadata?mount=/live&song={escaped}"):  # fmt: skip
            ask(port, "GET", path)
        for head in (b"GET /health?%s HTTP/1.1\r\nUser-Agent: x", b"GET / HTTP/1.1\r\nReferer: %s",
                     b"GET /nowhere HTTP/1.1\r\nX-Forwarded-For: %s\r\nX-Request-ID: 1",
                     b"PUT /live HTTP/1.1\r\nAuthorization: Basic %s", b"%s / HTTP/1.1\r\nA: b",
                     b"GET /ws HTTP/1.1\r\nOrigin: %s\r\nUpgrade: websocket"):  # fmt: skip
            for words in (said, plain):
                once(port, head % words)
    for path in ("/api/auth/register", "/api/auth/login"):
        ask(served.api, "POST", path, body, **{"User-Agent": plain.decode("utf-8", "replace")})
    source = b"PUT /live HTTP/1.1\r\nAuthorization: Basic %s\r\nContent-Type: audio/mpeg\r\n" \
             b"User-Agent: %s\r\nIce-Name: %s\r\nIce-Description: %s\r\n\r\n"  # fmt: skip
    once(served.stream, source % (key.encode(), plain, plain, plain) + FRAME * 40)
    ask(served.stream, "GET", f"/admin/metadata?mount=/live&mode=updinfo&song={escaped}",
        Authorization=f"Basic {key}")  # fmt: skip


def once(port: int, data: bytes) -> None:
    """Say something, and leave when something comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(data + b"\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


def told(served: Served) -> list[str]:
    return served.log().split("\n")[:-1]


@pytest.mark.parametrize("name", EVIL)
def test_event_with_hostile_text_is_one_log_line_of_plain_characters(
    served: Served, name: str
) -> None:
    attack(served, EVIL[name])
    until(served.is_ready)
    assert any("source " in line for line in told(served)), "nothing of it was told at all"
    for line in told(served):
        assert line.isprintable(), line
        if served.env["TALAS_LOG_FORMAT"] == "json":
            event = json.loads(line)
            assert event["event"] != "forged", line
            assert event["level"] in ("info", "warning"), line
        else:
            assert line.startswith("timestamp="), line
            assert " event=forged" not in line.replace('\\"', "").split('"')[::2], line


def test_log_holds_no_secret(served: Served) -> None:
    grant = sign_up(served, "ada")
    wrong = json.dumps({"email": "ada@example.org", "password": "not it, though close"}).encode()
    ask(served.api, "POST", "/api/auth/login", wrong)
    ask(served.api, "GET", "/api/auth/profile", token=grant["access_token"])
    ask(served.api, "GET", f"/api/auth/profile?token={grant['access_token']}")
    used = json.dumps({"refresh_token": grant["refresh_token"]}).encode()
    for _ in range(2):
        ask(served.api, "POST", "/api/auth/refresh", used)
    ask(served.api, "POST", "/api/auth/logout", token=grant["access_token"])
    secrets = Path(served.data_dir / "secrets")
    kept = [file.read_text().strip() for file in secrets.iterdir() if file.is_file()]
    for text in (served.log(), served.output()):
        for secret in (PASSWORD, "not it, though close", "ada@example.org", *grant.values()):
            assert not isinstance(secret, str) or len(secret) < 8 or secret not in text
    for secret in kept:
        assert secret not in served.log()
