from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from talas_stream.playout import titles
from talas_stream.playout.icecast import Target
from talas_stream.playout.titles import TRIES, Titles

KEY = "0123456789abcdef0123456789abcdef"
NOT_YET = b"HTTP/1.1 404 Not Found"


@pytest.fixture
async def told(server: Any, time_: Any) -> AsyncIterator[Titles]:
    one = Titles(Target("127.0.0.1", server.port, "/demo", KEY), time_.sleep)
    task = asyncio.create_task(one.run())
    yield one
    task.cancel()


async def test_titles_arrive_in_order(server: Any, told: Titles, until: Any) -> None:
    names = [f"Ä & {number}" for number in range(10)]
    for name in names:
        told.announce(name)
    await until(lambda: len(server.titles) == 10)
    assert server.titles == names


async def test_a_mount_that_is_not_there_yet_is_asked_again(
    server: Any, told: Titles, time_: Any, until: Any
) -> None:
    server.title_answers = [NOT_YET, NOT_YET]
    with capture_logs() as lines:
        told.announce("A")
        await until(lambda: len(server.titles) == 3)
        told.announce("B")
        await until(lambda: len(server.titles) == 4)
    assert server.titles == ["A", "A", "A", "B"]
    assert lines == []
    assert time_.slept == [titles.BETWEEN_SECONDS] * 2


async def test_a_title_that_is_never_taken_is_given_up_with_one_line(
    server: Any, told: Titles, until: Any
) -> None:
    server.title_answers = [b"HTTP/1.1 501 Not Implemented"] * TRIES
    with capture_logs() as lines:
        told.announce("A")
        await until(lambda: lines)
        told.announce("B")
        await until(lambda: server.titles[-1:] == ["B"])
    assert server.titles == ["A"] * TRIES + ["B"]
    assert [(line["event"], line["title"], line["problem"]) for line in lines] == [
        ("title not taken", "A", "501 Not Implemented")
    ]
    assert KEY not in repr(lines)


async def test_an_old_title_is_not_insisted_on(server: Any, told: Titles, until: Any) -> None:
    server.title_answers = [NOT_YET]
    told.announce("old")
    told.announce("new")
    await until(lambda: server.titles[-1:] == ["new"])
    assert server.titles == ["old", "new"]


async def test_a_server_that_is_away_or_hangs_up_is_survived(
    server: Any, told: Titles, until: Any
) -> None:
    port = server.port
    await server.stop()
    with capture_logs() as lines:
        told.announce("A")
        await until(lambda: lines)
    server.port = port
    await server.start()
    told.announce("B")
    await until(lambda: server.titles == ["B"])


async def test_a_server_that_does_not_answer_is_left(
    monkeypatch: pytest.MonkeyPatch, time_: Any, until: Any
) -> None:
    monkeypatch.setattr(titles, "ANSWER_SECONDS", 0.02)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    one = Titles(Target("127.0.0.1", port, "/demo", KEY), time_.sleep)
    task = asyncio.create_task(one.run())
    with capture_logs() as lines:
        one.announce("A")
        await until(lambda: lines)
    assert "TimeoutError" in lines[0]["problem"]
    task.cancel()
    silent.close()
