"""A listener over plain HTTP: GET /slug.mp3, another rendition's name or none, an endless body.

`?latency=low` asks for every packet at once and a short start; without it writes are merged, which
is what makes listeners cheap. A range from the start, as Safari asks for before it plays, is 206,
unless titles are asked for.

Does:        find the station, answer, join the feed; fall behind and catch up as the socket allows.
Never:       waits for the listener, or copies bytes for it while it keeps up.
Guarantees:  off the air, or no place left, is 503 with Retry-After, an unknown station 404, and so
             is a rendition that it is not offered in; one that it was keeps who listens already.
             A request that only looks is no listener until it has stayed for LOOK_SECONDS.
             Who reads nothing for too long is cut and counted. The end of the source ends the body,
             once it is certain that none comes back (TALAS_HOLD_SECONDS).
From / to:   front_door.py  ->  here  <-  feed.py
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

import msgspec

from talas_core.clock import Clock
from talas_core.errors import NotFound, TalasError
from talas_core.messages import StationRecord
from talas_core.telemetry.logs import logger
from talas_stream.door.address import Address
from talas_stream.door.audience import Audience
from talas_stream.door.capacity import Capacity
from talas_stream.door.front_door import Doorkeeper, Successor
from talas_stream.door.watch import ConnectionWatch
from talas_stream.egress import answers
from talas_stream.egress.gather import ENOUGH_BYTES, Gather
from talas_stream.egress.life import LIFE, SEATED, Event, State
from talas_stream.egress.wish import Wish, wish
from talas_stream.media import LADDER, TITLED, Rendition
from talas_stream.output.fanout import NO_SOCKET
from talas_stream.output.feed import Feed
from talas_stream.output.output import Output
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station
from talas_stream.wire.request import RequestHead

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER switched on, for no time: a close discards what was not sent."""

BURSTS_WAITING = 2
"""Of its bursts, what may wait for a listener before it is behind."""

LOOK_SECONDS = 2.0
"""How long a request for the first bytes may stay without counting as a listener: a phone that
plays has asked again by then, by another connection."""

log = logger("listener")


class ListenerParts(msgspec.Struct, frozen=True):
    """What the listeners of this server share."""

    clock: Clock
    keeper: Doorkeeper
    watch: ConnectionWatch
    directory: Directory
    registry: Registry
    capacity: Capacity
    audience: Audience


class HttpListener(Successor):
    """One listener's connection, which stands at `state`."""

    def __init__(self, parts: ListenerParts, address: Address) -> None:
        self._parts = parts
        self.state = State.ASKING
        self._asked = address
        self._slug = address.slug
        self._transport: asyncio.Transport
        self._head: RequestHead
        self._search: asyncio.Task[None] | None = None
        self._address = ""
        self._station: Station
        self._wish = Wish()
        self._left_bytes = 0
        self._gather: Gather | None = None
        self._looks: asyncio.TimerHandle | None = None
        self._output: Output | None = None
        self._feed: Feed | None = None

    def take(self, transport: asyncio.Transport, head: RequestHead, rest: bytes) -> None:
        """Begin. What followed the head of a GET is nobody's."""
        self._transport = transport
        self._head = head
        if head.method == "OPTIONS":
            self._tell(answers.preflight())
            return
        try:
            self._slug = self._slug or self._parts.registry.default_slug()
        except TalasError as error:
            self._refuse(error)
            return
        record = self._parts.directory.remembered(self._slug)
        if record is not None:
            self._serve(record)
        else:
            self._search = asyncio.get_running_loop().create_task(self._find())

    @property
    def write(self) -> Callable[[bytes], object]:
        """Takes the feed's bytes: the transport's own method, for it is called for every write."""
        if self._gather is not None and self._gather.holds:
            return self._gather.write
        return self._transport.write if self._wish.probe is None else self._write_probe

    @property
    def idle_socket(self) -> int:
        """Where the feed's bytes may go directly. uvloop and asyncio try to send what is written at
        once, so a transport that holds nothing back has no bytes that these could overtake. Both
        close a socket only after `connection_lost`, where it leaves the feed."""
        transport = self._transport
        if transport.get_write_buffer_size() or transport.is_closing() or self._wish.probe:
            return NO_SOCKET
        if self._gather is not None and self._gather.holds:
            return NO_SOCKET
        number: int = transport.get_extra_info("socket").fileno()
        return number

    @property
    def backlog(self) -> int:
        """Bytes written that it has not taken."""
        return self._transport.get_write_buffer_size()

    def end(self) -> None:
        """The source has gone: close when all is sent, or cut if it does not take it."""
        self._step(Event.END)
        if self._gather is not None:
            self._gather.release()
        self._parts.watch.stalled(self)
        self._transport.close()

    def fall_behind(self) -> None:
        """It has taken nothing for too long."""
        self._parts.audience.too_slow(self)
        self.cut()

    def cut(self) -> None:
        """It reads nothing: drop the connection and what waits in it, the kernel's share too."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """A listener has nothing more to say."""

    def pause_writing(self) -> None:
        self._step(Event.FILL)
        self._parts.watch.stalled(self)
        if self._feed is not None:
            self._feed.pause(self)

    def resume_writing(self) -> None:
        self._step(Event.DRAIN)
        if self.state is not State.ENDING:
            self._parts.watch.moving(self)
        if self._feed is not None:
            self._feed.resume(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._search is not None:
            self._search.cancel()
        seated = self.state in SEATED
        self._step(Event.LOSE)
        if seated:
            self._leave()
        self._parts.keeper.left()

    def _leave(self) -> None:
        """Give its place back."""
        if self._feed is not None:
            self._feed.leave(self)
        elif self._output is not None:
            self._output.forget(self)
        if self._looks is not None:
            self._looks.cancel()
        if self._gather is not None:
            self._gather.stop()
        self._station.count.left(self)
        self._parts.capacity.dismiss(self._slug, self._address)
        self._parts.audience.leave(self)
        self._parts.watch.moving(self)

    async def _find(self) -> None:
        try:
            record = await self._parts.directory.find(self._slug)
            if record is None:
                raise self._unknown()
        except TalasError as error:
            self._refuse(error)
        except Exception:
            log.exception("search failed")
            self._refuse(TalasError("something went wrong on our side"))
        else:
            self._serve(record)

    def _serve(self, record: StationRecord) -> None:
        if self.state is State.DONE:  # a library may lose our cancelling
            return
        station = self._station = self._parts.registry.station(record)
        try:
            rendition = self._chosen(station)
            asked = self._wish = wish(self._head, rendition)
            said = answers.welcome(station, rendition, asked)
            station.outputs.admit(rendition)
            if self._head.method == "HEAD":
                self._tell(said)
                return
            self._enter()
        except TalasError as error:
            self._refuse(error)
            return
        self._transport.write(said)
        self._left_bytes = asked.probe or 0
        burst = self._parts.registry.sizes.of(rendition, asked.delivery.profile).burst
        self._transport.set_write_buffer_limits(high=BURSTS_WAITING * burst)
        if asked.blocks:
            self._gather = Gather(self._transport.write, min(ENOUGH_BYTES, burst))
        if asked.looks:
            station.count.looks(self)
            loop = asyncio.get_running_loop()
            self._looks = loop.call_later(LOOK_SECONDS, self._stays)
        else:
            self._seat()
        self._output = station.join(self, rendition, asked.delivery, self._joined)

    def _enter(self) -> None:
        """Take a place. Raises Unavailable where there is none."""
        self._address = self._parts.keeper.address(self._transport, self._head)
        self._parts.capacity.admit(self._slug, self._address)
        self._step(Event.ADMIT)

    def _seat(self) -> None:
        agent = self._head.headers.get("user-agent", "")
        now = self._parts.clock.monotonic()
        self._parts.audience.enter(self, self._slug, now, agent, self._address)

    def _stays(self) -> None:
        """It asked for the first bytes, and goes on taking all that comes."""
        if self._wish.probe is None and self._station.count.stays(self):
            self._seat()

    def _chosen(self, station: Station) -> Rendition:
        """What was asked for. Raises NotFound where the station is closed, or not offered in it."""
        if station.record.closed:
            raise self._unknown()
        name, offer = self._asked.name, station.offer
        if name:
            chosen = LADDER.get(name)
        else:
            titled = offer.shown.codec in TITLED or not self._asked.shoutcast
            chosen = offer.shown if titled else offer.usual
        if chosen is None or chosen not in offer.renditions:
            has = ", ".join(f"/{self._slug}.{offered.name}" for offered in offer.renditions)
            raise NotFound(f"{self._slug} has no .{name}, it has {has}")
        return chosen

    def _unknown(self) -> NotFound:
        return NotFound(f"there is no station {self._slug!r}; / lists those on the air")

    def _joined(self, feed: Feed) -> None:
        self._feed = feed
        if self.state is State.FULL:
            feed.pause(self)

    def _write_probe(self, data: bytes) -> None:
        """The first bytes, up to as many as were asked for; then the answer is complete."""
        piece = data[: self._left_bytes]
        self._left_bytes -= len(piece)
        if piece:
            self._transport.write(piece)
        if not self._left_bytes:
            self._transport.close()

    def _refuse(self, error: TalasError) -> None:
        self._tell(answers.refusal(self._head, error))

    def _tell(self, said: bytes) -> None:
        """All that it will be told; if it has gone meanwhile, nothing."""
        if self.state is State.ASKING:
            self._step(Event.ANSWER)
            self._transport.write(said)
            self._transport.close()

    def _step(self, event: Event) -> None:
        self.state = LIFE[self.state, event]
