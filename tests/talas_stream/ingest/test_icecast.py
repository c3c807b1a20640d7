"""Sources: who is let in, in which words, and that the others leave no trace."""

import asyncio
from pathlib import Path

import pytest

from support.sources import MP3, answer_to, capture_logs_of, on_air
from support.stream import KEY, auth, head, running_stream
from support.wait import PATIENCE, auntil
from talas_core.messages import SecurityEvent, StationRecord, StreamEvent
from talas_stream.door.watch import ConnectionWatch
from talas_stream.ingest import icecast, parts
from talas_stream.station.directory import Directory


@pytest.mark.parametrize("method", ["PUT", "SOURCE"])
async def test_refusals_leave_the_station_as_it_was(tmp_path: Path, method: str) -> None:
    async with running_stream(tmp_path) as stream:
        writer = await on_air(stream)
        wrong = await answer_to(stream, method=method, key="f" * 32)
        assert wrong.startswith(b"HTTP/1.1 401")
        assert b"WWW-Authenticate: Basic" in wrong
        assert (await answer_to(stream, method=method)).startswith(b"HTTP/1.1 409")
        unknown = await answer_to(stream, method=method, slug="nobody")
        assert unknown.startswith(b"HTTP/1.1 404")
        html = await answer_to(stream, method=method, slug="demo", kind="text/html")
        assert html.startswith(b"HTTP/1.1 415")
        assert [s["server_name"] for s in await stream.status()] == ["Night Line"]
        writer.close()


async def test_no_credentials_and_a_wrong_user_are_401(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        bare = await stream.ask("PUT /live HTTP/1.1\nContent-Type: audio/mpeg")
        assert bare.startswith(b"HTTP/1.1 401")
        user = await stream.ask(f"PUT /live HTTP/1.1\n{auth(user='admin')}")
        assert user.startswith(b"HTTP/1.1 401")


@pytest.mark.checklist(29)
async def test_a_wrong_key_is_reported_and_none_is_not(tmp_path: Path) -> None:
    settings = {"trusted_proxies": ("127.0.0.1/32",)}
    async with running_stream(tmp_path, **settings) as stream:
        await stream.ask("PUT /live HTTP/1.1\nContent-Type: audio/mpeg")
        await answer_to(stream, slug="nobody", key="f" * 32)
        for _ in range(3):
            await answer_to(stream, "X-Forwarded-For: 192.0.2.7", key="f" * 32)
        [event] = await auntil(lambda: stream.api.audit)
        assert event == SecurityEvent(
            StreamEvent.SIGN_IN_REFUSED,
            event.count,
            "192.0.2.7",
            "id-live",
            "owner",
            method="stream_key",
            outcome="wrong",
        )


async def test_put_of_no_audio_is_415_and_frees_the_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(b"<html>" * 100_000)
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 415")
        writer.close()
        (await on_air(stream)).close()


async def test_source_of_no_audio_is_closed_and_logged(tmp_path: Path) -> None:
    async with capture_logs_of(tmp_path) as (stream, logs):
        reader, writer = await stream.source(method="SOURCE")
        async with asyncio.timeout(PATIENCE):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.0 200 OK\r\n\r\n"
            writer.write(b"\0" * 600_000)
            assert await reader.read() == b""
        writer.close()
        (await on_air(stream)).close()
    refused = next(line for line in logs if line["event"] == "source refused")
    assert "no audio frame" in refused["reason"]


async def test_a_wrong_content_type_is_looked_through(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(kind="audio/ogg")
        writer.write(MP3)
        station = (await auntil(stream.status))[0]
        assert station["server_type"] == "audio/mpeg"
        writer.close()


async def test_the_extension_names_the_same_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(slug="live.mp3")
        writer.write(MP3)
        await auntil(stream.status)
        writer.close()


async def test_a_chunked_body_is_unwrapped(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Transfer-Encoding: chunked")
        for at in range(0, len(MP3), 3000):
            piece = MP3[at : at + 3000]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await auntil(stream.status)
        writer.write(b"0\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_broken_chunk_is_400(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source("Transfer-Encoding: chunked")
        writer.write(b"what?\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_the_length_given_is_the_length_taken(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(f"Content-Length: {len(MP3)}")
        writer.write(MP3 + b"more than was promised")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_source_byte_by_byte_is_the_same_source(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.connect()
        text = head(f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\n{auth()}")
        for byte in text + MP3[:3000]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await auntil(stream.status)
        writer.close()
        await reader.read()


async def test_while_the_api_is_away_known_stations_go_on_and_others_are_503(
    tmp_path: Path,
) -> None:
    async with running_stream(tmp_path) as stream:
        writer = await on_air(stream)
        stream.api.bus.cut()
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 409")
        assert (await answer_to(stream, slug="demo")).startswith(b"HTTP/1.1 503")
        answer, _, listening = await stream.listen("/live.mp3")
        assert " 200 " in answer
        listening.close()
        writer.close()


async def test_source_that_has_sent_all_before_it_is_let_in_is_heard_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, find = asyncio.Event(), Directory.find

    async def late(directory: Directory, slug: str) -> StationRecord | None:
        await known.wait()
        return await find(directory, slug)

    monkeypatch.setattr(Directory, "find", late)
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(MP3)
        writer.write_eof()
        await stream.ready()
        known.set()
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize(("method", "answers"), [("PUT", 1), ("SOURCE", 0)])
async def test_one_who_may_send_no_longer_is_told_once_and_let_go(
    tmp_path: Path, method: str, answers: int
) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(method=method)
        writer.write(MP3)
        await auntil(stream.status)
        await stream.api.change("live", None)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        assert answer.count(b" 404 ") == answers
        assert await stream.status() == []
        writer.close()


async def test_a_fault_of_our_own_is_logged_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(directory: Directory, slug: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Directory, "find", broken)
    async with capture_logs_of(tmp_path) as (stream, logs):
        answer = await answer_to(stream)
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"ZeroDivision" not in answer
    assert "admission failed" in [line["event"] for line in logs]


@pytest.mark.parametrize("method", ["PUT", "SOURCE"])
@pytest.mark.parametrize("where", [(parts, "Intake"), (ConnectionWatch, "enter")])
async def test_a_fault_of_our_own_after_the_claim_frees_the_station(
    where: tuple[object, str], method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with running_stream(tmp_path) as stream:
        with monkeypatch.context() as patch:
            patch.setattr(*where, broken)
            reader, writer = await stream.source(method=method)
            writer.write(MP3)
            async with asyncio.timeout(PATIENCE):
                said = await reader.read()
            assert said.startswith(b"HTTP/1.1 500") or method == "SOURCE"
        (await on_air(stream)).close()
        writer.close()


@pytest.mark.parametrize("line", ["Transfer-Encoding: gzip", "Content-Length: " + "9" * 30])
async def test_a_body_we_cannot_read_is_400_before_the_station_is_touched(
    tmp_path: Path, line: str
) -> None:
    async with running_stream(tmp_path) as stream:
        assert (await answer_to(stream, line)).startswith(b"HTTP/1.1 400")
        (await on_air(stream)).close()


@pytest.mark.parametrize("key", ["f" * 32, KEY])
async def test_a_refusal_reaches_one_who_sends_before_he_listens(tmp_path: Path, key: str) -> None:
    """Closed at once, his connection would be reset under him, and the answer lost."""
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source(key=key)
        for _ in range(20):
            writer.write(b"<html>" * 10_000)
            await writer.drain()
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        assert answer.split()[1] == (b"415" if key == KEY else b"401")
        writer.write_eof()
        writer.close()


async def test_one_who_goes_on_sending_after_a_refusal_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(icecast, "LINGER_SECONDS", 0.1)
    async with running_stream(tmp_path) as stream:
        _, writer = await stream.source(key="f" * 32)

        def cut() -> bool:
            writer.write(bytes(1000))
            return writer.transport.is_closing()

        await auntil(cut)
        writer.close()
