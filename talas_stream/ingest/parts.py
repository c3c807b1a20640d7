"""What the sources of this server share, and what each is given of it.

Does:        name the parts; make the intake of a source that has claimed a station.
Never:       keeps anything of a source.
From / to:   compose  ->  here  ->  ingest.icecast
"""

from __future__ import annotations

import msgspec

from talas_core.clock import Clock
from talas_stream.door.front_door import Doorkeeper
from talas_stream.door.watch import ConnectionWatch
from talas_stream.ingest.admission import Admission
from talas_stream.ingest.body import Body
from talas_stream.ingest.intake import Intake
from talas_stream.ingest.lead import Lead
from talas_stream.ingest.reader import SourceReader
from talas_stream.ingest.refusals import Refusals
from talas_stream.kernels import Kernels
from talas_stream.station.station import Station


class SourceParts(msgspec.Struct, frozen=True):
    """One of each for all sources."""

    clock: Clock
    kernels: Kernels
    keeper: Doorkeeper
    watch: ConnectionWatch
    admission: Admission
    lead: Lead
    refusals: Refusals

    def intake(self, station: Station, body: Body) -> tuple[Intake, float]:
        """For a source of `station` that sends `body`; and the seconds until it may be heard."""
        lead = self.lead
        paces = lead.for_audio(station), lead.for_charge(station)
        intake = Intake(body, SourceReader(self.kernels), *paces)
        return intake, lead.wait(station, self.clock.monotonic())
