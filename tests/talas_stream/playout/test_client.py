"""The source against a small Icecast server, with time that moves only when the source sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from support.stage import TOOLS
from support.wait import PATIENCE
from talas_core.errors import UsageError
from talas_stream.playout import client as module
from talas_stream.playout.client import FIRST_WAIT, LEAD_SECONDS, LONGEST_WAIT, Client
from talas_stream.playout.deck import Deck
from talas_stream.playout.icecast import Target
from talas_stream.playout.player import Player
from talas_stream.wire.ogg_pages import PageReader

KEY = "0123456789abcdef0123456789abcdef"
INFO = {"ice-name": "Test", "ice-public": "0"}


class Setup:
    """A client on its way, with everything around it."""

    def __init__(self, server: Any, sounds: Any, time: Any, *seconds: float) -> None:
        self.time = time
        self.playlist = sounds.playlist(*seconds)
        self.deck = Deck(lambda: Player(self.playlist, TOOLS))
        target = Target("127.0.0.1", server.port, "/demo", KEY)
        server.now = time.clock.monotonic
        self.client = Client(target, INFO, self.deck, time.clock, time.sleep)
        self.drain = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.client.run(self.drain))

    async def stop(self) -> None:
        self.drain.set()
        if self.task is not None:
            await asyncio.wait_for(self.task, PATIENCE)
        await self.deck.close()


@pytest.fixture
async def setup(server: Any, sounds: Any, time_: Any) -> AsyncIterator[Setup]:
    one = Setup(server, sounds, time_, 1.5, 1.0, 2.0)
    yield one
    await one.stop()


async def test_the_server_hears_the_tracks_and_is_told_their_titles(
    server: Any, setup: Setup, sounds: Any, until: Any
) -> None:
    setup.start()
    await until(lambda: len(server.titles) >= 4)
    await setup.stop()
    head = server.heads[0]
    assert "Expect: 100-continue\r\n" in head
    assert "Content-Type: application/ogg\r\n" in head
    assert "ice-name: Test\r\n" in head
    (body,) = server.bodies
    heard = sounds.heard_in(bytes(body))
    meant = np.concatenate([sounds.chirp(s, i) for i, s in enumerate((1.5, 1.0, 2.0))], axis=1)
    count = meant.shape[1]
    assert sounds.alike(heard[0, :count], meant[0]) > 0.95
    assert server.titles[:4] == ["T0", "T1", "T2", "T0"]


async def test_client_sends_one_logical_stream_and_ends_it_with_a_last_page(
    server: Any, setup: Setup, until: Any
) -> None:
    setup.start()
    await until(lambda: server.bodies and len(server.bodies[0]) > 100_000)
    await setup.stop()
    reader = PageReader()
    pages = reader.feed(bytes(server.bodies[0])) + reader.flush()
    assert reader.garbage_bytes == 0
    assert len({page.serial for page in pages}) == 1
    assert [page.sequence for page in pages] == list(range(len(pages)))
    assert [page.bos for page in pages].count(True) == 1
    assert pages[-1].eos
    granules = [page.granule for page in pages[2:]]
    assert granules == [4800 * (n + 1) for n in range(len(granules))]


async def test_client_sends_in_real_time(server: Any, setup: Setup, until: Any) -> None:
    setup.start()
    await until(lambda: setup.time.clock.monotonic() > 1000 + 20)
    await setup.stop()
    elapsed = setup.time.clock.monotonic() - 1000
    reader = PageReader()
    last = (reader.feed(bytes(server.bodies[0])) + reader.flush())[-1]
    assert last.granule / 48_000 == pytest.approx(elapsed + LEAD_SECONDS, abs=0.4)
    assert max(setup.time.slept) <= 0.2


async def test_client_catches_up_after_a_stall(server: Any, setup: Setup, until: Any) -> None:
    setup.start()
    await until(lambda: server.bodies and len(server.bodies[0]) > 30_000)
    setup.time.clock.advance(3)
    await until(lambda: setup.time.clock.monotonic() > 1000 + 12)
    await setup.stop()
    reader = PageReader()
    last = (reader.feed(bytes(server.bodies[0])) + reader.flush())[-1]
    elapsed = setup.time.clock.monotonic() - 1000
    assert last.granule / 48_000 == pytest.approx(elapsed + LEAD_SECONDS, abs=0.5)


@pytest.mark.parametrize(
    "refusal",
    [b"HTTP/1.1 409 Conflict\r\n\r\n", b"HTTP/1.1 503 Unavailable\r\n\r\n", b"nonsense\r\n\r\n",
     b"HTTP/1.1 200", b"x" * 20_000],
)  # fmt: skip
async def test_a_refusal_is_tried_again_later_and_later_with_one_line(
    server: Any, setup: Setup, until: Any, refusal: bytes
) -> None:
    server.refusal = refusal
    with capture_logs() as lines:
        setup.start()
        await until(lambda: len(server.heads) >= 7)
        assert [line["event"] for line in lines] == ["off the air"]
        server.refusal = b""
        await until(lambda: server.titles)
    waits = setup.time.slept[:7]
    assert waits[:6] == [FIRST_WAIT * 2**n for n in range(5)] + [LONGEST_WAIT]
    assert [line["event"] for line in lines] == ["off the air", "on the air"]
    assert KEY not in repr(lines)


async def test_a_server_that_is_away_is_waited_for(server: Any, setup: Setup, until: Any) -> None:
    port = server.port
    await server.stop()
    setup.start()
    await until(lambda: len(setup.time.slept) >= 3)
    server.port = port
    await server.start()
    await until(lambda: server.titles == ["T0"])


async def test_a_cut_connection_is_made_again_as_a_new_stream_that_goes_on(
    server: Any, setup: Setup, sounds: Any, until: Any
) -> None:
    with capture_logs() as lines:
        setup.start()
        await until(lambda: server.bodies and len(server.bodies[0]) > 60_000)
        titles = len(server.titles)
        server.cut()
        await until(lambda: len(server.bodies) == 2 and len(server.bodies[1]) > 60_000)
        await until(lambda: len(server.titles) > titles)
        await setup.stop()
    assert [line["event"] for line in lines] == ["on the air", "off the air", "on the air"]
    assert setup.time.slept.count(FIRST_WAIT) >= 1, "after a good while the wait is short again"
    assert sounds.heard_in(bytes(server.bodies[1])).shape[1] > 48_000
    assert server.heads[0] == server.heads[1]


async def test_the_reason_the_server_gives_on_the_way_is_logged(
    server: Any, setup: Setup, until: Any
) -> None:
    with capture_logs() as lines:
        setup.start()
        await until(lambda: server.bodies and len(server.bodies[0]) > 20_000)
        server.writers[0].write(b"HTTP/1.1 415 Unsupported Media Type\r\n\r\n")
        await until(lambda: len(server.heads) == 2)
    reasons = [line["problem"] for line in lines if line["event"] == "off the air"]
    assert reasons == ["the server said 415 Unsupported Media Type"]


@pytest.mark.parametrize(
    "welcome",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n"],
)
async def test_servers_that_say_200_early_are_understood(
    server: Any, setup: Setup, until: Any, welcome: bytes
) -> None:
    server.welcome = welcome
    setup.start()
    await until(lambda: server.bodies and len(server.bodies[0]) > 60_000)
    assert len(server.heads) == 1


async def test_a_server_that_takes_nothing_is_left(
    server: Any, setup: Setup, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.1)
    server.stall()
    with capture_logs() as lines:
        setup.start()
        await until(lambda: len(server.heads) >= 2)
    reasons = [line["problem"] for line in lines if line["event"] == "off the air"]
    assert set(reasons) == {"the server took nothing for 0.1 s"}


async def test_a_server_that_never_answers_is_left(
    server: Any, setup: Setup, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    server.welcome = b""
    with capture_logs() as lines:
        setup.start()
        await until(lambda: len(server.heads) >= 2)
    assert lines[0]["problem"] == "TimeoutError"


async def test_a_drain_ends_a_wait_at_once(server: Any, sounds: Any, time_: Any) -> None:
    server.refusal = b"HTTP/1.1 503 Unavailable\r\n\r\n"
    one = Setup(server, sounds, time_, 0.5)
    asleep = asyncio.Event()

    async def for_ever(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    one.client._sleep = for_ever
    one.start()
    await asyncio.wait_for(asleep.wait(), PATIENCE)
    await one.stop()


async def test_a_playlist_that_fails_ends_the_run(server: Any, sounds: Any, time_: Any) -> None:
    one = Setup(server, sounds, time_, 0.5)

    def fail() -> None:
        raise UsageError("nothing to play")

    one.playlist.next = fail
    with pytest.raises(UsageError, match="nothing to play"):
        await one.client.run(one.drain)
    await one.deck.close()
