"""The contract of the bus, run on every adapter, on asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.wait import PATIENCE
from talas_core.bus.memory import MemoryBus, MemoryHub
from talas_core.bus.nats import NatsBus
from talas_core.bus.port import MAX_PAYLOAD, Bus
from talas_core.errors import BadInput, BusTimeout, BusUnavailable


class MemoryNet:
    """Buses on one hub."""

    def __init__(self) -> None:
        self._hub = MemoryHub()
        self._buses: list[MemoryBus] = []

    async def bus(self) -> Bus:
        bus = MemoryBus(self._hub)
        self._buses.append(bus)
        return bus

    async def lose(self) -> None:
        for bus in self._buses:
            bus.cut()

    async def regain(self) -> None:
        for bus in self._buses:
            bus.restore()

    async def close(self) -> None:
        for bus in self._buses:
            await bus.close()


class NatsNet:
    """Buses on one real server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._buses: list[NatsBus] = []

    async def bus(self) -> Bus:
        bus = await NatsBus.open(self._server.url, name="contract")
        assert bus.connected
        self._buses.append(bus)
        return bus

    async def lose(self) -> None:
        self._server.kill()

    async def regain(self) -> None:
        self._server.start()

    async def close(self) -> None:
        for bus in self._buses:
            await bus.close()


@pytest.fixture(params=["memory", "nats"])
async def net(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        made: Any = MemoryNet()
    else:
        made = NatsNet(request.getfixturevalue("make_server")())
    yield made
    await made.close()


async def test_events_arrive_in_the_order_of_their_publisher(net: Any, until: Any) -> None:
    talker, listener = await net.bus(), await net.bus()
    got: list[bytes] = []
    await listener.subscribe("a.b", got.append)
    for number in range(3000):
        await talker.publish("a.b", b"%d" % number)
    await until(lambda: len(got) == 3000)
    assert got == [b"%d" % number for number in range(3000)]


async def test_an_event_reaches_every_subscriber_of_that_subject_only(net: Any, until: Any) -> None:
    talker, one, two = await net.bus(), await net.bus(), await net.bus()
    got: dict[str, list[bytes]] = {"one": [], "two": [], "other": [], "self": []}
    await one.subscribe("news", got["one"].append)
    await two.subscribe("news", got["two"].append)
    await two.subscribe("news.of", got["other"].append)
    await talker.subscribe("news", got["self"].append)
    await talker.publish("news", b"x")
    await until(lambda: got["one"] and got["two"] and got["self"])
    await talker.publish("news.of", b"y")
    await until(lambda: got["other"])
    assert got == {"one": [b"x"], "two": [b"x"], "other": [b"y"], "self": [b"x"]}


async def test_a_handler_runs_on_a_later_turn_of_the_loop(net: Any, until: Any) -> None:
    bus = await net.bus()
    got: list[bytes] = []
    await bus.subscribe("later", got.append)
    sending = bus.publish("later", b"x")
    with pytest.raises(StopIteration):
        sending.send(None)
    assert got == []
    await until(lambda: got == [b"x"])


async def test_wildcards_of_a_subscription_match_one_word_or_the_rest(net: Any, until: Any) -> None:
    bus = await net.bus()
    star: list[bytes] = []
    rest: list[bytes] = []
    await bus.subscribe("room.*.said", star.append)
    await bus.subscribe("room.>", rest.append)
    for subject in ("room.1.said", "room.1.left", "room.2.said", "roof.1.said"):
        await bus.publish(subject, subject.encode())
    await until(lambda: len(rest) == 3 and len(star) == 2)
    assert star == [b"room.1.said", b"room.2.said"]
    assert rest == [b"room.1.said", b"room.1.left", b"room.2.said"]


async def test_one_member_of_a_group_gets_each_event(net: Any, until: Any) -> None:
    talker, listener = await net.bus(), await net.bus()
    members: list[list[bytes]] = [[], [], []]
    lone: list[bytes] = []
    for member in members:
        await listener.subscribe("work", member.append, queue="crew")
    await listener.subscribe("work", lone.append)
    for number in range(90):
        await talker.publish("work", b"%d" % number)
    await until(lambda: len(lone) == 90 and sum(map(len, members)) == 90)
    assert sorted(event for member in members for event in member) == sorted(lone)
    assert all(members), "each member gets a share"


async def test_request_gets_its_reply(net: Any) -> None:
    asker, server = await net.bus(), await net.bus()

    async def shout(payload: bytes) -> bytes:
        return payload.upper()

    await server.serve("shout", shout)
    assert await asker.request("shout", b"hello", timeout=5) == b"HELLO"
    assert await server.request("shout", b"", timeout=5) == b""


async def test_requests_at_once_are_answered_each_with_its_own(net: Any) -> None:
    asker, server = await net.bus(), await net.bus()
    everyone = asyncio.Barrier(40)

    async def slow(payload: bytes) -> bytes:
        await everyone.wait()
        return b"re:" + payload

    await server.serve("slow", slow, queue="q")
    questions = [b"%d" % number for number in range(40)]
    answers = await asyncio.gather(*(asker.request("slow", q, timeout=10) for q in questions))
    assert answers == [b"re:" + question for question in questions]


async def test_a_group_of_servers_answers_once(net: Any) -> None:
    asker, server = await net.bus(), await net.bus()
    calls: list[bytes] = []

    async def answer(payload: bytes) -> bytes:
        calls.append(payload)
        return payload

    for _ in range(3):
        await server.serve("once", answer, queue="crew")
    for number in range(12):
        await asker.request("once", b"%d" % number, timeout=5)
    assert calls == [b"%d" % number for number in range(12)]


async def test_request_that_nobody_serves_fails_at_once(net: Any) -> None:
    bus = await net.bus()
    with pytest.raises(BusUnavailable, match="nobody serves"):
        await bus.request("void", b"", timeout=30)


async def test_request_without_an_answer_times_out(net: Any) -> None:
    asker, server = await net.bus(), await net.bus()

    async def never(_: bytes) -> bytes:
        await asyncio.Event().wait()
        return b""

    await server.serve("never", never)
    with pytest.raises(BusTimeout, match=r"never within 0\.05 s"):
        await asker.request("never", b"", timeout=0.05)


async def test_a_late_answer_is_dropped(net: Any) -> None:
    asker, server = await net.bus(), await net.bus()
    go = asyncio.Event()

    async def late(payload: bytes) -> bytes:
        if payload == b"late":
            await go.wait()
        return payload

    await server.serve("late", late)
    with pytest.raises(BusTimeout):
        await asker.request("late", b"late", timeout=0.02)
    go.set()
    assert await asker.request("late", b"next", timeout=5) == b"next"


async def test_handler_that_raises_stops_no_other(net: Any, until: Any) -> None:
    bus = await net.bus()
    got: list[bytes] = []

    def fail(payload: bytes) -> None:
        raise RuntimeError("handler")

    await bus.subscribe("s", fail)
    await bus.subscribe("s", got.append)
    await bus.publish("s", b"1")
    await bus.publish("s", b"2")
    await until(lambda: got == [b"1", b"2"])


async def test_responder_that_raises_leaves_its_caller_to_time_out(net: Any) -> None:
    bus = await net.bus()

    async def fail(payload: bytes) -> bytes:
        if payload == b"bad":
            raise RuntimeError("responder")
        return b"x" * (MAX_PAYLOAD + 1) if payload == b"huge" else payload

    await bus.serve("s", fail)
    for payload in (b"bad", b"huge"):
        with pytest.raises(BusTimeout):
            await bus.request("s", payload, timeout=0.1)
    assert await bus.request("s", b"good", timeout=5) == b"good"


async def test_event_on_a_served_subject_changes_nothing(net: Any, until: Any) -> None:
    bus = await net.bus()
    got: list[bytes] = []

    async def answer(payload: bytes) -> bytes:
        got.append(payload)
        return payload

    await bus.serve("s", answer)
    await bus.publish("s", b"event")
    await until(lambda: got == [b"event"])
    assert await bus.request("s", b"question", timeout=5) == b"question"


async def test_payload_over_the_limit_is_refused(net: Any, until: Any) -> None:
    bus = await net.bus()
    sizes: list[int] = []
    await bus.subscribe("big", lambda payload: sizes.append(len(payload)))
    await bus.publish("big", b"x" * MAX_PAYLOAD)
    for verb in (bus.publish("big", b"x" * (MAX_PAYLOAD + 1)),
                 bus.request("big", b"x" * (MAX_PAYLOAD + 1), timeout=1)):  # fmt: skip
        with pytest.raises(BadInput, match="too many"):
            await verb
    await until(lambda: sizes == [MAX_PAYLOAD])


@pytest.mark.parametrize("subject", ["", " ", "a b", "a..b", ".a", "a.*", ">", "a\r\nPUB b 0"])
async def test_subject_that_cannot_be_published_to_is_refused(net: Any, subject: str) -> None:
    bus = await net.bus()
    with pytest.raises(BadInput, match="subject"):
        await bus.publish(subject, b"")
    with pytest.raises(BadInput, match="subject"):
        await bus.request(subject, b"", timeout=1)


async def test_subject_or_group_that_cannot_be_listened_to_is_refused(net: Any) -> None:
    bus = await net.bus()
    with pytest.raises(BadInput, match="subject"):
        await bus.subscribe("a..b", print)
    with pytest.raises(BadInput, match="group"):
        await bus.subscribe("a", print, queue="x y")


async def test_a_closed_subscription_hears_no_more(net: Any, until: Any) -> None:
    talker, listener = await net.bus(), await net.bus()
    got: list[bytes] = []
    still: list[bytes] = []
    subscription = await listener.subscribe("s", got.append)
    await listener.subscribe("s", still.append)
    await talker.publish("s", b"1")
    await until(lambda: got == [b"1"])
    await subscription.close()
    await subscription.close()
    await talker.publish("s", b"2")
    await until(lambda: still == [b"1", b"2"])
    assert got == [b"1"]


async def test_event_published_just_before_close_arrives(net: Any, until: Any) -> None:
    talker, listener = await net.bus(), await net.bus()
    got: list[bytes] = []
    await listener.subscribe("s", got.append)
    for number in range(500):
        await talker.publish("s", b"%d" % number)
    await talker.close()
    await until(lambda: len(got) == 500)


async def test_close_is_final_and_may_be_repeated(net: Any) -> None:
    bus = await net.bus()
    await bus.close()
    await bus.close()
    assert not bus.connected
    for verb in (bus.publish("s", b""), bus.request("s", b"", timeout=1),
                 bus.subscribe("s", print), bus.serve("s", print)):  # fmt: skip
        with pytest.raises(BusUnavailable):
            await verb


async def test_events_and_requests_are_refused_while_disconnected(net: Any, until: Any) -> None:
    bus = await net.bus()
    await net.lose()
    await until(lambda: not bus.connected)
    with pytest.raises(BusUnavailable):
        await bus.publish("s", b"")
    with pytest.raises(BusUnavailable):
        await bus.request("s", b"", timeout=1)


async def test_a_lost_connection_fails_a_waiting_request_at_once(net: Any, until: Any) -> None:
    asker, server = await net.bus(), await net.bus()
    asked = asyncio.Event()

    async def never(_: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    await server.serve("never", never)
    waiting = asyncio.create_task(asker.request("never", b"", timeout=600))
    await asyncio.wait_for(asked.wait(), PATIENCE)
    await net.lose()
    with pytest.raises(BusUnavailable):
        await asyncio.wait_for(waiting, PATIENCE)


async def test_bus_that_came_back_works_as_before(net: Any, until: Any) -> None:
    talker, listener = await net.bus(), await net.bus()
    got: list[bytes] = []
    back: list[str] = []

    async def echo(payload: bytes) -> bytes:
        return payload

    def raises() -> None:
        raise RuntimeError("callback")

    listener.on_reconnect(raises)
    listener.on_reconnect(lambda: back.append("listener"))
    talker.on_reconnect(lambda: back.append("talker"))
    await listener.subscribe("s", got.append)
    await listener.serve("echo", echo)
    for round_number in range(1, 3):
        await net.lose()
        await until(lambda: not talker.connected and not listener.connected)
        if round_number == 1:
            await listener.subscribe("while.away", got.append)
        await net.regain()
        await until(lambda: talker.connected and listener.connected)
        await until(lambda n=round_number: sorted(back) == ["listener"] * n + ["talker"] * n)
        got.clear()
        await talker.publish("s", b"again")
        await talker.publish("while.away", b"too")
        await until(lambda: sorted(got) == [b"again", b"too"])
        assert await talker.request("echo", b"?", timeout=5) == b"?"


async def test_bus_is_closed_while_disconnected(net: Any, until: Any) -> None:
    bus = await net.bus()
    subscription = await bus.subscribe("s", print)
    await net.lose()
    await until(lambda: not bus.connected)
    await subscription.close()
    await asyncio.wait_for(bus.close(), PATIENCE)
