"""Requests of sources that lie: heads, titles, chunks and lengths. Each is refused by name or
taken for what it is, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from support.damage import DATA
from support.hearing import AHEAD, Body, free, on_the_air
from support.stream import auth
from support.wait import PATIENCE, auntil

pytestmark = pytest.mark.journey


async def test_head_of_100_kb_is_431_and_delays_nobody(tmp_path: Path) -> None:
    async with on_the_air(tmp_path) as air:
        sending = asyncio.create_task(air.still_whole())
        for request, status in (
            (b"PUT /live HTTP/1.1\r\n" + (b"X-Much: " + b"x" * 1000 + b"\r\n") * 100, b"431"),
            (b"PUT /live HTTP/1.1\r\nX-Long: " + b"x" * 100_000, b"431"),
            (b"PUT /live HTTP/1.1\r\n" + b"A: b\r\n" * 100, b"431"),
            (b"PUT /" + b"x" * 100_000, b"414"),
        ):
            reader, writer = await air.stream.connect()
            writer.write(request + b"\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(PATIENCE):
                    assert (await reader.read(4096)).split()[1] == status
            writer.close()
        await sending


TITLES = {
    "\r\nSet-Cookie: a=b\r\n\r\n<html>": "Set-Cookie: a=b<html>",
    "one\x00two\x1b[31mthree\x7f": "onetwo[31mthree",
    "\u202eevil\u2066\ufeff": "evil",
    "it's';StreamUrl='http://x/';": "it's' ;StreamUrl='http://x/' ;",
}


@pytest.mark.parametrize("title", TITLES)
async def test_title_with_control_characters_loses_them(tmp_path: Path, title: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in title.encode())
    async with on_the_air(tmp_path) as air:
        _, writer = await air.stream.source()
        writer.write(DATA["mp3"])
        await auntil(air.stream.status)
        update = f"GET /admin/metadata?mount=/live&mode=updinfo&song={escaped} HTTP/1.1"
        answer = await air.stream.ask(f"{update}\nHost: here\n{auth()}")
        assert b" 200 " in answer.splitlines()[0]
        told = (await air.stream.status())[0]["title"]
        assert str(told).isprintable()
        body = (await air.stream.listen("/live.mp3", "Icy-MetaData: 1"))[1]
        async with asyncio.timeout(PATIENCE):
            await body.readexactly(16_000)
            size = (await body.readexactly(1))[0] * 16
            text = (await body.readexactly(size)).rstrip(b"\0").decode()
        assert text.startswith(f"StreamTitle='{TITLES[title]}';")
        assert text.isprintable()
        writer.close()


@pytest.mark.parametrize(
    "chunks",
    [
        b"fffffffffffffff0\r\n",
        b"5;" + b"x" * 200_000,
        b"0" * 200_000,
        b"-5\r\nhello",
        b"0x10\r\n",
        b"3\r\nabcdef\r\n",
        b"0\r\n" + b"X: " + b"y" * 900 + (b"\r\nX: " + b"y" * 900) * 12 + b"\r\n\r\n",
        b"5\nhello\n",
    ],
    ids=["too large", "extension", "zeros", "negative", "prefix", "longer", "trailer", "bare LF"],
)
async def test_a_chunked_bomb_is_refused_by_name(tmp_path: Path, chunks: bytes) -> None:
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source("Transfer-Encoding: chunked")
        writer.write(chunks)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read(4096)).startswith(b"HTTP/1.1 400")
        writer.close()
        assert air.told("source refused")
        await auntil(lambda: free(air.stream))


async def test_source_in_one_endless_chunk_is_heard(tmp_path: Path) -> None:
    """It promises an exabyte; what comes is played, and nothing is set aside for the rest."""
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source("Transfer-Encoding: chunked")
        writer.write(b"fffffffffffffff\r\n" + DATA["mp3"][:AHEAD])
        await auntil(air.stream.status)
        body = Body(await air.stream.listen("/live.mp3"))
        writer.write(DATA["mp3"][AHEAD:])
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await body.reading
            await reader.read()
        assert bytes(body.heard) == DATA["mp3"]
        writer.close()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 1000000000000"], b"200"),
        (["Content-Length: 0"], b"200"),
        ([f"Content-Length: {len(DATA['mp3']) // 2}"], b"200"),
        (["Content-Length: -1"], b"400"),
        (["Content-Length: 5, 6"], b"400"),
        (["Content-Length: 5", "Content-Length: 6"], b"400"),
        (["Content-Length: 5", "Transfer-Encoding: chunked"], b"400"),
        (["Transfer-Encoding: gzip, chunked"], b"400"),
    ],
)
async def test_source_with_a_wrong_length_ends_where_its_bytes_do(
    tmp_path: Path, lines: list[str], status: bytes
) -> None:
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source(*lines)
        writer.write(DATA["mp3"])
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(PATIENCE):
                answer = await reader.read()
            assert answer.split()[1] == status
            assert answer.count(b"HTTP/1.1") == 1
        writer.close()
        await auntil(lambda: free(air.stream))


async def test_bytes_after_a_put_are_no_second_request(tmp_path: Path) -> None:
    smuggled = b"GET /status-json.xsl HTTP/1.1\r\nHost: here\r\n\r\n" * 100
    async with on_the_air(tmp_path) as air:
        reader, writer = await air.stream.source(f"Content-Length: {len(DATA['mp3'])}")
        writer.write(DATA["mp3"] + smuggled)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"icestats" not in answer
        await air.still_whole()
