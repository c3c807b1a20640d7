"""What sources and listeners share, put together without a socket or a service.

Does:        make the parts that `compose.py` makes, on any clock, with a station from memory.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.stage import KERNELS, RecordedCodecs
from support.stream import FakeApi, Told, record, stream_settings
from talas_core.clock import Clock
from talas_core.messages import StationRecord
from talas_core.web.host import Hosts
from talas_core.web.peer import Proxies
from talas_stream.door.audience import Audience
from talas_stream.door.capacity import Capacity
from talas_stream.door.front_door import Doorkeeper
from talas_stream.door.watch import ConnectionWatch
from talas_stream.egress.http import ListenerParts
from talas_stream.ingest.admission import Admission
from talas_stream.ingest.lead import Lead
from talas_stream.ingest.parts import SourceParts
from talas_stream.ingest.refusals import Refusals
from talas_stream.kernels import Kernels
from talas_stream.station.coding import Codecs
from talas_stream.station.directory import Directory
from talas_stream.station.registry import Registry
from talas_stream.station.station import Station


class Transport(asyncio.Transport):
    """The connection of one who is not there: keeps what was written. Paused is its reading."""

    def __init__(self, connection: Any) -> None:
        super().__init__({"socket": connection, "peername": ("192.0.2.1", 1)})
        self.paused = self.closed = False
        self.written = b""
        self.waiting = 0

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self.closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Parts:
    """The parts; `start` has the station known, so that nobody has to ask for it."""

    def __init__(
        self,
        clock: Clock,
        *,
        known: StationRecord | None = None,
        kernels: Kernels = KERNELS,
        codecs: Codecs | None = None,
        **overrides: object,
    ) -> None:
        settings = stream_settings(Path(), **overrides)
        self.record = known or record()
        self.api = FakeApi(self.record)
        self.told = Told()
        self.directory = Directory(self.api.bus)
        self.registry = Registry(settings, clock, kernels, codecs or RecordedCodecs())
        self.keeper = Doorkeeper(clock, 5.0, 100, Hosts(["here"]), Proxies())
        self.watch = ConnectionWatch(settings, clock)
        self.audience = Audience()
        self.capacity = Capacity(settings)
        admission = Admission(self.directory, self.registry, self.told.tell)
        self.sources = SourceParts(
            clock, kernels, self.keeper, self.watch, admission,
            Lead(settings.source_lead_seconds), Refusals(clock),
        )  # fmt: skip
        self.listeners = ListenerParts(
            clock, self.keeper, self.watch, self.directory, self.registry, self.capacity,
            self.audience,
        )  # fmt: skip

    @property
    def station(self) -> Station:
        return self.registry.station(self.record)

    async def start(self) -> Parts:
        await self.api.start()
        await self.directory.find(self.record.slug)
        return self
