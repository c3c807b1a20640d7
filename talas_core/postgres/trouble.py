"""What is remembered of a database that fails: one line a second for the log, and whether it may
only seem well.

Does:        count failures; say when to look again whether writing works.
Never:       asks the database; logs a statement, a value or an address.
Guarantees:  one line a second, however many failures; one look a second, however many ask.
"""

from __future__ import annotations

from collections.abc import Callable

from talas_core.postgres.failures import Away, Hampered
from talas_core.telemetry.logs import logger

TELL_SECONDS = 1.0
LOOK_SECONDS = 1.0
LONGEST_CAUSE = 200
"""Characters of what the driver said."""

_log = logger("database")


class Trouble:
    """`clock` is in monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._untold = 0
        self._tell_at = clock()
        self._look_at = clock()
        self.hampered: Hampered | None = None
        """Why the last thing failed that a database must be able to do which answers; None once a
        look has shown that it can again."""

    def met(self, error: Away) -> None:
        """Something failed."""
        if isinstance(error, Hampered):
            self.hampered = error
        self._untold += 1
        now = self._clock()
        if now >= self._tell_at:
            cause = repr(error.__cause__)[:LONGEST_CAUSE]
            _log.warning("database fails", problem=str(error), cause=cause, count=self._untold)
            self._untold, self._tell_at = 0, now + TELL_SECONDS

    def look_is_due(self) -> bool:
        """Whether to look now; then not again for LOOK_SECONDS."""
        now = self._clock()
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        return True

    def over(self) -> None:
        """A look has shown that all is well."""
        if self.hampered is not None:
            _log.info("database is well again", problem=str(self.hampered))
        self.hampered = None
