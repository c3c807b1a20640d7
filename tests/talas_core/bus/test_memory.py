"""What the contract does not say of the in-memory adapter: its hub, and its test verbs."""

from __future__ import annotations

import asyncio

import pytest

from support.wait import auntil
from talas_core.bus.memory import MemoryBus, MemoryHub
from talas_core.errors import BusTimeout, BusUnavailable


async def test_buses_without_a_common_hub_do_not_hear_each_other() -> None:
    one, two = MemoryBus(), MemoryBus()
    got: list[bytes] = []
    await two.subscribe("s", got.append)
    await one.publish("s", b"x")
    await asyncio.sleep(0)
    assert got == []


async def test_cut_bus_is_away_alone() -> None:
    hub = MemoryHub()
    one, two = MemoryBus(hub), MemoryBus(hub)
    got: list[bytes] = []
    await two.subscribe("s", got.append)
    two.cut()
    assert one.connected
    assert not two.connected
    await one.publish("s", b"missed")
    two.restore()
    await one.publish("s", b"heard")
    await asyncio.sleep(0)
    assert got == [b"heard"]


async def test_an_event_on_its_way_is_lost_with_the_connection() -> None:
    bus = MemoryBus()
    got: list[bytes] = []
    await bus.subscribe("s", got.append)
    await bus.publish("s", b"x")
    bus.cut()
    await asyncio.sleep(0)
    assert got == []


async def test_request_fails_while_its_only_server_is_cut() -> None:
    hub = MemoryHub()
    one, two = MemoryBus(hub), MemoryBus(hub)

    async def answer(payload: bytes) -> bytes:
        return payload

    await two.serve("s", answer)
    two.cut()
    with pytest.raises(BusUnavailable, match="nobody"):
        await one.request("s", b"", timeout=1)


async def test_an_answer_of_a_bus_that_was_cut_meanwhile_is_lost() -> None:
    hub = MemoryHub()
    asker, server = MemoryBus(hub), MemoryBus(hub)
    go = asyncio.Event()

    async def slow(payload: bytes) -> bytes:
        await go.wait()
        return payload

    await server.serve("s", slow)
    question = asyncio.create_task(asker.request("s", b"", timeout=0.05))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    server.cut()
    go.set()
    with pytest.raises(BusTimeout):
        await question


async def test_first_of_several_answers_counts() -> None:
    hub = MemoryHub()
    bus = MemoryBus(hub)

    async def quick(_: bytes) -> bytes:
        return b"quick"

    async def slow(_: bytes) -> bytes:
        await asyncio.sleep(0)
        return b"slow"

    await bus.serve("s", slow)
    await bus.serve("s", quick)
    assert await bus.request("s", b"", timeout=1) == b"quick"
    await asyncio.sleep(0)


async def test_frozen_hub_stays_connected_and_delivers_when_it_goes_on() -> None:
    hub = MemoryHub()
    one, other = MemoryBus(hub), MemoryBus(hub)
    heard: list[bytes] = []
    await other.subscribe("a.b", heard.append)
    hub.freeze()
    hub.freeze()
    await one.publish("a.b", b"1")
    with pytest.raises(BusTimeout):
        await one.request("a.b", b"2", timeout=0.01)
    assert one.connected
    assert heard == []
    hub.thaw()
    await auntil(lambda: heard == [b"1", b"2"])
    hub.thaw()
    assert heard == [b"1", b"2"]
