"""Sources that come at once, run ahead, fall silent or vanish: the station is free for the next."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from support.sound import coded, programme
from support.sources import MP3, answer_to, capture_logs_of, off, on_air, opus_of
from support.stream import Stream, record, running_stream
from support.wait import PATIENCE, auntil
from talas_stream.ingest.lead import Lead

LEAD_SECONDS, SECONDS, TIMES = 2.0, 0.6, 40
SHORT = coded(programme(SECONDS), "mp3")
BYTES_A_SECOND = len(SHORT) / SECONDS


async def test_a_silent_source_is_cut(tmp_path: Path) -> None:
    async with running_stream(tmp_path, source_timeout_seconds=0.2) as stream:
        reader, writer = await stream.source("Expect: 100-continue")
        writer.write(MP3[:9000])
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        assert await stream.status() == []
        writer.close()


async def test_a_source_ahead_of_time_is_held_back_and_loses_nothing(tmp_path: Path) -> None:
    """Four seconds of sound at once with a lead of three: it takes a second, and all arrives."""
    async with running_stream(tmp_path, source_lead_seconds=3.0) as stream:
        reader, writer = await stream.source()
        loop = asyncio.get_running_loop()
        began = loop.time()
        writer.write(MP3[:400])
        writer.write(MP3[400:])
        await auntil(stream.status)
        _, listening, _ = await stream.listen("/live.mp3")
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            assert await listening.read() == MP3
            await reader.read()
        assert loop.time() - began > 0.7
        writer.close()


async def test_a_source_that_vanishes_frees_the_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        writer = await on_air(stream)
        writer.transport.abort()
        await auntil(lambda: off(stream))
        (await on_air(stream)).close()


async def test_of_sources_that_race_for_a_station_one_gets_it(tmp_path: Path) -> None:
    async with running_stream(tmp_path) as stream:
        sources = [await stream.source("Expect: 100-continue") for _ in range(8)]
        async with asyncio.timeout(PATIENCE):
            answers = [await reader.readuntil(b"\r\n\r\n") for reader, _ in sources]
        statuses = sorted(answer.split()[1] for answer in answers)
        assert statuses == [b"100"] + [b"409"] * 7
        winner = next(w for (_, w), a in zip(sources, answers, strict=True) if b" 100 " in a)
        winner.write(MP3)
        await auntil(stream.status)
        for _, writer in sources:
            writer.close()


async def test_a_source_far_ahead_is_held_in_its_own_buffers(tmp_path: Path) -> None:
    """A hundred times real time: what we have not taken stays with the sender."""
    hour = MP3 * 900
    async with running_stream(tmp_path, source_lead_seconds=1.0) as stream:
        process = psutil.Process()
        _, writer = await stream.source()
        sending = writer.transport.get_extra_info("socket").dup()
        sending.setblocking(False)
        before = process.memory_info().rss
        writer.write(MP3)
        await auntil(stream.status)
        taken = 0
        for _ in range(20):
            with contextlib.suppress(BlockingIOError):
                while taken < len(hour):
                    taken += sending.send(hour[taken : taken + 65_536])
            await stream.ready()
        assert taken < len(hour) // 4
        assert process.memory_info().rss - before < 10_000_000
        sending.close()
        writer.close()


async def test_one_who_vanishes_at_any_moment_leaves_a_free_station(tmp_path: Path) -> None:
    async with capture_logs_of(tmp_path) as (stream, logs):
        for number in range(60):
            _, writer = await stream.source(method=("PUT", "SOURCE")[number % 2])
            if number % 3:
                writer.write(MP3[: number * 500])
            for _ in range(number % 10):
                await asyncio.sleep(0)
            writer.transport.abort()
        await auntil(lambda: off(stream))

        async def free() -> bool:
            reader, writer = await stream.source("Expect: 100-continue")
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
            return b" 100 " in answer

        await auntil(free)
    assert not [line for line in logs if line["log_level"] in ("error", "critical")]


async def test_one_who_vanishes_while_held_back_is_let_go(tmp_path: Path) -> None:
    async with running_stream(tmp_path, source_lead_seconds=0.5) as stream:
        _, writer = await stream.source()
        writer.write(MP3[: len(MP3) // 3])
        await auntil(stream.status)
        writer.transport.abort()
        await auntil(lambda: off(stream))


AHEAD = opus_of([b"\xfc\xff\xfe"] * 1000)
"""Twenty seconds in thirty kilobytes: read at once, and far ahead of any lead."""


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection as a process does that dies with bytes unread, or is killed by a box on
    the way."""
    connection = writer.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def end(writer: asyncio.StreamWriter) -> None:
    writer.write_eof()


async def taken(stream: Stream) -> bool:
    """Whether another source gets the station."""
    reader, writer = await stream.source("Expect: 100-continue")
    async with asyncio.timeout(PATIENCE):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    return b" 100 " in answer


@pytest.mark.parametrize("goes", [end, reset])
@pytest.mark.parametrize("data", [AHEAD, MP3 * 30], ids=["all read", "much unread"])
async def test_source_that_has_gone_gives_its_station_to_the_next(
    tmp_path: Path, goes: Callable[[asyncio.StreamWriter], None], data: bytes
) -> None:
    async with running_stream(tmp_path, source_lead_seconds=0.5) as stream:
        _, writer = await stream.source()
        writer.write(data)
        await auntil(stream.status)
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 409")
        goes(writer)
        await auntil(lambda: taken(stream), seconds=3.0)


async def test_what_a_source_sent_before_its_reset_is_heard(tmp_path: Path) -> None:
    async with running_stream(tmp_path, source_lead_seconds=3.0) as stream:
        _, writer = await stream.source()
        writer.write(MP3)
        await auntil(stream.status)
        _, listening, _ = await stream.listen("/live.mp3")
        reset(writer)
        async with asyncio.timeout(PATIENCE):
            heard = await listening.read()
        assert MP3.startswith(heard)
        assert len(heard) > len(MP3) - 1000


async def test_source_that_is_held_back_and_sends_no_more_keeps_its_station_for_the_timeout(
    tmp_path: Path,
) -> None:
    """As one whose process was stopped. What it sent is heard all the same."""
    settings = {"source_lead_seconds": 0.5, "source_timeout_seconds": 2.0}
    async with running_stream(tmp_path, **settings) as stream:
        _, writer = await stream.source()
        writer.write(AHEAD)
        await auntil(stream.status)
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 409")
        await auntil(lambda: taken(stream))
        writer.close()


async def test_source_that_was_reset_still_answers_for_its_station(tmp_path: Path) -> None:
    async with running_stream(tmp_path, source_lead_seconds=0.5) as stream:
        _, writer = await stream.source()
        writer.write(AHEAD)
        await auntil(stream.status)
        reset(writer)
        await stream.api.change("live", None)
        await auntil(lambda: off(stream))


@pytest.mark.parametrize("there", [True, False])
async def test_listeners_of_a_station_that_was_closed_or_removed_are_not_kept(
    tmp_path: Path, there: bool
) -> None:
    async with running_stream(tmp_path, hold_seconds=300.0) as stream:
        writer = await on_air(stream)
        _, listening, connection = await stream.listen("/live.mp3")
        await stream.api.change("live", record("live", closed=True) if there else None)
        async with asyncio.timeout(PATIENCE):
            await listening.read()
        connection.close()
        writer.close()


async def test_listeners_are_kept_for_who_comes_back_with_the_station_s_new_key(
    tmp_path: Path,
) -> None:
    async with running_stream(tmp_path, hold_seconds=300.0) as stream:
        writer = await on_air(stream)
        _, listening, connection = await stream.listen("/live.mp3")
        key = "f" * 32
        await stream.api.change("live", record("live", key))
        await auntil(lambda: off(stream))
        writer.close()
        _, again = await stream.source(key=key)
        again.write(MP3)
        await auntil(stream.status)
        async with asyncio.timeout(PATIENCE):
            heard = await listening.readexactly(len(MP3) + 30_000)
        # The end of what was sent last, whole.
        assert MP3[:20_000] in heard[len(MP3) - 60_000 :]
        connection.close()
        again.close()


async def test_sources_without_a_pause_between_are_heard_no_further_ahead_than_one(
    tmp_path: Path,
) -> None:
    async with running_stream(
        tmp_path, source_lead_seconds=LEAD_SECONDS, hold_seconds=60.0
    ) as stream:
        began = time.monotonic()
        _, first = await stream.source()
        first.write(SHORT)
        await auntil(stream.status)
        _, reader, listening = await stream.listen("/live.mp3?latency=low")
        heard = bytearray()
        hearing = asyncio.create_task(_gather(reader, heard))
        first.close()
        for _ in range(TIMES):
            answer, writer = await stream.source(method="SOURCE")
            writer.write(SHORT)
            writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                await answer.readline()
            writer.close()
        most = time.monotonic() - began + LEAD_SECONDS + 2 * SECONDS
        listening.close()
        hearing.cancel()
        assert len(heard) <= most * BYTES_A_SECOND


async def _gather(reader: asyncio.StreamReader, into: bytearray) -> None:
    while data := await reader.read(65_536):
        into += data


async def test_source_replaced_while_it_waits_is_not_told_that_it_sent_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lead, "wait", lambda lead, station, now: 60.0)
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(MP3)
        writer.write_eof()
        _, other = await stream.source()
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        other.close()
