"""An Icecast source: PUT or SOURCE /slug, Basic auth, an endless body.

Does:        check station, key and Content-Type; claim the station; hand it the frames of what
             comes; hold back a source that runs ahead of real time, or is charged more than that.
Never:       buffers more than one read of a source that is ahead, or READ_ON_BYTES of it when
             another comes; works on for more than a turn while others wait; lets a bad source
             change the station it failed to get.
Guarantees:  a source that has ended, was reset, or is silent while we leave it room, keeps its
             station only until another comes; what it sent ahead is heard until then. Every way in
             or out is answered in the words its client waits for:

    PUT, Expect: 100-continue    100 at once, 200 at the end          (ffmpeg, libshout, curl)
    PUT                          200 at the end
    SOURCE                       200 at once, nothing more            (ffmpeg legacy_icecast, butt)
    a head and no more           411               (what a proxy of HTTP leaves of any of the three)

From / to:   front_door.py  ->  here  ->  station.py
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import msgspec

from talas_core.clock import Clock
from talas_core.errors import TalasError, Unauthorized, UnsupportedMedia
from talas_core.messages import StationRecord
from talas_core.telemetry.logs import logger
from talas_stream.door.answers import CHALLENGE, Header, head, refusal_bytes
from talas_stream.door.front_door import Doorkeeper, Successor
from talas_stream.door.watch import ConnectionWatch
from talas_stream.ingest import sockets
from talas_stream.ingest.admission import Admission
from talas_stream.ingest.body import Body, NoAudio, body_of, endless
from talas_stream.ingest.credentials import clean, source_info
from talas_stream.ingest.intake import Intake
from talas_stream.ingest.pace import Lead
from talas_stream.ingest.reader import SENDABLE, SourceReader
from talas_stream.kernels import Kernels
from talas_stream.media import Frame
from talas_stream.station.station import Station
from talas_stream.station.titles import DASH
from talas_stream.wire.request import RequestHead

TURN_SECONDS = 0.02
"""Charge (see ingest.charge) after which a source leaves the loop to the others: a few milliseconds
of work, or a third of a second of ordinary audio."""

LINGER_SECONDS = 2.0
"""How long a source that was refused may go on sending before it is cut."""

RECEIVE_BYTES = 128 * 1024
"""What the kernel may take for us of a source that is ahead. Without a bound it is megabytes, and a
source that vanished would hold its station until they are played out."""

ROOM_BYTES = 16 * 1024
"""Bytes unread from which on a source's silence may be our doing: it may wait for room here."""

READ_ON_BYTES = 4 << 20
"""What is read of a source ahead of its time when another comes: as much as the kernels between us
hold of one that has ended."""
READ_ON_SECONDS = 1.0
"""How long another may have to wait for that."""
_READ_ON_STEP = 0.02

log = logger("source")


class SourceParts(msgspec.Struct, frozen=True):
    """What the sources of this server share."""

    clock: Clock
    kernels: Kernels
    keeper: Doorkeeper
    watch: ConnectionWatch
    admission: Admission
    lead: Lead


class IcecastSource(Successor):
    """One source's connection."""

    def __init__(self, parts: SourceParts) -> None:
        self._parts = parts
        self._transport: asyncio.Transport
        self._socket: socket.socket
        self._head: RequestHead
        self._record: StationRecord
        self._station: Station | None = None
        self._intake: Intake
        self._rest = b""
        self._tags: Mapping[str, str] = {}
        self._held: asyncio.TimerHandle | None = None
        self._admission: asyncio.Task[None] | None = None
        self._complete = False
        self._ended = False
        self._lost = False
        self._silent = False
        self._may_come_back = True
        self._arrived = 0
        self._read = 0
        self.heard_at = parts.clock.monotonic()

    @property
    def record(self) -> StationRecord:
        """The station it was let in to, as it was then."""
        return self._record

    @property
    def waits_for_us(self) -> bool:
        """Whether we are not done with what it sent: we are admitting it or holding it back."""
        return self._station is None or self._held is not None

    @property
    def has_gone(self) -> bool:
        """Whether nobody is behind it any more, though what it sent is still heard."""
        return self._complete or self._silent or sockets.has_left(self._socket)

    @property
    def damage(self) -> dict[str, int]:
        """What was wrong with what it sent, counted by name (see ingest.reader)."""
        return self._intake.reader.damage

    @property
    def bytes_read(self) -> int:
        """Bytes of its body that were taken so far."""
        return self._intake.bytes_read

    def take(self, transport: asyncio.Transport, head: RequestHead, rest: bytes) -> None:
        """Begin, with the request's head and what followed it."""
        self._transport = transport
        self._head = head
        self._rest = rest
        transport.pause_reading()
        self._socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._admission = asyncio.get_running_loop().create_task(self._admit())

    async def read_on(self) -> None:
        """Read what it has sent, ahead of its time, until its end shows or READ_ON_BYTES wait: the
        end of a source that is held back stands behind all that it sent."""
        loop = asyncio.get_running_loop()
        until = loop.time() + READ_ON_SECONDS
        try:
            while self._ahead and not self.has_gone and loop.time() < until:
                if self._intake.waiting_bytes >= READ_ON_BYTES:
                    break
                self._transport.resume_reading()
                await asyncio.sleep(_READ_ON_STEP)
        finally:
            if self._ahead and not self._transport.is_closing():
                self._transport.pause_reading()

    @property
    def _ahead(self) -> bool:
        """Whether it is held back, and was not refused meanwhile."""
        return self._held is not None and not self._ended

    def look(self) -> None:
        """See whether anything has arrived since the last look that we have not read: then it was
        heard now. So it was where we leave it no room to send."""
        unread = 0 if self._lost else sockets.unread_bytes(self._socket)
        arrived = self._read + unread
        if unread >= ROOM_BYTES or (unread and arrived > self._arrived):
            self.heard_at = self._parts.clock.monotonic()
            self._silent = False
        self._arrived = arrived

    def fall_silent(self, seconds: float) -> None:
        """Nothing has come for so long: cut it off, or when all that it sent has been heard."""
        if self.waits_for_us:
            self._silent = True
        else:
            self.close(f"silent for {seconds:.0f} s")

    def close(self, reason: str) -> None:
        """Cut the source off."""
        self._log("source cut", reason=reason)
        self._finish()

    def expel(self, error: TalasError) -> None:
        """It may not send any longer: refuse it, late. With another key it may come back."""
        if not self._ended:
            self._may_come_back = isinstance(error, Unauthorized)
            self._refuse(error)

    def data_received(self, data: bytes) -> None:
        self.heard_at = now = self._parts.clock.monotonic()
        self._silent = False
        self._read += len(data)
        if not self._ended:
            self._intake.put(data)
            if self._ahead and self._intake.waiting_bytes >= READ_ON_BYTES:
                self._transport.pause_reading()
            self._pump(now)

    def eof_received(self) -> bool:
        """The client has sent all. What is still held back is played out first."""
        self._complete = True
        self._pump(self._parts.clock.monotonic())
        return not self._ended

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone, or was reset. What is still held back is played out all the same."""
        self._lost = self._complete = True
        self._parts.keeper.left()
        if self._admission is not None:
            self._admission.cancel()
        if self._ended or self._held is None:
            self._leave()

    async def _admit(self) -> None:
        try:
            address = self._parts.keeper.address(self._transport, self._head)
            self._record, station = await self._parts.admission.check(self._head, address)
            body = body_of(self._head)
            if station.source is not None:
                await station.source.read_on()
            station.claim(self, source_info(self._head, address))
            self._enter(station, body)
        except TalasError as error:
            self._refuse(error)
        except Exception:
            log.exception("admission failed")
            self._refuse(TalasError("something went wrong on our side"))

    def _enter(self, station: Station, body: Body) -> None:
        """Begin with a station that was claimed. Whatever fails, it is released."""
        parts = self._parts
        try:
            paces = parts.lead.for_audio(station), parts.lead.for_charge(station)
            self._intake = Intake(body, SourceReader(parts.kernels), *paces)
            wait = parts.lead.wait(station, parts.clock.monotonic())
        except Exception:
            station.release(self)
            raise
        self._station = station
        self._intake.put(self._rest)
        parts.watch.enter(self)
        self._log("source connected", agent=station.info.user_agent, method=self._head.method)
        self.heard_at = now = parts.clock.monotonic()
        self._welcome()
        if wait > 0:
            # Else whoever comes again and again would be heard a slice further ahead each time.
            self._hold(wait)
            return
        self._transport.resume_reading()
        self._pump(now)

    def _welcome(self) -> None:
        if self._head.method == "SOURCE":
            self._transport.write(b"HTTP/1.0 200 OK\r\n\r\n")
        elif "100-continue" in self._head.headers.get("expect", "").lower():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _pump(self, now: float) -> None:
        """Take what was read, as far as the pace and the turn allow at time `now`."""
        if self._held is not None or self._station is None:
            return
        intake = self._intake
        turn_ends = intake.account.charge + TURN_SECONDS
        try:
            while intake.waits:
                self._take(intake.take(now))
                if self._ended:
                    return
                wait = intake.hold(now)
                if wait > 0 or (intake.waits and intake.account.charge > turn_ends):
                    self._hold(wait)
                    return
        except TalasError as error:
            self._refuse(error)
            return
        self._complete = self._complete or intake.body.done
        if self._complete:
            self._finish()

    def _take(self, frames: list[Frame]) -> None:
        assert self._station is not None  # noqa: S101 - all callers have looked
        if frames:
            if self._intake.reader.tags is not self._tags:
                self._retitle(self._intake.reader.tags)
            self._station.accept(frames)

    def _retitle(self, tags: Mapping[str, str]) -> None:
        """A stream that tells what it plays, as Ogg does: another title with each link."""
        self._tags = tags
        artist, title = clean(tags.get("ARTIST", "")), clean(tags.get("TITLE", ""))
        if self._station is not None and title:
            self._station.retitle(clean(DASH.join(filter(None, (artist, title)))), artist)

    def _hold(self, seconds: float) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()
        self._held = asyncio.get_running_loop().call_later(seconds, self._unhold)

    def _unhold(self) -> None:
        self._held = None
        self._pump(self._parts.clock.monotonic())
        if self._held is None and not self._ended and not self._lost:
            self._transport.resume_reading()

    def _finish(self) -> None:
        """The end of the body, or of our patience: play out what is complete, say goodbye."""
        if self._station is not None:
            try:
                self._take(self._intake.flush())
                taken = not self._intake.waits
                if taken and not self._intake.bytes_read and endless(self._head):
                    raise NoAudio
                if taken and self._complete and not self._intake.account.media:
                    raise UnsupportedMedia(f"there was no audio frame in it: send {SENDABLE}")
            except TalasError as error:
                self._refuse(error)
                return
            if self._head.method == "PUT" and not self._lost:
                self._transport.write(head(200, [("Content-Length", "0")]))
        self._end()

    def _refuse(self, error: TalasError) -> None:
        if not self._lost and (self._station is None or self._head.method == "PUT"):
            extra: list[Header] = [CHALLENGE] if isinstance(error, Unauthorized) else []
            wait = getattr(error, "retry_after", None)
            self._transport.write(refusal_bytes(error.status, error.code, str(error), wait, extra))
        self._log("source refused", reason=str(error))
        self._leave()
        if self._complete or self._transport.is_closing():
            self._transport.close()
            return
        # It is still sending. To close now would reset the connection, and our answer with it.
        with contextlib.suppress(OSError):  # it has reset the connection itself
            self._transport.write_eof()
        self._transport.resume_reading()
        self._held = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)

    def _end(self) -> None:
        self._leave()
        self._transport.close()

    def _leave(self) -> None:
        self._ended = True
        if self._held is not None:
            self._held.cancel()
            self._held = None
        self._release()

    def _release(self) -> None:
        if self._station is not None:
            station, self._station = self._station, None
            station.release(self, hold=self._may_come_back)
            self._parts.watch.leave(self)
            seconds = round(self._intake.account.media, 1)
            log.info("source left", station=station.record.slug, seconds=seconds, **self.damage)

    def _log(self, event: str, **facts: object) -> None:
        log.info(event, path=self._head.path, **facts)
