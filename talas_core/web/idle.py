"""Connections without a request in hand: who may hold how many of them.

Such a connection is idle between two requests, or has not sent the whole of one. It costs its
client nothing, so that one client could hold all the connections there are.

Does:        keep them by address, in the order in which they began to wait; close the oldest of an
             address for a newer one of that address, and the oldest of all where there is no room.
Never:       touches a connection with a request in hand; holds up trusted proxies, whose
             connections are everybody's.
Guarantees:  one address never idles on more than one in SHARE of all connections. Whoever has so
             many (there may be many people behind one address) loses what has waited longest, which
             every client of HTTP knows how to open again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from talas_core.web.peer import Proxies, address_of, counted

SHARE = 4
"""One address may idle on one in so many of the connections there are."""


class Idler(Protocol):
    """A connection."""

    def make_room(self) -> None:
        """Close: it has waited for longer than others, and they need the place."""
        ...


class Idle:
    """The connections of one server that wait, by the address that limits count."""

    def __init__(self, connections: int, proxies: Proxies) -> None:
        """`connections` is how many the server takes in all."""
        self._most = max(1, connections // SHARE)
        self._proxies = proxies
        self._waiting: OrderedDict[Idler, str] = OrderedDict()
        self._by_address: dict[str, OrderedDict[Idler, None]] = {}

    def __len__(self) -> int:
        """How many wait now, those of proxies not counted."""
        return len(self._waiting)

    def whose(self, peer: str | None) -> str | None:
        """By what to count a connection of the address `peer`; None for one that is not counted."""
        address = address_of(peer or "")
        if address is not None and self._proxies.trusts(address):
            return None
        return counted(peer or "")

    def wait(self, connection: Idler, whose: str | None) -> None:
        """It has no request in hand any more, or not yet."""
        if whose is None or connection in self._waiting:
            return
        self._waiting[connection] = whose
        own = self._by_address.get(whose)
        if own is None:
            own = self._by_address[whose] = OrderedDict()
        own[connection] = None
        if len(own) > self._most:
            self._close(next(iter(own)))

    def busy(self, connection: Idler) -> None:
        """It has a request in hand, or is closed."""
        whose = self._waiting.pop(connection, None)
        if whose is not None:
            own = self._by_address[whose]
            del own[connection]
            if not own:
                del self._by_address[whose]

    def make_room(self) -> bool:
        """Close the connection that has waited longest; whether there was one."""
        if not self._waiting:
            return False
        self._close(next(iter(self._waiting)))
        return True

    def _close(self, connection: Idler) -> None:
        self.busy(connection)
        connection.make_room()
