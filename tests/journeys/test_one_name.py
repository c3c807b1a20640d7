"""Page, chat and audio under one name and one port, through the proxies of docs/proxies.md."""

from __future__ import annotations

import asyncio
import contextlib
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from support import front
from support.browser import browser, needs_browser
from support.chat import Talker
from support.ffmpeg import end, ffmpeg, finish, record
from support.page import (
    api,
    folder,
    make_station,
    name,
    position,
    register,
    say,
    sign_up,
    stream_key,
)
from support.ports import free_ports
from support.programs import needs
from support.serve import Served, running_serve
from support.wait import PATIENCE, until

pytestmark = pytest.mark.journey

TONE = ("-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000")
MP3 = ("-c:a", "libmp3lame", "-content_type", "audio/mpeg", "-f", "mp3")
CHUNKED = ("-method", "PUT", "-auth_type", "basic")

Site = tuple[Served, int, int]


@contextlib.contextmanager
def site(
    path: Path, proxy: Callable[..., contextlib.AbstractContextManager[None]]
) -> Iterator[Site]:
    """Talas with the demo behind `proxy`, told where people find it; the proxy's port, and the one
    where it passes TCP through."""
    port, tcp = free_ports(2)
    at = f"{front.NAME}:{port}"
    env = {
        "TALAS_SITE_URL": f"http://{at}", "TALAS_CHAT_URL": f"ws://{at}/ws",
        "TALAS_PUBLIC_URL": f"http://{at}/audio", "TALAS_SOURCE_URL": f"http://{front.NAME}:{tcp}",
        "TALAS_TRUSTED_PROXIES": "127.0.0.1/32", "TALAS_SOURCE_TIMEOUT_SECONDS": "5",
    }  # fmt: skip
    with (
        running_serve(path, "--demo", env=env) as served,
        proxy(path, served.wait_ready(), port, tcp),
    ):
        until(lambda: "/demo" in served.get(served.stream, "/status-json.xsl")[1])
        yield served, port, tcp


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(front.caddy, id="caddy", marks=needs("caddy")),
        pytest.param(front.nginx, id="nginx", marks=front.needs_nginx),
    ],
)
def public(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), request.param) as opened:
        yield opened


def test_the_page_names_the_public_addresses_whatever_the_host(public: Site) -> None:
    served, port, tcp = public
    at = f"{front.NAME}:{port}"
    for asked in (at, f"127.0.0.1:{served.api}"):  # the other as nginx asks by itself
        with urllib.request.urlopen(f"http://{asked}/", timeout=PATIENCE) as answer:
            page = answer.read().decode()
        metas = dict(re.findall(r'<meta name="talas-(\w+)" content="([^"]+)">', page))
        assert metas == {
            "chat": f"ws://{at}/ws",
            "stream": f"http://{at}/audio",
            "source": f"http://{front.NAME}:{tcp}",
        }


def test_people_talk_and_listen_under_one_name_behind_a_proxy(public: Site, tmp_path: Path) -> None:
    served, port, _ = public
    at = f"{front.NAME}:{port}"
    token = register(served, name("ada"))
    room = api(served, "/api/stations/demo")["room"]

    async def talk() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://{at}/ws", origin=f"http://{at}") as socket,
        ):
            talker = await Talker(socket).sign_in(token)
            await talker.join(room)
            await talker.send(room, "hello through the proxy")
            await talker.hears("hello through the proxy")

    asyncio.run(talk())
    heard = tmp_path / "heard.wav"
    finish(record(f"http://{at}/audio/demo.mp3", 1.0, heard))
    assert heard.stat().st_size > 80_000
    with urllib.request.urlopen(f"http://{at}/audio/demo.m3u", timeout=PATIENCE) as answer:
        assert f"http://{at}/audio/demo.mp3" in answer.read().decode()


def test_an_encoder_that_sends_in_chunks_is_on_the_air(public: Site) -> None:
    served, port, _ = public
    key = stream_key(served, "live")
    to = f"http://source:{key}@{front.NAME}:{port}/audio/live"
    sender = ffmpeg(*TONE, *MP3, *CHUNKED, to)
    try:
        until(lambda: "/live" in served.get(served.stream, "/status-json.xsl")[1])
    finally:
        end(sender)
    off_the_air(served)


def test_an_encoder_whose_body_the_proxy_drops_is_named_in_the_log(public: Site) -> None:
    served, port, _ = public
    key = stream_key(served, "live")
    known = len(served.events())
    sender = ffmpeg(*TONE, *MP3, f"icecast://source:{key}@{front.NAME}:{port}/audio/live")
    try:
        reason = until(lambda: refusal(served, known))
        assert "no audio arrived: an HTTP proxy drops a body" in reason
    finally:
        end(sender)


@front.needs_nginx
def test_dropped_body_without_proxy_headers_is_named_after_the_timeout(tmp_path: Path) -> None:
    def bare(
        path: Path, served: Served, port: int, tcp: int
    ) -> contextlib.AbstractContextManager[None]:
        return front.nginx(path, served, port, tcp, bare=True)

    with site(tmp_path, bare) as (served, port, tcp):
        key = stream_key(served, "live")
        known = len(served.events())
        dropped = ffmpeg(*TONE, *MP3, f"icecast://source:{key}@{front.NAME}:{port}/audio/live")
        try:
            assert "no audio arrived" in until(lambda: refusal(served, known))
        finally:
            end(dropped)
        # The same encoder where nginx passes TCP through, from an address that is a proxy's.
        sender = ffmpeg(*TONE, *MP3, f"icecast://source:{key}@127.0.0.1:{tcp}/live")
        try:
            until(lambda: "/live" in served.get(served.stream, "/status-json.xsl")[1])
        finally:
            end(sender)


@needs_browser
def test_page_plays_and_talks_under_one_name_behind_a_proxy(public: Site, tmp_path: Path) -> None:
    _, port, _ = public
    with browser(folder(tmp_path, "first")) as page:
        page.open(f"http://{front.NAME}:{port}/#/demo")
        page.press("#play")
        until(lambda: position(page) > 0.5)
        sign_up(page, name("eve"))
        say(page, "hello from the page")
        assert page.complaints() == []


@needs_browser
def test_a_broadcaster_is_told_the_sources_address_and_the_page_asks_the_streams(
    public: Site, tmp_path: Path
) -> None:
    _, port, tcp = public
    at, slug = f"{front.NAME}:{port}", name("night-")
    with browser(folder(tmp_path, "broadcaster")) as page:
        page.open(f"http://{at}/#broadcast/+")
        sign_up(page, name("dj"))
        key = make_station(page, slug)
        line = page.find("#how-ffmpeg pre").text
        assert line.endswith(f"icecast://source:{key}@{front.NAME}:{tcp}/{slug}")
        sender = ffmpeg(*TONE, *MP3, *CHUNKED, f"http://source:{key}@{at}/audio/{slug}")
        try:
            page.reads("#on-air", "On the air")
            page.reads("#own-loudness", "LUFS")
            page.fill("#station-title-song", "Ada - Night Bus")
            page.press("#station-title [type=submit]")
            page.reads("#station-title [role=status]", "Set.")
        finally:
            end(sender)
        page.reads("#on-air", "Off the air")
        assert page.complaints() == []


def refusal(served: Served, known: int) -> str:
    """Why a source was refused, as logged after the first `known` events."""
    rows = served.events()[known:]
    return next((str(row["reason"]) for row in rows if row["event"] == "source refused"), "")


def off_the_air(served: Served) -> None:
    """Return once `live` is free again."""
    until(lambda: "/live" not in served.get(served.stream, "/status-json.xsl")[1])
