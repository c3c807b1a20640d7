"""The stream port's door: it reads a request's head and hands the connection to its protocol.

Does:        read the head within its limits; refuse those for hosts that are not ours; send sources
             to the ingest protocol, a station's listeners to the listener protocol, and every
             other connection, head and all, to aiohttp.
Never:       reads a body; keeps a connection once it has been handed over.
Guarantees:  a head that is not finished in time, too large or malformed is answered and closed; a
             client that sends nothing costs one entry in a table, and keeps no other out.

                       ┌─ PUT | SOURCE /slug            -> ingest.icecast
    bytes -> head ─────┼─ GET | HEAD | OPTIONS /slug[.mp3] -> egress.http
                       └─ all else                      -> aiohttp (pages/)
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import Protocol, cast

from talas_core.clock import Clock
from talas_core.errors import TalasError
from talas_core.web import edges
from talas_core.web.host import Hosts
from talas_core.web.idle import Idle
from talas_core.web.peer import Proxies
from talas_stream.door.address import Address, address_of
from talas_stream.door.answers import head as answer_head
from talas_stream.door.answers import refusal_bytes
from talas_stream.wire.request import RequestHead, parse_head

LISTENING = ("GET", "HEAD", "OPTIONS")


class Successor(asyncio.Protocol, ABC):
    """A protocol that takes over a connection whose head was read.

    Its `connection_lost` must tell the doorkeeper that the connection has `left`.
    """

    @abstractmethod
    def take(self, transport: asyncio.Transport, head: RequestHead, rest: bytes) -> None:
        """Go on with the connection; `rest` is what followed the head."""


class Rooms(Protocol):
    """What lies behind the door."""

    def source(self) -> Successor: ...
    def listener(self, address: Address) -> Successor: ...
    def other(self) -> asyncio.Protocol: ...


class Doorkeeper:
    """Connections that have not shown a whole head yet, oldest first, and the limit on all. `hosts`
    are the names that this port goes by."""

    def __init__(
        self,
        clock: Clock,
        header_seconds: float,
        max_connections: int,
        hosts: Hosts,
        proxies: Proxies,
    ) -> None:
        self._clock = clock
        self._seconds = header_seconds
        self._max = max_connections
        self.hosts = hosts
        self._proxies = proxies
        self._idle = Idle(max_connections, proxies)
        self._waiting: OrderedDict[FrontDoor, float] = OrderedDict()
        self.connections = 0
        self.refused = 0
        self.empty = asyncio.Event()
        self.empty.set()

    def enter(self, door: FrontDoor, peer: str | None) -> bool:
        """Note a new connection of the address `peer`; False when there are too many."""
        if self.connections >= self._max and not self._idle.make_room():
            self.refused += 1
            return False
        self.connections += 1
        self.empty.clear()
        self._waiting[door] = self._clock.monotonic() + self._seconds
        self._idle.wait(door, self._idle.whose(peer))
        return True

    def passed(self, door: FrontDoor) -> None:
        """The head is complete, or the connection gone."""
        self._waiting.pop(door, None)
        self._idle.busy(door)

    def left(self) -> None:
        """A connection that had entered has ended."""
        self.connections -= 1
        if not self.connections:
            self.empty.set()

    def address(self, transport: asyncio.Transport, head: RequestHead) -> str:
        """Where a request comes from, as far as a trusted proxy tells; empty where its connection
        has no address."""
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        forwarded = head.headers.get("x-forwarded-for", "")
        return str(self._proxies.client(peer, [forwarded] if forwarded else ()) or "")

    def sweep(self) -> None:
        """Turn away the connections whose time is over. Call a few times a second."""
        now = self._clock.monotonic()
        while self._waiting:
            door, deadline = next(iter(self._waiting.items()))
            if deadline > now:
                return
            self.passed(door)
            door.too_slow()

    def close(self) -> None:
        """Turn away the connections without a whole head: the service is stopping."""
        while self._waiting:
            door = next(iter(self._waiting))
            self.passed(door)
            door.too_late()


class FrontDoor(asyncio.Protocol):
    """One connection, until its head is read."""

    def __init__(self, keeper: Doorkeeper, rooms: Rooms) -> None:
        self._keeper = keeper
        self._rooms = rooms
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not self._keeper.enter(self, peer[0] if isinstance(peer, tuple) else None):
            self._refuse(503, "unavailable", "too many connections", retry_after=5)
            self._transport = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._keeper.passed(self)
        if self._transport is not None:
            self._keeper.left()

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._head += data
        try:
            head = parse_head(bytes(self._head))
            if head is not None:
                _check_edges(head)
                self._keeper.hosts.check(head.headers.get("host"), head.target)
        except TalasError as error:
            self._keeper.passed(self)
            self._refuse(error.status, error.code, str(error))
            return
        if head is not None:
            self._keeper.passed(self)
            self._hand_over(head, bytes(self._head))

    def too_slow(self) -> None:
        """The head did not come in time."""
        self._refuse(408, "too_slow", "the request head did not arrive in time")

    def make_room(self) -> None:
        """Others need the place, and this one has waited longest."""
        self._keeper.passed(self)
        if self._transport is not None:
            self._transport.abort()

    def too_late(self) -> None:
        """The service is stopping."""
        self._refuse(503, "unavailable", "the service is stopping", retry_after=5)

    def _hand_over(self, head: RequestHead, data: bytes) -> None:
        transport = self._transport
        assert transport is not None  # noqa: S101 - data_received has looked
        if (head.method, head.path) == ("OPTIONS", "*"):
            # libshout asks first whether there is TLS here, and gives up at a 404.
            transport.write(answer_head(204, [("Allow", "GET, HEAD, OPTIONS, PUT, SOURCE")]))
            transport.close()
            return
        successor = self._successor(head)
        if successor is not None:
            transport.set_protocol(successor)
            successor.take(transport, head, data[head.size :])
            return
        guest = Guest(self._rooms.other(), self._keeper)
        transport.set_protocol(guest)
        guest.connection_made(transport)
        guest.data_received(_plain(data, head.size))

    def _successor(self, head: RequestHead) -> Successor | None:
        if head.method in ("PUT", "SOURCE"):
            return self._rooms.source()
        address = address_of(head.path) if head.method in LISTENING else None
        return self._rooms.listener(address) if address is not None else None

    def _refuse(self, status: int, code: str, text: str, retry_after: float | None = None) -> None:
        assert self._transport is not None  # noqa: S101 - all callers hold one
        self._transport.write(refusal_bytes(status, code, text, retry_after))
        self._transport.close()


class Guest(asyncio.Protocol):
    """A connection that aiohttp serves: passes every call on, and counts it out at the end."""

    def __init__(self, host: asyncio.Protocol, keeper: Doorkeeper) -> None:
        self._host = host
        self._keeper = keeper

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._host.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._host.data_received(data)

    def eof_received(self) -> bool | None:
        return self._host.eof_received()

    def pause_writing(self) -> None:
        self._host.pause_writing()

    def resume_writing(self) -> None:
        self._host.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connection_lost(exc)
        self._keeper.left()


def _check_edges(head: RequestHead) -> None:
    """Raises TalasError where the head asks for another HTTP than ours; ICE/1.0 is HTTP/1.0."""
    major, minor = head.version.rpartition("/")[2].split(".")
    problem = edges.problem((int(major), int(minor)), head.headers.get("expect"))
    if problem is not None:
        raise problem


def _plain(data: bytes, size: int) -> bytes:
    """`data`, whose head has so many bytes, with a request line in ASCII and with CRLF at the end
    of each line: encoders send titles as they are and end lines as they please, and aiohttp
    refuses both."""
    first, *fields = (line.rstrip(b"\r") for line in data[:size].strip(b"\r\n").split(b"\n"))
    line = b"".join(b"%%%02X" % c if c >= 0x80 else bytes((c,)) for c in first)
    return b"\r\n".join([line, *fields, b"", data[size:]])
