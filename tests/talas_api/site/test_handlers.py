import asyncio
import gzip
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from support.wait import PATIENCE
from talas_api.site import handlers
from talas_core.settings import load
from talas_core.web.application import application
from talas_core.web.headers import Cors

Client = TestClient[web.Request, web.Application]
PLAIN = {"Accept-Encoding": "identity"}


async def opened(folder: Path, **more: object) -> Client:
    settings = load({}, api_port=8080, chat_port=3001, stream_port=3002, **more)
    app = application(cors=Cors.own(settings))
    app.add_routes(handlers.routes(settings, folder))
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    opened_client = await opened(handlers.FOLDER)
    yield opened_client
    await opened_client.close()


async def text(client: Client, path: str, **headers: str) -> str:
    async with client.get(path, headers=headers) as response:
        assert response.status == 200, path
        return await response.text()


async def test_the_page_knows_where_chat_and_audio_are(client: Client) -> None:
    page = await text(client, "/", Host="radio.example:8080")
    assert '<meta name="talas-chat" content="ws://radio.example:3001/ws">' in page
    assert '<meta name="talas-stream" content="http://radio.example:3002">' in page
    assert "$" not in page


async def test_a_page_asked_for_without_a_host_asks_no_resolver(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getfqdn", lambda *_: asked.append("") or "slow.example")
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        page = await reader.read()
    writer.close()
    assert b'content="ws://127.0.0.1:3001/ws"' in page
    assert asked == []


async def test_proxy_that_hides_the_host_is_logged_once(client: Client) -> None:
    with capture_logs() as logs:
        await text(client, "/", Host="radio.example", **{"X-Forwarded-For": "192.0.2.1"})
        await text(client, "/", Host="127.0.0.1:8080")
        assert logs == []
        for _ in range(2):
            await text(client, "/", Host="127.0.0.1:8080", Via="1.1 cache")
    assert [(line["log_level"], line["host"]) for line in logs] == [("warning", "127.0.0.1:8080")]


async def test_hint_about_a_proxy_is_left_out_where_the_addresses_are_set() -> None:
    client = await opened(
        handlers.FOLDER, chat_url="wss://a.example/ws", public_url="https://a.example"
    )
    with capture_logs() as logs:
        page = await text(client, "/", Host="localhost:8080", Via="1.1 cache")
    assert logs == []
    assert '<meta name="talas-source" content="https://a.example">' in page
    assert "localhost" not in page
    await client.close()


async def test_behind_https_the_page_asks_for_nothing_in_the_clear() -> None:
    client = await opened(handlers.FOLDER, https=True)
    page = await text(client, "/", Host="radio.example")
    assert '<meta name="talas-chat" content="wss://radio.example:3001/ws">' in page
    assert '<meta name="talas-stream" content="https://radio.example:3002">' in page
    async with client.get("/") as response:
        policy = response.headers["Content-Security-Policy"]
        assert "http:" not in policy
        assert "ws:" not in policy
    await client.close()


async def test_every_file_that_the_page_names_is_there(client: Client) -> None:
    page = await text(client, "/")
    names = set(re.findall(r'(?:href|src)="(/site/[^"#]+)', page))
    assert {name.split("/", 3)[3] for name in names} >= {"js/main.js", "css/page.css"}
    assert len(names) < 10, "a new browser asks for few files"
    for name in names:
        async with client.get(name) as response:
            assert response.status == 200, name
            assert response.headers["Cache-Control"] == handlers.FOR_EVER
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_scripts_and_styles_have_types_that_browsers_insist_on(client: Client) -> None:
    page = await text(client, "/")
    base = re.findall(r"/site/[0-9a-f]+/", page)[0]
    for name, kind in (
        ("js/main.js", "text/javascript; charset=utf-8"),
        ("css/base.css", "text/css; charset=utf-8"),
        ("img/logo.svg", "image/svg+xml"),
        ("talas.webmanifest", "application/manifest+json"),
    ):
        async with client.get(base + name) as response:
            assert response.headers["Content-Type"] == kind


async def test_page_the_browser_has_is_not_sent_again(client: Client) -> None:
    async with client.get("/") as response:
        assert response.headers["Cache-Control"] == handlers.REVALIDATE
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        etag = response.headers["ETag"]
    async with client.get("/", headers={"If-None-Match": f'"other", {etag}'}) as response:
        assert response.status == 304
        assert await response.read() == b""
        assert response.headers["ETag"] == etag
    async with client.get("/", headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


async def test_packed_and_plain_are_the_same_page_under_two_etags(client: Client) -> None:
    async with client.get("/", headers=PLAIN) as response:
        plain, plain_etag = await response.read(), response.headers["ETag"]
        assert "Content-Encoding" not in response.headers
    async with client.get("/", headers={"Accept-Encoding": "br, gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding, Origin"
        assert response.headers["ETag"] != plain_etag
        assert await response.read() == plain
        assert int(response.headers["Content-Length"]) == len(gzip.compress(plain, mtime=0))


async def test_an_older_version_is_served_but_not_kept(client: Client) -> None:
    async with client.get("/site/0000000000000000/js/main.js") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == handlers.REVALIDATE


@pytest.mark.parametrize("name", ["js/none.js", "..%2Fhandlers.py", "%2e%2e/handlers.py", "js/"])
async def test_path_that_is_no_file_of_the_page_is_not_found(client: Client, name: str) -> None:
    async with client.get(f"/site/x/{name}") as response:
        assert response.status == 404


async def test_page_answers_get_and_head_alone(client: Client) -> None:
    async with client.head("/") as response:
        assert response.status == 200
    async with client.post("/") as response:
        assert response.status == 405


async def test_a_folder_without_a_page_is_a_mistake_found_at_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await opened(tmp_path)
