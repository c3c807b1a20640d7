"""What the operator is told once all is ready."""

from __future__ import annotations

import asyncio
import shlex
import socket
from collections.abc import Awaitable, Callable

import pytest

from support.ports import free_ports
from support.wait import PATIENCE
from talas_core import settings as knobs
from talas_core.settings import Settings
from talas_core.supervisor import banner

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
KEY = "0123456789abcdef" * 2


def settings(**values: object) -> Settings:
    return knobs.load({"TALAS_DATA_DIR": "/srv/my radio"}, **values)


def test_banner_names_health_listeners_and_a_line_to_broadcast_with() -> None:
    text = banner.text(settings(demo=True), 1.25, KEY)
    assert "after 1.2 s" in text
    for port in (8080, 3001, 3002):
        assert f"http://127.0.0.1:{port}/health" in text
    assert "http://127.0.0.1:3002/demo.mp3" in text
    assert "vlc http://127.0.0.1:3002/live.mp3" in text
    assert "ffplay http://127.0.0.1:3002/demo.opus" in text
    assert (
        "ffmpeg -re -i FILE.mp3 -c copy -content_type audio/mpeg -f mp3 "
        f"icecast://source:{KEY}@127.0.0.1:3002/live"
    ) in text


def test_banner_does_not_say_on_the_air_of_a_demo_not_heard_yet() -> None:
    assert "demo       on the air\n" in banner.text(settings(demo=True), 1, "")
    text = banner.text(settings(demo=True), 1, "", on_air=False)
    assert "demo       not on the air yet; the log says why\n" in text


def test_banner_without_a_terminal_shows_the_key_s_file_alone() -> None:
    text = banner.text(settings(demo=True), 1, "")
    line = next(line for line in text.splitlines() if "ffmpeg" in line)
    assert "source:$(cat '/srv/my radio/secrets/station-live.key')@" in line
    assert shlex.split(line)[0] == "ffmpeg"


def test_banner_without_the_demo_names_no_station() -> None:
    text = banner.text(settings(), 1, "")
    assert "/health" in text
    assert "live" not in text
    assert "ffmpeg" not in text


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("::1", "[::1]"),
        ("radio.example", "radio.example"),
        ("", "127.0.0.1"),
        ("::1,127.0.0.1", "[::1]"),
        ("127.0.0.1, ::1", "127.0.0.1"),
    ],
)
def test_banner_s_addresses_can_be_opened_from_this_machine(host: str, shown: str) -> None:
    assert banner.addresses_of(settings(host=host)).api == f"http://{shown}:8080"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"host": "0.0.0.0"}, True),
        ({"host": "127.0.0.1, 192.0.2.1"}, True),
        ({"host": "127.0.0.1, ::1, localhost"}, False),
        ({"host": "::", "hosts": "studio"}, False),
        ({"host": "studio"}, False),
        ({"host": "::", "hosts": "*"}, False),
    ],
)
def test_banner_names_the_machine_where_others_would_be_answered_421(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], told: bool
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "studio")
    said = "studio is answered 421 until TALAS_HOSTS lists it" in banner.text(
        settings(**values), 1, ""
    )
    assert said is told


def test_banner_gives_listeners_the_public_address() -> None:
    at = banner.addresses_of(settings(public_url="https://radio.example/"))
    assert at.listen == "https://radio.example"
    assert at.stream == "http://127.0.0.1:3002"
    assert at.source == "127.0.0.1:3002"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1,127.0.0.1", "0.0.0.0"])
async def test_banner_waits_until_all_three_ports_are_ready(host: str) -> None:
    ports = free_ports(3)
    known = settings(host=host, api_port=ports[0], chat_port=ports[1], stream_port=ports[2])
    waiting = asyncio.ensure_future(banner.until_ready(known))
    answers = dict.fromkeys(ports, b"HTTP/1.1 503 No\r\n\r\n")
    asked = {port: asyncio.Event() for port in ports}

    def answering(port: int) -> Answer:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answers[port])
            writer.close()
            asked[port].set()

        return answer

    servers = []
    for port in reversed(ports):
        servers.append(await asyncio.start_server(answering(port), "127.0.0.1", port))
        await asyncio.wait_for(asked[port].wait(), PATIENCE)
        asked[port].clear()
        answers[port] = b"junk\r\n"
        await asyncio.wait_for(asked[port].wait(), PATIENCE)
        assert not waiting.done()
        answers[port] = b"HTTP/1.1 200 OK\r\n\r\n"
    await asyncio.wait_for(waiting, PATIENCE)
    for server in servers:
        server.close()


async def test_banner_waits_for_the_demo_until_a_listener_would_hear_it() -> None:
    (port,) = free_ports(1)
    known = settings(stream_port=port)
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if len(asked) > 2 else b"HTTP/1.1 503 No\r\n\r\n")
        writer.close()

    assert await banner.demo_heard(known, 0.1) is False
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    assert await banner.demo_heard(known, 10) is True
    server.close()
    assert asked[0].startswith(b"HEAD /demo.opus HTTP/1.1\r\nHost: 127.0.0.1:")
