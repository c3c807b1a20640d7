"""What this service was told of stations: asked for over the bus, kept for when the bus is away.

Does:        answer for a slug from memory; ask talas_api where it does not know or was told of a
             change.
Never:       invents: with the API away and nothing remembered, the answer is "not now", never "no".
Guarantees:  a station known once stays known while the API is away; a change is asked for again at
             its next use; what is closed is asked for every time; memory is bounded. A name that is
             longer than any station's is asked for never.
From / to:   ingest, egress, pages  ->  here  ->  the bus
"""

from __future__ import annotations

from collections import OrderedDict

from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.errors import Unavailable
from talas_core.messages import FindStation, FoundStation, StationChanged, StationRecord

ASK_SECONDS = 2.0
MAX_KNOWN = 100_000
MAX_SLUG = 63
"""Characters of the longest slug that talas_api gives."""


class Directory:
    """Stations by slug."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._known: OrderedDict[str, StationRecord] = OrderedDict()
        self._stale: set[str] = set()
        self._changes = 0

    async def start(self) -> None:
        """Listen for changes. Events may be missed while the bus is away: then all is stale."""
        await self._bus.subscribe(messages.STATION_CHANGED, self._changed)
        self._bus.on_reconnect(self._missed)

    def remembered(self, slug: str) -> StationRecord | None:
        """What is known without asking, if it is still believed."""
        return None if slug in self._stale else self._known.get(slug)

    async def find(self, slug: str) -> StationRecord | None:
        """The station of `slug`, None when there is none. Raises Unavailable if
        that is not known."""
        known = self.remembered(slug)
        if known is not None:
            return known
        try:
            return await self.ask(slug)
        except Unavailable:
            old = self._known.get(slug)
            if old is None:
                raise
            return old

    async def ask(self, slug: str) -> StationRecord | None:
        """The same, whatever is remembered. Raises Unavailable without an answer."""
        if len(slug) > MAX_SLUG:
            return None
        changes = self._changes
        reply = await self._bus.request(
            messages.STATION_FIND, messages.encode(FindStation(slug)), timeout=ASK_SECONDS
        )
        found = self._learn(slug, messages.decode(reply, FoundStation).station)
        if found is not None and self._changes != changes:
            # Something changed between question and answer; perhaps this, so it is asked again.
            self._stale.add(slug)
        return found

    def _learn(self, slug: str, station: StationRecord | None) -> StationRecord | None:
        self._stale.discard(slug)
        self._known.pop(slug, None)
        # One that opens again while the bus is away must not stay shut here.
        if station is not None and not station.closed:
            self._known[slug] = station
            if len(self._known) > MAX_KNOWN:
                gone, _ = self._known.popitem(last=False)
                self._stale.discard(gone)
        return station

    def _changed(self, payload: bytes) -> None:
        slug = messages.decode(payload, StationChanged).slug
        self._changes += 1
        if slug in self._known:
            self._stale.add(slug)

    def _missed(self) -> None:
        self._changes += 1
        self._stale.update(self._known)
