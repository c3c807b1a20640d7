"""Reading back: pages of what was said.

Does:        turn a stretch of the log into a page that is bounded in characters too.
Never:       writes.
Guarantees:  following `next` from page to page gives every message once.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from talas_api.chat.limits import PAGE_CHARACTERS
from talas_api.chat.values import Entry, Log


class Page(msgspec.Struct, frozen=True):
    """Messages by rising offset; `next` is the `before` of the page before them, None at the
    beginning."""

    entries: list[Entry]
    next: int | None


class Reader:
    """Pages of history."""

    def __init__(self, history: Log) -> None:
        self._history = history

    async def page(self, room: UUID, before: int | None, limit: int) -> Page:
        """The last messages before offset `before`, or of all. Raises NotFound for no room."""
        stretch = await self._history.before(room, before, limit)
        entries = _fitting(stretch.entries)
        more = bool(entries) and entries[0].offset > 1
        return Page(entries, entries[0].offset if more else None)


def _fitting(entries: list[Entry]) -> list[Entry]:
    """The newest of `entries` that fit into a page; always one."""
    room = PAGE_CHARACTERS
    for index in range(len(entries) - 1, -1, -1):
        room -= len(entries[index].text)
        if room < 0 and index < len(entries) - 1:
            return entries[index + 1 :]
    return entries
