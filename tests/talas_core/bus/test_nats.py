"""What only the NATS adapter can do wrong: bounds, barriers, and closing with work in hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from support.wait import PATIENCE
from talas_core.bus import nats as adapter
from talas_core.bus.nats import NatsBus
from talas_core.bus.port import MAX_PAYLOAD
from talas_core.errors import BadInput, BusUnavailable


async def test_publishing_does_not_wait_for_a_server_that_reads_nothing(
    make_server: Callable[..., Any],
) -> None:
    server = make_server()
    bus = await NatsBus.open(server.url, name="t")
    server.freeze()
    refused = 0
    async with asyncio.timeout(PATIENCE):  # it reads nothing for ever
        for _ in range(64):
            try:
                await bus.publish("s", b"x" * MAX_PAYLOAD)
            except BusUnavailable as error:
                assert "keeping up" in str(error)
                refused += 1
    assert 0 < refused < 60
    server.kill()
    await asyncio.wait_for(bus.close(), PATIENCE)


async def test_a_server_that_dies_with_much_unsent_is_found_again(
    make_server: Callable[..., Any], until: Any
) -> None:
    server = make_server()
    bus = await NatsBus.open(server.url, name="t")
    got: list[bytes] = []
    await bus.subscribe("s", got.append)
    for _ in range(3):
        server.freeze()
        with contextlib.suppress(BusUnavailable):
            for _ in range(64):
                await bus.publish("other", b"x" * MAX_PAYLOAD)
        server.kill()
        await until(lambda: not bus.connected)
        server.start()
        await until(lambda: bus.connected)
        got.clear()
        await bus.publish("s", b"again")
        await until(lambda: got == [b"again"])
    await bus.close()


async def test_a_burst_that_the_server_does_take_is_not_refused(
    make_server: Callable[..., Any], until: Any
) -> None:
    bus = await NatsBus.open(make_server().url, name="t")
    sizes: list[int] = []
    await bus.subscribe("s", lambda payload: sizes.append(len(payload)))
    for _ in range(5000):
        await bus.publish("s", b"x" * 4096)
    await until(lambda: len(sizes) == 5000)
    await bus.close()


async def test_a_subscription_is_in_force_when_subscribe_returns(
    make_server: Callable[..., Any], until: Any
) -> None:
    server = make_server()
    talker = await NatsBus.open(server.url, name="talker")
    listener = await NatsBus.open(server.url, name="listener")
    for number in range(200):
        got: list[bytes] = []
        await listener.subscribe(f"s.{number}", got.append)
        await talker.publish(f"s.{number}", b"x")
        await until(lambda seen=got: seen == [b"x"])
    await talker.close()
    await listener.close()


async def test_payload_over_the_server_s_own_limit_is_refused(
    make_server: Callable[..., Any],
) -> None:
    server = make_server()
    server.kill()
    server.start(config="max_payload: 100")
    bus = await NatsBus.open(server.url, name="t")
    with pytest.raises(BadInput, match="for this bus"):
        await bus.publish("s", b"x" * 101)
    await bus.close()


async def test_answers_being_made_are_bounded(
    make_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setattr(adapter, "ANSWERS_AT_ONCE", 3)
    bus = await NatsBus.open(make_server().url, name="t")
    running = 0
    go = asyncio.Event()

    async def slow(payload: bytes) -> bytes:
        nonlocal running
        running += 1
        await go.wait()
        running -= 1
        return payload

    await bus.serve("s", slow)
    questions = [asyncio.create_task(bus.request("s", b"%d" % n, timeout=10)) for n in range(10)]
    await until(lambda: running == 3)
    assert running == 3
    go.set()
    assert await asyncio.gather(*questions) == [b"%d" % n for n in range(10)]
    await bus.close()


async def test_close_finishes_answers_being_made(make_server: Callable[..., Any]) -> None:
    server = make_server()
    asker = await NatsBus.open(server.url, name="asker")
    bus = await NatsBus.open(server.url, name="server")
    asked = asyncio.Event()
    go = asyncio.Event()

    async def slow(payload: bytes) -> bytes:
        asked.set()
        await go.wait()
        return payload

    await bus.serve("s", slow)
    question = asyncio.create_task(asker.request("s", b"x", timeout=10))
    await asked.wait()
    closing = asyncio.create_task(bus.close())
    await asyncio.sleep(0)
    with pytest.raises(BusUnavailable):
        await bus.publish("s", b"")
    go.set()
    assert await question == b"x"
    await closing
    await asker.close()


async def test_close_waits_for_an_answer_until_its_deadline(
    make_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LAST_ANSWERS_SECONDS", 0.05)
    bus = await NatsBus.open(make_server().url, name="t")
    asked = asyncio.Event()

    async def never(_: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    await bus.serve("s", never)
    question = asyncio.create_task(bus.request("s", b"", timeout=30))
    await asked.wait()
    await asyncio.wait_for(bus.close(), PATIENCE)
    with pytest.raises(BusUnavailable):
        await question


async def test_an_answer_with_no_connection_left_is_dropped(
    make_server: Callable[..., Any], until: Any
) -> None:
    server = make_server()
    bus = await NatsBus.open(server.url, name="t")
    asked = asyncio.Event()
    go = asyncio.Event()
    done = asyncio.Event()

    async def slow(payload: bytes) -> bytes:
        asked.set()
        await go.wait()
        done.set()
        return payload

    await bus.serve("s", slow)
    question = asyncio.create_task(bus.request("s", b"", timeout=30))
    await asked.wait()
    server.kill()
    with pytest.raises(BusUnavailable):
        await question
    go.set()
    await done.wait()
    await bus.close()


async def test_connection_lost_in_the_middle_of_a_verb_is_unavailable(
    make_server: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    """The client may learn of the loss between our look at it and its own."""
    server = make_server()
    bus = await NatsBus.open(server.url, name="t")
    client = bus._usable()
    got: list[bytes] = []
    await client.close()
    with pytest.raises(BusUnavailable):
        await bus._send(client, "s", b"")
    monkeypatch.setattr(type(bus._link), "client", client)
    await bus.subscribe("s", got.append)
    monkeypatch.undo()
    await until(lambda: bus.connected)
    await bus.publish("s", b"x")
    await until(lambda: got == [b"x"])
    await bus.close()
