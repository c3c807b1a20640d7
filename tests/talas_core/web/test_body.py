import asyncio
import gzip
from typing import Annotated

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from support.wait import auntil
from talas_core.errors import BadInput, TooSlow
from talas_core.web import body
from talas_core.web.answers import answer
from talas_core.web.application import application
from talas_core.web.body import parse, query, read
from talas_core.web.headers import Cors
from talas_core.web.server import WebServer


class Person(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=4, description="must be 4 characters at most")]
    age: int
    note: Annotated[str, msgspec.Meta(max_length=2, description="is a short note")] | None = None


def refused(raw: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        parse(raw, Person)
    return caught.value


def test_a_right_body_is_a_value() -> None:
    assert parse(b'{"name":"Ann","age":3}', Person) == Person("Ann", 3)


def test_every_field_at_fault_is_named_at_once() -> None:
    error = refused(b'{"name":"Annabel","note":"long","more":1}')
    assert error.fields == {
        "name": "must be 4 characters at most",
        "age": "is required",
        "note": "is a short note",
        "more": "is not a field of this request",
    }


def test_a_field_without_a_sentence_says_what_was_expected() -> None:
    assert refused(b'{"name":"Ann","age":"x"}').fields == {"age": "Expected `int`, got `str`"}


@pytest.mark.parametrize("raw", [b"[1]", b'"text"', b"null", b"7"])
def test_body_that_is_no_object_is_refused(raw: bytes) -> None:
    assert "object" in str(refused(raw))


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"name":x}', "byte 8"),
        (b'{"name":"Ann","age":3} tail', "byte 24"),
        (b'{"name":"\\ud800 and"}', "surrogate"),
        (b'{"name":"\\ud800"}', "truncated (byte 17)"),
        (b"", "truncated (byte 0)"),
        (b'{"name":', "truncated (byte 8)"),
    ],
)
def test_malformed_json_says_where(raw: bytes, place: str) -> None:
    assert place in str(refused(raw))


@pytest.mark.parametrize("raw", [b'{"name":"\xff","age":1}', b'{"name":"\xed\xa0\x80","age":1}'])
def test_body_that_is_not_utf_8_is_refused(raw: bytes) -> None:
    assert "UTF-8" in str(refused(raw))


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"note":' * 50_000, b'{"x":' + b"[" * 100_000])
def test_deep_nesting_is_refused_cleanly(raw: bytes) -> None:
    refused(raw)


def test_deep_nesting_inside_a_loose_field_is_refused() -> None:
    class Loose(msgspec.Struct):
        anything: object

    with pytest.raises(BadInput, match="deeply"):
        parse(b'{"anything":' + b"[" * 100_000, Loose)


def test_strange_field_names_are_not_echoed() -> None:
    error = refused(b'{"name":"Ann","age":1,"a\\nb":1,"' + b"x" * 100 + b'":1}')
    assert error.fields == {"x" * 32: "is not a field of this request"}


def echo() -> web.Application:
    async def said(request: web.Request) -> web.Response:
        return answer(await read(request, Person))

    app = application(cors=Cors([]), body_limit=200)
    app.router.add_post("/", said)
    return app


async def echo_client() -> TestClient[web.Request, web.Application]:
    client: TestClient[web.Request, web.Application] = TestClient(TestServer(echo()))
    await client.start_server()
    return client


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"name":"Ann","age":3}', 200),
        ("application/json; charset=UTF-8", b'{"name":"Ann","age":3}', 200),
        ("application/json; charset=latin-1", b'{"name":"Ann","age":3}', 415),
        ("text/plain", b'{"name":"Ann","age":3}', 415),
        ("application/x-www-form-urlencoded", b"name=Ann&age=3", 415),
        ("application/json", b"{", 400),
        ("application/json", b" " * 201, 413),
    ],
)
async def test_body_over_http_is_read_or_refused_with_its_status(
    content_type: str, body: bytes, status: int
) -> None:
    client = await echo_client()
    async with client.post("/", data=body, headers={"Content-Type": content_type}) as response:
        assert response.status == status
        assert (await response.json())["success"] is (status == 200)
    await client.close()


CODINGS = ("gzip", "deflate", "br", "zstd", "x-gzip", "GZIP", "gzip, gzip", "none")
PACKED = (
    b"none of these",
    gzip.compress(b'{"name":"Ann","age":3}'),
    gzip.compress(b" " * 10**7),
    b"",
)


@pytest.mark.checklist(23)
@pytest.mark.parametrize("coding", CODINGS)
async def test_a_packed_body_is_refused_well_made_or_not(
    coding: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = await WebServer.start(echo())
    port = await server.listen("127.0.0.1", 0)
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for data in PACKED:
            sent = {**headers, "Connection": "close", "Content-Length": str(len(data))}
            async with session.post("/", data=data, headers=sent) as response:
                assert response.status == 415
                assert (await response.json())["error"]["code"] == "unsupported_media"
        headers["Content-Encoding"] = "identity"
        async with session.post("/", data=b'{"name":"Ann","age":3}', headers=headers) as response:
            assert response.status == 200
    await server.close()
    assert not [row for row in caplog.records if row.exc_info], "no traceback"


async def test_a_chunked_body_over_the_limit_is_refused() -> None:
    async def chunks() -> object:
        for _ in range(50):
            yield b" " * 50

    client = await echo_client()
    headers = {"Content-Type": "application/json"}
    async with client.post("/", data=chunks(), headers=headers) as response:
        assert response.status == 413
    await client.close()


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("framing", "rest", "words"),
    [
        (b"Content-Length: 9\r\n\r\n{", b"", "in time"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"not a chunk\r\n", "in time"),
        (b"Content-Length: 9\r\n\r\n{", b"EOF", "ended early"),
    ],
)
async def test_a_body_that_does_not_end_is_refused(
    framing: bytes, rest: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", 0.2)
    reading = asyncio.Event()
    refusals: list[BadInput | TooSlow] = []

    async def handler(request: web.Request) -> web.Response:
        reading.set()
        try:
            return answer(await read(request, Person))
        except (BadInput, TooSlow) as error:
            refusals.append(error)
            raise

    app = application(cors=Cors([]))
    app.router.add_post("/", handler)
    server = await WebServer.start(app)
    port = await server.listen("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + framing)
    await reading.wait()
    if rest == b"EOF":
        writer.close()
    else:
        writer.write(rest)
        assert b" 408 " in await reader.readuntil(b"\r\n")
    await auntil(lambda: refusals)
    assert words in str(refusals[0])
    writer.close()
    await server.close()


class Page(msgspec.Struct, forbid_unknown_fields=True):
    limit: int = 5
    after: str = ""
    begins: Annotated[str, msgspec.Meta(max_length=4)] | None = None
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None


@pytest.mark.parametrize(
    ("text", "page"),
    [("", Page()), ("limit=7", Page(7)), ("after=a%20b&limit=1", Page(1, "a b")),
     ("begins=null&before=2", Page(begins="null", before=2)), ("after=null", Page(after="null"))],
)  # fmt: skip
def test_a_query_becomes_a_value(text: str, page: Page) -> None:
    assert query(make_mocked_request("GET", f"/?{text}"), Page) == page


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("limit=x", {"limit": "Expected `int`, got `str`"}),
        ("before=null", {"before": "Expected `int`, got `str`"}),
        ("begins=nulls", {"begins": "Expected `str` of length <= 4"}),
        ("more=1", {"more": "is not a field of this request"}),
        ("limit=1&limit=2", {}),
    ],
)
def test_a_wrong_query_is_refused(text: str, fields: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        query(make_mocked_request("GET", f"/?{text}"), Page)
    assert caught.value.fields == fields
