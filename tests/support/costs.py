"""What a source costs the stream service: its work and memory for each second of the clock.

Does:        run the real source protocol, station on a loop whose time is arithmetic;
             count what they do while a source sends all it can.
Guarantees:  the same bytes give the same figures on every machine, however loaded: work is counted
             in calls and bytes looked at, never in processor time.
"""

from __future__ import annotations

import asyncio
import datetime
import selectors
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from support.parts import Parts, Transport
from support.stage import KERNELS, Hearer
from support.stream import auth, head, record
from talas_core.errors import Unavailable
from talas_core.messages import RENDITIONS
from talas_stream.codec.job import LinkedJob
from talas_stream.ingest.icecast import IcecastSource
from talas_stream.kernels import Kernels
from talas_stream.media import LADDER
from talas_stream.output.delivery import Delivery, wire_of
from talas_stream.station.station import Station
from talas_stream.wire import flac_crc
from talas_stream.wire.request import parse_head

LEAD = 2.0
LINE = 12_500_000
"""Bytes a second that the source's line carries."""

MOST_CALLS = 5_000_000
"""Where to stop counting: ten times what three seconds of the dearest honest source take."""

BYTES_A_CALL = 250
"""To look at so many bytes in a kernel counts as a call: it takes about as long."""


class Cost(msgspec.Struct):
    """`work` in calls for each second of the clock, the lead counted as such; `turn` in calls
    between two moments that the loop is free; `kept` in bytes at the worst moment; `media` is the
    audio taken in seconds; `refused` why the source was, if it was."""

    work: float
    turn: int
    kept: int
    media: float
    refused: str


class Meter:
    """Counts calls while it runs."""

    def __init__(self) -> None:
        self.calls = 0
        self.most = 0

    def run(self, step: Callable[[], object]) -> None:
        """Do one step, which is one turn of the loop."""
        before = self.calls
        sys.setprofile(self._count)
        try:
            step()
        finally:
            sys.setprofile(None)
        self.most = max(self.most, self.calls - before)

    def looked_at(self, size: int) -> None:
        """So many bytes were given to a kernel."""
        self.calls += size // BYTES_A_CALL

    def _count(self, frame: object, event: str, argument: object) -> None:
        if event in {"call", "c_call"}:
            self.calls += 1

    def kernels(self) -> Kernels:
        """The native kernels where they are built, with what they look at counted."""

        def counted(kernel: Callable[..., Any]) -> Callable[..., Any]:
            def call(data: bytes, *rest: Any) -> Any:
                self.looked_at(len(data))
                return kernel(data, *rest)

            return call

        names = ("mpeg_scan", "adts_scan", "ogg_scan", "flac_crc16")
        flac_crc.Crc16Marks().after(b"12")  # its table is made once, and that is not counted
        changed = {name: counted(getattr(KERNELS, name)) for name in names}
        return msgspec.structs.replace(KERNELS, **changed)


class _Waits(selectors.SelectSelector):
    """Nobody waits: the clock is put on instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        return self._waits.now


class _Clock:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.monotonic = loop.time

    def now(self) -> Any:
        return datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


class _Socket:
    def setsockopt(self, *_: object) -> None:
        pass


class _Link:
    """A codec worker that takes every order and makes nothing."""

    full = False

    def submit(self, order: object) -> None:
        pass


class _Codecs:
    metering = True
    full = False

    def job(self, history_ticks: int, deliver: Any, done: Any) -> LinkedJob:
        return LinkedJob(_Link(), 1, deliver, done)


def cost_of(reads: Iterator[bytes], seconds: float = 3.0, *, chunked: bool = False) -> Cost:
    """What a source costs that sends these reads as fast as it may, for so long by the clock."""
    loop = _Loop()
    try:
        return loop.run_until_complete(_cost(reads, seconds, chunked))
    finally:
        loop.close()


async def _cost(reads: Iterator[bytes], seconds: float, chunked: bool) -> Cost:
    loop, meter = asyncio.get_running_loop(), Meter()
    parts = await Parts(
        _Clock(loop), known=record("live", renditions=RENDITIONS), kernels=meter.kernels(),
        codecs=_Codecs(), source_lead_seconds=LEAD,
    ).start()  # fmt: skip

    class Counted(IcecastSource):
        def data_received(self, data: bytes) -> None:
            meter.run(lambda: super(Counted, self).data_received(data))

        def _unhold(self) -> None:
            meter.run(super()._unhold)

    source, transport = Counted(parts.sources), Transport(_Socket())
    fields = ["PUT /live HTTP/1.1", auth()] + ["Transfer-Encoding: chunked"] * chunked
    request = parse_head(head("\n".join(fields)))
    assert request is not None
    source.take(transport, request, b"")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    station, kept, looked_at = parts.station, 0, -1.0
    while loop.time() < seconds and not transport.closed and meter.calls < MOST_CALLS:
        if transport.paused:
            await asyncio.sleep(0.001)
        else:
            data = next(reads, b"")
            if not data:
                break
            source.data_received(data)
            await asyncio.sleep(len(data) / LINE)
        if loop.time() - looked_at > 0.5:
            looked_at = loop.time()
            kept = max(kept, size_of(source) + size_of(station))
            _listen(station)
    kept = max(kept, size_of(source) + size_of(station))
    media = station.outputs.end_at / 48_000 if station.audible else 0.0
    refused = transport.written.decode() if transport.closed else ""
    return Cost(meter.calls / (loop.time() + LEAD), meter.most, kept, media, refused)


def _listen(station: Station) -> None:
    """A listener of what the source sends itself, and one of what is encoded."""
    if station.on_air and not station.count.listeners:
        for name in ("opus", "mp3"):
            delivery = Delivery(wire_of(LADDER[name].codec, titled=False))
            try:
                station.join(Hearer(), LADDER[name], delivery, lambda _: None)
            except Unavailable:
                return


_PLAIN = (bytes, bytearray, int, float, str)
_MANY = (list, tuple, set, frozenset, deque)


def size_of(root: object) -> int:
    """Bytes that `root` keeps alive of what a source sent, and the objects around it."""
    total, seen, stack = 0, set[int](), [root]
    while stack:
        thing = stack.pop()
        if id(thing) in seen or thing is None or isinstance(thing, (bool, Kernels, type)):
            continue
        seen.add(id(thing))
        if isinstance(thing, _PLAIN):
            total += sys.getsizeof(thing)
        elif isinstance(thing, _MANY):
            total += sys.getsizeof(thing)
            stack += thing
        elif isinstance(thing, dict):
            total += sys.getsizeof(thing)
            stack += [*thing.keys(), *thing.values()]
        elif type(thing).__module__.startswith("talas_stream"):
            total += sys.getsizeof(thing)
            fields = getattr(thing, "__struct_fields__", ())
            stack += [getattr(thing, field) for field in fields]
            stack += vars(thing).values() if hasattr(thing, "__dict__") else ()
    return total
