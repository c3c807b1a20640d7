import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from support.wait import PATIENCE
from talas_core.errors import NotFound, SettingError
from talas_core.web.answers import answer
from talas_core.web.application import MORE_HEADERS, application
from talas_core.web.headers import SECURITY, Cors
from talas_core.web.host import Hosts
from talas_core.web.server import WebServer

PAGE = "http://127.0.0.1:8080"
FOREIGN = {"Host": "evil.example:28080", "Origin": PAGE}
Client = TestClient[web.Request, web.Application]


async def fine(_: web.Request) -> web.Response:
    return answer("fine", headers={"Cache-Control": "public"})


async def missing(_: web.Request) -> web.Response:
    raise NotFound("There is no such person.")


async def fault(_: web.Request) -> web.Response:
    raise SettingError("TALAS_X", "internals")


async def crash(_: web.Request) -> web.Response:
    raise RuntimeError("internals")


async def moved(_: web.Request) -> web.Response:
    raise web.HTTPFound("/fine")


async def odd(_: web.Request) -> web.Response:
    raise web.HTTPPaymentRequired


async def counted(request: web.Request) -> web.Response:
    request[MORE_HEADERS] = {"RateLimit": "more", "Cache-Control": "private"}
    raise NotFound("There is no such person.")


async def midway(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"first half")
    raise NotFound("The second half is gone.")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = application(cors=Cors([PAGE]))
    app.router.add_get("/fine", fine)
    app.router.add_post("/fine", fine)
    for handler in (missing, fault, crash, moved, odd, counted, midway):
        app.router.add_get(f"/{handler.__name__}", handler)
    client: Client = TestClient(TestServer(app))
    await client.start_server()
    yield client
    await client.close()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/missing", 404, "not_found"),
        ("/fault", 500, "internal"),
        ("/crash", 500, "internal"),
        ("/nowhere", 404, "not_found"),
        ("/odd", 402, "refused"),
    ],
)
async def test_errors_are_in_the_envelope(
    client: Client, path: str, status: int, code: str
) -> None:
    async with client.get(path) as response:
        assert response.status == status
        text = await response.text()
        assert "internals" not in text
        assert (await response.json())["error"]["code"] == code
        assert len(response.headers["X-Request-ID"]) == 16


@pytest.mark.parametrize("path", ["/fine", "/missing", "/crash", "/nowhere"])
async def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    async with client.get(path) as response:
        for name, value in SECURITY.items():
            if name != "Cache-Control":
                assert response.headers[name] == value
        assert response.headers["Server"] == "Talas"


async def test_an_answer_may_set_its_own_value(client: Client) -> None:
    async with client.get("/fine") as response:
        assert response.headers["Cache-Control"] == "public"


async def test_a_wrong_method_names_the_right_ones(client: Client) -> None:
    async with client.delete("/fine") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD,POST"


async def test_an_expectation_that_cannot_be_met_is_refused_with_every_header(
    client: Client,
) -> None:
    async with client.get("/fine", headers={"Expect": "the-impossible"}) as response:
        assert response.status == 417
        assert len(response.headers["X-Request-ID"]) == 16
        assert response.headers["Server"] == "Talas"


async def test_redirect_stays_a_redirect(client: Client) -> None:
    async with client.get("/moved", allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"] == "/fine"


async def test_request_ids_differ_and_are_ours(client: Client) -> None:
    seen = set()
    for _ in range(3):
        async with client.get("/fine", headers={"X-Request-ID": "mine"}) as response:
            seen.add(response.headers["X-Request-ID"])
    assert len(seen) == 3
    assert "mine" not in seen


async def preflight(client: Client, path: str, origin: str) -> tuple[int, dict[str, str]]:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with client.options(path, headers=headers) as response:
        return response.status, dict(response.headers)


async def test_preflight_of_our_page_lists_the_methods(client: Client) -> None:
    status, headers = await preflight(client, "/fine", PAGE)
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert headers["Vary"] == "Origin"


async def test_preflight_of_another_origin_is_refused(client: Client) -> None:
    status, headers = await preflight(client, "/fine", "http://evil.example")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


async def test_preflight_of_an_unknown_address_is_404(client: Client) -> None:
    assert (await preflight(client, "/nowhere", PAGE))[0] == 404


async def test_plain_options_is_405(client: Client) -> None:
    async with client.options("/fine") as response:
        assert response.status == 405


async def test_actual_answers_name_the_allowed_origin(client: Client) -> None:
    async with client.get("/fine", headers={"Origin": PAGE}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
    async with client.get("/fine", headers={"Origin": "http://evil.example"}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_an_answer_that_fails_midway_is_cut_off(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /midway HTTP/1.1\r\nHost: x\r\n\r\n")
    said = await reader.read()
    writer.close()
    assert said.count(b"HTTP/1.1") == 1
    assert b"first half" in said
    assert b"success" not in said
    assert not said.endswith(b"0\r\n\r\n")


async def test_a_client_that_leaves_is_no_failure_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reading, left = asyncio.Event(), asyncio.Event()

    async def patient(request: web.Request) -> web.Response:
        reading.set()
        try:
            await request.read()
        finally:
            left.set()
        return answer("never")

    app = application(cors=Cors([]))
    app.router.add_post("/", patient)
    server = await WebServer.start(app)
    port = await server.listen("127.0.0.1", 0)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
    await reading.wait()
    writer.close()
    await left.wait()
    await server.close()
    assert "failed" not in capsys.readouterr().out


async def test_answer_to_a_client_that_has_just_left_is_no_failure_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The loop has not come to tell us yet that the connection is lost."""

    async def late(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"too late")
        return response

    app = application(cors=Cors([]))
    app.router.add_get("/", late)
    server = await WebServer.start(app)
    port = await server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    await server.close()
    assert "failed" not in capsys.readouterr().out


async def test_header_set_on_the_way_of_a_request_is_on_its_answer(client: Client) -> None:
    async with client.get("/counted") as response:
        assert response.status == 404
        assert response.headers["RateLimit"] == "more"
        assert response.headers["Cache-Control"] == "private"
    async with client.get("/missing") as response:
        assert "RateLimit" not in response.headers


@pytest.mark.checklist(31)
async def test_a_request_for_another_host_is_421_whatever_it_asks() -> None:
    app = application(cors=Cors([PAGE]), hosts=Hosts())
    app.router.add_get("/fine", fine)
    async with TestClient(TestServer(app)) as client:
        asked = {"Access-Control-Request-Method": "GET"}
        for method, path, more in (
            ("GET", "/fine", {}), ("HEAD", "/fine", {}), ("GET", "/nowhere", {}),
            ("POST", "/fine", {}), ("OPTIONS", "/fine", asked),
        ):  # fmt: skip
            async with client.request(method, path, headers=FOREIGN | more) as response:
                assert response.status == 421
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                if method != "HEAD":
                    said = await response.json()
                    assert said["error"]["code"] == "misdirected"
                    assert "TALAS_HOSTS" in said["error"]["message"]
        async with client.get("/fine") as response:
            assert response.status == 200, "an address"


@pytest.mark.checklist(31)
async def test_host_of_an_absolute_target_counts_and_no_host_passes() -> None:
    app = application(cors=Cors([]), hosts=Hosts())
    app.router.add_get("/fine", fine)
    server = await WebServer.start(app)
    port = await server.listen("127.0.0.1", 0)
    for line, host, status in (
        (b"GET http://evil.example/fine HTTP/1.1", b"Host: localhost", b"421"),
        (b"GET http://localhost/fine HTTP/1.1", b"Host: evil.example", b"421"),
        (b"GET http://localhost/fine HTTP/1.1", b"Host: localhost", b"200"),
        (b"GET /fine HTTP/1.0", b"X: y", b"200"),
        (b"GET /fine HTTP/1.1", b"Host: localhost\r\nHost: evil.example", b"400"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(line + b"\r\n" + host + b"\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).split(b" ", 2)[1] == status, (line, host)
        writer.close()
    await server.close()


async def test_options_of_the_whole_server_names_what_is_taken_somewhere() -> None:
    server = await WebServer.start(application(cors=Cors([PAGE])))
    port = await server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        said = (await reader.read()).decode()
    writer.close()
    assert said.startswith("HTTP/1.1 204 ")
    assert "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" in said
    await server.close()
