"""What the API tells the other processes, over the bus.

Does:        announce a changed station, an ended session or personal token, changed keys.
Never:       lets a request fail because an announcement could not leave: the other processes ask
             again when the bus returns.
Guarantees:  this process hears of an ended session also while the bus is away.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from talas_core import messages
from talas_core.bus.port import Bus
from talas_core.bus.session_news import SessionNews
from talas_core.errors import Unavailable
from talas_core.messages import KEYS_CHANGED, STATION_CHANGED, Nothing, StationChanged
from talas_core.telemetry.logs import logger

_log = logger("links")


class Announcer:
    """Tells the other processes, if it can. `ended` hears of ended sessions in this one, also while
    the bus is away; it hears of them again when they come over the bus."""

    def __init__(
        self, bus: Bus, news: SessionNews, ended: Callable[[str], None] = lambda sid: None
    ) -> None:
        self._bus = bus
        self._news = news
        self._ended = ended

    @property
    def heard(self) -> bool:
        """Whether events reach us now."""
        return self._news.heard

    async def station_changed(self, slug: str) -> None:
        """The station was made, changed, re-keyed or removed."""
        await self._tell(STATION_CHANGED, StationChanged(slug))

    async def session_ended(self, session_id: UUID, user_id: UUID) -> None:
        """Tokens of the session are void."""
        self._ended(str(session_id))
        await self._news.tell(str(session_id), str(user_id))

    async def keys_changed(self) -> None:
        """The set of keys is another."""
        await self._tell(KEYS_CHANGED, Nothing())

    async def _tell(self, subject: str, message: messages.Message) -> None:
        try:
            await self._bus.publish(subject, messages.encode(message))
        except Unavailable as error:
            _log.warning("could not announce", subject=subject, problem=str(error))
