"""How many listeners fit: on this server, on each station, and from each address.

Does:        count a listener in and out; refuse one that is over a limit.
Never:       knows which rendition it listens to, or how it is connected.
Guarantees:  of IPv6 a /64 counts as one address; a listener that was refused is not counted; a
             station or an address without listeners takes no memory.
From / to:   egress  ->  here
"""

from __future__ import annotations

from talas_core.errors import Unavailable
from talas_core.settings import Settings
from talas_core.web.peer import counted

RETRY_SECONDS = 10.0
"""When a listener that was refused may try again."""


class Capacity:
    """The listeners of this server, counted by station and by address."""

    def __init__(self, settings: Settings) -> None:
        self._max = settings.max_listeners
        self._max_station = settings.max_station_listeners
        self._max_address = settings.max_address_listeners
        self._stations: dict[str, int] = {}
        self._addresses: dict[str, int] = {}
        self.taken = 0

    def admit(self, slug: str, address: str) -> None:
        """Count in a listener of station `slug` from `address`. Raises Unavailable where any of the
        three limits is met."""
        address = counted(address)
        if self.taken >= self._max:
            raise Unavailable("every listener's place is taken", RETRY_SECONDS)
        if self._stations.get(slug, 0) >= self._max_station:
            raise Unavailable("every place at this station is taken", RETRY_SECONDS)
        if self._addresses.get(address, 0) >= self._max_address:
            raise Unavailable("too many listeners come from this address", RETRY_SECONDS)
        self.taken += 1
        self._stations[slug] = self._stations.get(slug, 0) + 1
        self._addresses[address] = self._addresses.get(address, 0) + 1

    def dismiss(self, slug: str, address: str) -> None:
        """Count out one that was admitted with the same two."""
        self.taken -= 1
        for counts, name in ((self._stations, slug), (self._addresses, counted(address))):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]
