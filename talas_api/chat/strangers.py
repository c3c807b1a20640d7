"""Who has not said yet who they are: sockets before their sign-in, by address.

Does:        count them, so that one address cannot take all sockets of a worker for nothing.
Never:       closes a socket.
Guarantees:  whoever signed in or left is forgotten at once; an address without a stranger costs
             nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Strangers(Generic[T]):
    """Sockets without a sign-in, whatever a socket is. `address` is what limits count as one."""

    def __init__(self) -> None:
        self._addresses: dict[T, str] = {}
        self._counts: Counter[str] = Counter()

    def enter(self, socket: T, address: str) -> None:
        """A stranger is at `socket`."""
        self._addresses[socket] = address
        self._counts[address] += 1

    def leave(self, socket: T) -> None:
        """They signed in, or left. Harmless if there was no stranger."""
        address = self._addresses.pop(socket, None)
        if address is not None:
            self._counts[address] -= 1
            if not self._counts[address]:
                del self._counts[address]

    def of(self, address: str) -> int:
        """How many there are from `address`."""
        return self._counts[address]
