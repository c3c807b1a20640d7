"""Titles from encoders: who may send them, in every spelling."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from support.pages import MP3, data, get, on_air, reported, retitle
from support.stream import Stream, auth, head, running_stream
from support.tokens import PUBLIC_KEYS, token
from support.wait import auntil
from talas_core import messages
from talas_core.messages import Nothing, SessionEnded, StreamEvent
from talas_stream.station import station as station_module


async def title(stream: Stream) -> object:
    return (await stream.status())[0]["title"]


async def test_the_source_sends_titles(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        status, start, body = await get(
            stream, "/admin/metadata?mount=/live.mp3&song=Bird+%26+Diz", auth()
        )
        assert status == 200
        assert "Content-Type: text/xml" in start
        assert b"<return>1</return>" in body
        assert await title(stream) == "Bird & Diz"
        assert await retitle(stream, "artist=Miles&title=So+What") == 200
        assert await title(stream) == "Miles - So What"
        assert await retitle(stream, "title=So+What") == 200
        assert await title(stream) == "So What"
        assert await retitle(stream, "artist=Miles") == 200
        assert await title(stream) == "Miles"
        assert await retitle(stream, "song=") == 200
        assert await title(stream) == ""
        assert await retitle(stream, "artist=&title=") == 200


async def test_more_titles_than_the_rate_are_refused_and_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_module, "TITLES_AT_ONCE", 3.0)
    monkeypatch.setattr(station_module, "TITLES_PER_SECOND", 1e-6)
    async with on_air(tmp_path) as stream:
        assert [await retitle(stream, f"song={number}") for number in range(4)] == [
            200, 200, 200, 429,
        ]  # fmt: skip
        assert await title(stream) == "2"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (quote("Björk – Jóga"), "Björk – Jóga"),
        (quote("Björk".encode("latin-1")), "Björk"),
        (quote("夜 Ночь"), "夜 Ночь"),
        (quote("a\r\nSet-Cookie: x\0\x7f\u2028b"), "aSet-Cookie: xb"),
        (quote("';StreamUrl='http://evil"), "';StreamUrl='http://evil"),
        ("100%", "100%"),
        ("x" * 2000, "x" * 500),
        ("first&song=second", "first"),
    ],
)
async def test_titles_in_every_script_and_spelling(tmp_path: Path, query: str, told: str) -> None:
    async with on_air(tmp_path) as stream:
        assert await retitle(stream, f"song={query}") == 200
        assert await title(stream) == told


@pytest.mark.parametrize(
    "line",
    [
        "X: y",
        auth("f" * 32),
        auth(user="admin"),
        "Authorization: Basic !!!",
        "Authorization: Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Authorization: Digest a=b",
        "Authorization: Bearer nonsense",
        "Authorization: Bearer",
    ],
)
async def test_title_from_anybody_but_the_source_is_refused(tmp_path: Path, line: str) -> None:
    async with on_air(tmp_path) as stream:
        status, start, body = await get(stream, "/admin/metadata?mount=/live&song=x", line)
        assert status == 401
        assert 'WWW-Authenticate: Basic realm="Talas source"' in start
        assert "Connection: close" in start
        assert json.loads(body)["error"]["code"] == "unauthorized"
        assert await title(stream) == ""


async def test_the_owner_and_an_admin_send_titles_by_token_and_a_stranger_does_not(
    tmp_path: Path,
) -> None:
    async with on_air(tmp_path) as stream:
        stream.api.keys = PUBLIC_KEYS
        await stream.api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))

        async def status(text: str, song: str) -> int:
            return await retitle(stream, f"song={song}", f"Authorization: Bearer {text}")

        async def accepted() -> bool:
            return await status(token("owner"), "one") == 200

        await auntil(accepted)
        assert await title(stream) == "one"
        assert await status(token("somebody"), "no") == 403
        assert await status(token("somebody", role="admin"), "two") == 200
        assert await status(token("owner", life=-60), "no") == 401
        assert await title(stream) == "two"
        ended = messages.encode(SessionEnded("s1", "owner"))
        await stream.api.bus.publish(messages.SESSION_ENDED, ended)

        async def refused() -> bool:
            return await status(token("owner"), "no") == 401

        await auntil(refused)


async def test_a_station_without_an_owner_is_no_stranger_s(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        stream.api.keys = PUBLIC_KEYS
        await stream.api.bus.publish(messages.KEYS_CHANGED, messages.encode(Nothing()))

        async def forbidden() -> bool:
            text = f"Authorization: Bearer {token('somebody')}"
            return await retitle(stream, "song=x", text) == 403

        await auntil(forbidden)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/admin/metadata?mode=viewxml&mount=/live&song=x", 400),
        ("/admin/metadata?mount=/live", 400),
        ("/admin/metadata?mount=/live&url=http://x", 400),
        ("/admin/metadata?mount=/live&song=x&" + "&".join("a=b" for _ in range(40)), 400),
        ("/admin/metadata?song=x", 404),
        ("/admin/metadata", 404),
        ("/admin/metadata?mount=/nobody&song=x", 404),
        ("/admin/metadata?mount=/demo&song=x", 404),
    ],
)
async def test_request_with_something_missing_or_unknown_is_told_what(
    tmp_path: Path, target: str, status: int
) -> None:
    async with on_air(tmp_path) as stream:
        found, start, body = await get(stream, target, auth())
        assert (found, json.loads(body)["success"]) == (status, False)
        assert "Connection: close" in start


async def test_a_station_whose_source_has_gone_has_no_title_to_set(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(MP3)
        await auntil(stream.status)
        writer.write_eof()
        await reader.read()
        assert await retitle(stream, "song=x") == 404
        writer.close()


async def test_titles_wait_for_the_first_frame(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Expect: 100-continue")
        await reader.readuntil(b"\r\n\r\n")
        assert await retitle(stream, "song=early") == 200
        writer.write(MP3)
        await auntil(stream.status)
        assert await title(stream) == "early"
        writer.close()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("Björk".encode("latin-1"), "Björk"),
        ("Björk/夜".encode(), "Björk/夜"),
        ("Ã¶".encode(), "Ã¶"),
        ("Ночь".encode("cp1251") + b"&charset=windows-1251", "Ночь"),
    ],
)
async def test_titles_that_nobody_escaped(tmp_path: Path, raw: bytes, told: str) -> None:
    async with on_air(tmp_path) as stream:
        reader, writer = await stream.connect()
        target = b"/admin/metadata?mode=updinfo&mount=/live&song=" + raw
        writer.write(b"GET " + target + b" HTTP/1.0\r\n" + head(auth()))
        assert b" 200 " in await reader.readline()
        assert await title(stream) == told
        writer.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_titles_of_encoders_that_end_lines_as_they_please(tmp_path: Path, end: bytes) -> None:
    async with on_air(tmp_path) as stream:
        reader, writer = await stream.connect()
        target = b"/admin/metadata?mode=updinfo&mount=/live&song=by+LF"
        writer.write(end.join([b"GET " + target + b" HTTP/1.0", auth().encode(), b"", b""]))
        assert b" 200 " in await reader.readline()
        assert await title(stream) == "by LF"
        writer.close()


async def test_artist_and_title_together_are_bounded_and_told_apart(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        assert await retitle(stream, f"artist={'a' * 400}&title={'b' * 400}") == 200
        assert len(str(await title(stream))) == 500
        assert await retitle(stream, "artist=A+-+B&title=C") == 200
        now = await data(stream, "/live/now")
        assert (now["text"], now["artist"], now["title"]) == ("A - B - C", "A - B", "C")


async def test_a_page_of_another_site_cannot_use_the_key_a_browser_remembers(
    tmp_path: Path,
) -> None:
    async with on_air(tmp_path) as stream:
        assert await retitle(stream, "song=x", auth(), "Sec-Fetch-Site: cross-site") == 403
        assert await retitle(stream, "song=x", auth(), "Sec-Fetch-Site: same-origin") == 200


@pytest.mark.checklist(29)
async def test_a_title_that_is_not_the_source_s_own_is_reported(tmp_path: Path) -> None:
    password = "battery-staple"
    async with on_air(tmp_path, admin_password=password) as stream:
        assert await retitle(stream, "song=Own") == 200
        assert await retitle(stream, "song=Other", auth(password, user="admin")) == 200
        event = await reported(stream, StreamEvent.TITLE_SET)
        assert (event.station_id, event.method, event.outcome) == (
            "id-live", "admin_password", "done")  # fmt: skip


async def test_head_sets_no_title(tmp_path: Path) -> None:
    async with on_air(tmp_path) as stream:
        order = "HEAD /admin/metadata?mode=updinfo&mount=/live&song=x HTTP/1.1\nHost: x\n" + auth()
        assert b" 405 " in (await stream.ask(order)).splitlines()[0]
        assert await title(stream) == ""
