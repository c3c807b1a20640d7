"""Who is here: sockets by person and by session.

Does:        find the sockets of a person or a session without looking at all of them.
Never:       closes a socket.
Guarantees:  whoever left is forgotten at once.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Generic, TypeVar
from uuid import UUID

from talas_api.chat.values import Person

T = TypeVar("T", bound=Hashable)


class SignedIn(Generic[T]):
    """Signed-in sockets, whatever a socket is."""

    def __init__(self) -> None:
        self._people: dict[T, Person] = {}
        self._by_person: dict[UUID, set[T]] = {}
        self._by_session: dict[UUID, set[T]] = {}

    def enter(self, socket: T, person: Person) -> None:
        """`person` is at `socket` from now on."""
        self.leave(socket)
        self._people[socket] = person
        self._by_person.setdefault(person.sender.id, set()).add(socket)
        self._by_session.setdefault(person.sid, set()).add(socket)

    def leave(self, socket: T) -> None:
        """Nobody is at `socket` any more. Harmless if nobody was."""
        person = self._people.pop(socket, None)
        if person is not None:
            _remove(self._by_person, person.sender.id, socket)
            _remove(self._by_session, person.sid, socket)

    def others(self, socket: T, person: Person) -> int:
        """How many sockets but `socket` that person has."""
        return len(self._by_person.get(person.sender.id, set()) - {socket})

    def of_session(self, sid: UUID) -> list[T]:
        """The sockets of a session."""
        return list(self._by_session.get(sid, ()))

    def sessions(self) -> Collection[UUID]:
        """Every session that has a socket."""
        return self._by_session.keys()


def _remove(index: dict[UUID, set[T]], key: UUID, socket: T) -> None:
    index[key].discard(socket)
    if not index[key]:
        del index[key]
