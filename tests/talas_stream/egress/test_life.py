"""The table of a listener's life, row by row: one that stands there, and what happens to it."""

import asyncio
import socket
from collections.abc import Iterator, Mapping

import pytest

from support.parts import Parts, Transport
from support.sound import programme
from support.stage import frames_of
from support.stream import head
from talas_core.clock import FakeClock
from talas_stream.door.address import Address
from talas_stream.egress.http import HttpListener
from talas_stream.egress.life import LIFE, SEATED, Event, State
from talas_stream.media import SourceInfo
from talas_stream.wire.request import parse_head

WAYS: dict[State, list[Event]] = {
    State.ASKING: [],
    State.TAKING: [Event.ADMIT],
    State.FULL: [Event.ADMIT, Event.FILL],
    State.ENDING: [Event.ADMIT, Event.END],
    State.DONE: [Event.ANSWER],
}
"""How a listener comes to stand there."""


class Source:
    damage: Mapping[str, int] = {}
    bytes_read = 0
    has_gone = False

    async def read_on(self) -> None: ...
    def close(self, reason: str) -> None: ...


def on_air(parts: Parts) -> None:
    parts.station.claim(Source(), SourceInfo())
    parts.station.accept(frames_of(programme(1.0), "mp3"))


def asking(parts: Parts, slug: str, connection: socket.socket) -> tuple[HttpListener, Transport]:
    request = parse_head(head(f"GET /{slug}.mp3 HTTP/1.1"))
    assert request is not None
    listener, transport = HttpListener(parts.listeners, Address(slug, "mp3")), Transport(connection)
    listener.take(transport, request, b"")
    return listener, transport


async def meet(listener: HttpListener, event: Event) -> None:
    """Have that happen to it."""
    match event:
        case Event.ADMIT | Event.ANSWER:
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        case Event.FILL:
            listener.pause_writing()
        case Event.DRAIN:
            listener.resume_writing()
        case Event.END:
            listener.end()
        case Event.LOSE:
            listener.connection_lost(None)


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


@pytest.mark.parametrize(
    ("state", "event"), LIFE, ids=[f"{state} {event}" for state, event in LIFE]
)
async def test_listener_goes_where_the_table_says_and_has_its_place_as_long_as_it_says(
    state: State, event: Event, connection: socket.socket
) -> None:
    parts = Parts(FakeClock())
    await parts.api.start()
    on_air(parts)
    steps = [*WAYS[state], event]
    listener, transport = asking(parts, "nobody" if Event.ANSWER in steps else "live", connection)
    for step in WAYS[state]:
        await meet(listener, step)
    assert listener.state is state
    await meet(listener, event)
    assert listener.state is LIFE[state, event]
    seated = listener.state in SEATED
    assert (parts.capacity.taken, len(parts.audience)) == (seated, seated)
    assert parts.station.count.listeners == seated
    if event in (Event.ANSWER, Event.END):
        assert transport.closed


@pytest.mark.parametrize("state", [State.FULL, State.ENDING])
async def test_listener_that_is_full_or_ends_is_watched_until_it_has_gone(
    state: State, connection: socket.socket
) -> None:
    clock = FakeClock()
    parts = await Parts(clock, listener_stall_seconds=15.0).start()
    on_air(parts)
    stays, _ = asking(parts, "live", connection)
    goes, _ = asking(parts, "live", connection)
    for step in WAYS[state][1:]:
        await meet(stays, step)
        await meet(goes, step)
    goes.connection_lost(None)
    clock.advance(16.0)
    parts.watch.look()
    assert (parts.watch.cut, parts.audience.slow("live")) == (1, 1)


def test_every_state_can_be_come_to_and_left() -> None:
    assert {state for state, _ in LIFE} == set(State)
    assert {*LIFE.values(), State.ASKING} == set(State)
    assert {event for _, event in LIFE} == set(Event)
    assert all(LIFE[state, Event.LOSE] is State.DONE for state in State)
