"""An Icecast source: PUT or SOURCE /slug, Basic auth, an endless body.

Does:        have it admitted; claim the station; hand it the frames of what comes; hold back a
             source that runs ahead of real time, or is charged more than that.
Never:       buffers more than one read of a source that is ahead, or READ_ON_BYTES of it when
             another comes; works on for more than a turn while others wait; lets a bad source
             change the station it failed to get.
Guarantees:  a source that has ended, was reset, or is silent while we leave it room, keeps its
             station only until another comes; what it sent ahead is heard until then. Where it
             stands is one word of life.py, and what it is answered is in answers.py.
From / to:   front_door.py  ->  here  ->  station.py
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from talas_core.errors import TalasError, Unauthorized, UnsupportedMedia
from talas_core.messages import StationRecord
from talas_core.telemetry.logs import logger
from talas_stream.door.front_door import Successor
from talas_stream.ingest import answers
from talas_stream.ingest.body import Body, NoAudio, body_of, endless
from talas_stream.ingest.credentials import source_info, title_of
from talas_stream.ingest.intake import Intake
from talas_stream.ingest.life import HOLDING, LIFE, SENDING, Event, State
from talas_stream.ingest.parts import SourceParts
from talas_stream.ingest.read_on import READ_ON_BYTES, read_on
from talas_stream.ingest.reader import SENDABLE
from talas_stream.ingest.sockets import Unread
from talas_stream.media import Frame
from talas_stream.station.station import Station
from talas_stream.wire.request import RequestHead

TURN_SECONDS = 0.02
"""Charge (see ingest.charge) after which a source leaves the loop to the others: a few milliseconds
of work, or a third of a second of ordinary audio."""

LINGER_SECONDS = 2.0
"""How long a source that was refused may go on sending before it is cut."""

log = logger("source")


class IcecastSource(Successor):
    """One source's connection, which stands at `state`. `record` is the station that it was let in
    to, as it was then; `heard_at` is when anything came of it last, in seconds on the monotonic
    clock."""

    def __init__(self, parts: SourceParts) -> None:
        self._parts = parts
        self.state = State.ASKING
        self._transport: asyncio.Transport
        self._unread: Unread
        self._head: RequestHead
        self.record: StationRecord
        self._station: Station
        self._intake: Intake
        self._admission: asyncio.Task[None]
        self._rest = b""
        self._tags: Mapping[str, str] = {}
        # Until it is held back no longer; or, once it was refused, until it is cut.
        self._timer: asyncio.TimerHandle | None = None
        self.heard_at = parts.clock.monotonic()

    @property
    def has_gone(self) -> bool:
        """Whether nobody is behind it any more, though what it sent is still heard."""
        return self.state is not State.LIVE or self._unread.is_last()

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
        self._admission = asyncio.get_running_loop().create_task(self._admit())
        self._unread = Unread(transport.get_extra_info("socket"))

    async def read_on(self) -> None:
        """See whether it has ended, though it is held back."""
        if self._ahead():
            await read_on(self._transport, self._intake, self._ahead, lambda: self.has_gone)

    def _ahead(self) -> bool:
        """Whether more may come of it, and it is held back."""
        return self._timer is not None and self.state in SENDING

    def look(self) -> None:
        """See whether anything has arrived that we have not read: then it was heard now."""
        if self.state in SENDING and self._unread.has_grown(self._intake.bytes_arrived):
            self.heard_at = self._parts.clock.monotonic()
            if self.state is State.SILENT:
                self._step(Event.HEARD)

    def fall_silent(self, seconds: float) -> None:
        """Nothing has come for so long: cut it off, or when all that it sent has been heard."""
        if self._timer is not None:
            self._step(Event.SILENCE)
        else:
            self.close(f"silent for {seconds:.0f} s")

    def close(self, reason: str) -> None:
        """Cut the source off."""
        log.info("source cut", path=self._head.path, reason=reason)
        self._finish()

    def expel(self, error: TalasError) -> None:
        """It may not send any longer: refuse it, late. With another key it may come back."""
        if self.state in HOLDING:
            self._refuse(error, hold=isinstance(error, Unauthorized))

    def data_received(self, data: bytes) -> None:
        self.heard_at = now = self._parts.clock.monotonic()
        if self.state is State.SILENT:
            self._step(Event.HEARD)
        if self.state is State.LIVE:
            self._intake.put(data)
            if self._ahead() and self._intake.waiting_bytes >= READ_ON_BYTES:
                self._transport.pause_reading()
            self._pump(now)

    def eof_received(self) -> bool:
        """The client has sent all. What is still held back is played out first."""
        self._step(Event.END)
        self._pump(self._parts.clock.monotonic())
        return self.state in HOLDING

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone, or was reset. What is still held back is played out all the same."""
        self._parts.keeper.left()
        self._admission.cancel()
        if self.state not in HOLDING:
            self._let_go(Event.LOSE)
        elif self._timer is not None:
            self._step(Event.LOSE)
        else:
            self._let_go(Event.LEAVE)

    async def _admit(self) -> None:
        try:
            address = self._parts.keeper.address(self._transport, self._head)
            self.record, station = await self._parts.admission.check(self._head, address)
            body = body_of(self._head)
            if station.source is not None:
                await station.source.read_on()
            if self.state is State.GONE:  # a library may lose our cancelling
                return
            station.claim(self, source_info(self._head, address))
            self._enter(station, body)
        except TalasError as error:
            self._refuse(error)
        except Exception:
            log.exception("admission failed")
            self._refuse(TalasError("something went wrong on our side"))

    def _enter(self, station: Station, body: Body) -> None:
        """Begin with a station that was claimed. Whatever fails, it is released."""
        try:
            self._intake, wait = self._parts.intake(station, body)
        except Exception:
            station.release(self)
            raise
        self._station = station
        self._step(Event.ADMIT)
        self._intake.put(self._rest)
        self._parts.watch.enter(self)
        head, agent = self._head, station.info.user_agent
        log.info("source connected", path=head.path, agent=agent, method=head.method)
        self.heard_at = now = self._parts.clock.monotonic()
        self._say(answers.welcome(head))
        if wait > 0:
            # Else a source that connects again and again would be a slice further ahead each time.
            self._hold(wait)
            return
        self._transport.resume_reading()
        self._pump(now)

    def _pump(self, now: float) -> None:
        """Take what was read, as far as the pace and the turn allow at time `now`."""
        if self._timer is not None or self.state not in HOLDING:
            return
        intake = self._intake
        turn_ends = intake.account.charge + TURN_SECONDS
        try:
            while intake.waits:
                self._take(intake.take(now))
                if self.state not in HOLDING:
                    return
                wait = intake.hold(now)
                if wait > 0 or (intake.waits and intake.account.charge > turn_ends):
                    self._hold(wait)
                    return
        except TalasError as error:
            self._refuse(error)
            return
        if intake.body.done and self.state in SENDING:
            self._step(Event.END)
        if self.state not in SENDING:
            self._finish()

    def _take(self, frames: list[Frame]) -> None:
        if frames:
            tags = self._intake.reader.tags
            if tags is not self._tags:
                # A stream that tells what it plays, as Ogg does: another title with each link.
                self._tags = tags
                title, artist = title_of(tags)
                if title:
                    self._station.retitle(title, artist)
            self._station.accept(frames)

    def _hold(self, seconds: float) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._unhold)

    def _unhold(self) -> None:
        self._timer = None
        self._pump(self._parts.clock.monotonic())
        if self._timer is None and self.state in SENDING:
            self._transport.resume_reading()

    def _finish(self) -> None:
        """The end of the body, or of our patience: play out what is complete, say goodbye."""
        try:
            self._take(self._intake.flush())
            self._check()
        except TalasError as error:
            self._refuse(error)
            return
        self._say(answers.goodbye(self._head))
        self._let_go(Event.LEAVE)
        self._transport.close()

    def _check(self) -> None:
        """Raises TalasError where all that was sent had nothing to hear."""
        if self._intake.waits:
            return
        if not self._intake.bytes_read and endless(self._head):
            raise NoAudio
        if self.state not in SENDING and not self._intake.account.media:
            raise UnsupportedMedia(f"there was no audio frame in it: send {SENDABLE}")

    def _refuse(self, error: TalasError, *, hold: bool = True) -> None:
        """Say why it may not send, or no longer; without `hold` nobody waits for it."""
        if (self.state, Event.REFUSE) not in LIFE:  # it has gone meanwhile
            return
        admitted = self.state is not State.ASKING
        self._say(answers.refusal(self._head, error, admitted=admitted))
        self._parts.refusals.tell(self._head.path, str(error), admitted=admitted)
        self._let_go(Event.REFUSE, hold=hold)
        if self.state is State.GONE or self._transport.is_closing():
            self._transport.close()
            return
        # It is still sending. To close now would reset the connection, and our answer with it.
        with contextlib.suppress(OSError):  # it has reset the connection itself
            self._transport.write_eof()
        self._transport.resume_reading()
        self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)

    def _let_go(self, event: Event, *, hold: bool = True) -> None:
        """What happens now leaves it without a station."""
        held = self.state in HOLDING
        self._step(event)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if held:
            self._station.release(self, hold=hold)
            self._parts.watch.leave(self)
            seconds = round(self._intake.account.media, 1)
            log.info("source left", station=self._station.record.slug, seconds=seconds,
                     **self.damage)  # fmt: skip

    def _say(self, answer: bytes) -> None:
        if answer and self.state is not State.LOST:
            self._transport.write(answer)

    def _step(self, event: Event) -> None:
        self.state = LIFE[self.state, event]
