"""The table of a source's life, row by row: a source that stands there, and what happens to it."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from support.parts import Parts, Transport
from support.sound import coded, programme
from support.stream import auth, head
from talas_core.clock import FakeClock
from talas_core.errors import Forbidden
from talas_stream.ingest.icecast import IcecastSource
from talas_stream.ingest.life import HOLDING, LIFE, SENDING, Event, State
from talas_stream.wire.request import parse_head

AHEAD = coded(programme(4.0), "mp3")
"""Far ahead of any lead: a source that has sent it is held back."""

WAYS: dict[State, list[Event]] = {
    State.ASKING: [],
    State.LIVE: [Event.ADMIT],
    State.SILENT: [Event.ADMIT, Event.SILENCE],
    State.ENDED: [Event.ADMIT, Event.END],
    State.LOST: [Event.ADMIT, Event.LOSE],
    State.REFUSED: [Event.ADMIT, Event.REFUSE],
    State.GONE: [Event.ADMIT, Event.LEAVE],
}
"""How a source comes to stand there."""


class Sending:
    """A source without a network, ahead of its time."""

    def __init__(self, parts: Parts, connection: socket.socket) -> None:
        self._source = IcecastSource(parts.sources)
        self._transport = Transport(connection)
        self._admission: asyncio.Task[None] | None = None

    @property
    def source(self) -> IcecastSource:
        return self._source

    def begin(self, key: str) -> None:
        request = parse_head(head(f"PUT /live HTTP/1.1\n{auth(key)}"))
        assert request is not None
        self._source.take(self._transport, request, AHEAD)

    async def meet(self, event: Event) -> None:
        """Have that happen to it."""
        source = self._source
        match event:
            case Event.ADMIT:
                await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
            case Event.REFUSE if source.state is State.ASKING:
                await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
            case Event.REFUSE:
                source.expel(Forbidden("no longer"))
            case Event.HEARD:
                source.data_received(AHEAD[:1])
            case Event.SILENCE:
                source.fall_silent(11.0)
            case Event.END:
                source.eof_received()
            case Event.LOSE:
                source.connection_lost(None)
            case Event.LEAVE:
                source.close("another has come")


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


@pytest.mark.parametrize(
    ("state", "event"), LIFE, ids=[f"{state} {event}" for state, event in LIFE]
)
async def test_source_goes_where_the_table_says_and_holds_its_station_as_long_as_it_says(
    state: State, event: Event, connection: socket.socket
) -> None:
    parts = await Parts(FakeClock(), source_lead_seconds=0.5).start()
    sending = Sending(parts, connection)
    wrong = (state, event) == (State.ASKING, Event.REFUSE)
    sending.begin("f" * 32 if wrong else "0123456789abcdef" * 2)
    for step in WAYS[state]:
        await sending.meet(step)
    assert sending.source.state is state
    await sending.meet(event)
    assert sending.source.state is LIFE[state, event]
    holds = sending.source.state in HOLDING
    assert (parts.station.source is sending.source) == holds
    assert (sending.source in parts.watch.sources) == holds


def test_every_state_can_be_come_to_and_left() -> None:
    assert {state for state, _ in LIFE} == set(State)
    assert {*LIFE.values(), State.ASKING} == set(State)
    assert {event for _, event in LIFE} == set(Event)


def test_whoever_holds_a_station_can_be_refused_cut_and_found_silent() -> None:
    for state in HOLDING:
        assert LIFE[state, Event.REFUSE] in (State.REFUSED, State.GONE)
        assert LIFE[state, Event.LEAVE] is State.GONE
        assert LIFE[state, Event.SILENCE] in HOLDING


def test_nobody_holds_a_station_again_whose_end_was_seen() -> None:
    for (state, _), then in LIFE.items():
        if state not in (*SENDING, State.ASKING):
            assert then not in SENDING
