"""What the log says of sources that were not let in.

Does:        write a line for each while they are few; count the others, for the next line to tell.
Never:       leaves out a source that was let in before: who has a station's key is no stranger.
Guarantees:  strangers cause LINES_A_SECOND lines and no more, after LINES_AT_ONCE at first, each of
             at most MAX_TEXT characters of theirs for the path and as many for the reason.
From / to:   ingest.icecast  ->  here
"""

from __future__ import annotations

from talas_core.bucket import Bucket
from talas_core.clock import Clock
from talas_core.telemetry.logs import logger

LINES_A_SECOND, LINES_AT_ONCE = 5.0, 50.0

MAX_TEXT = 300
"""Characters of a text: more than any reason of ours has that repeats no word of a stranger's."""

log = logger("source")


class Refusals:
    """The refusals of this server's sources."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines = Bucket(LINES_A_SECOND, LINES_AT_ONCE, clock.monotonic())
        self._left_out = 0

    def tell(self, path: str, reason: str, *, admitted: bool) -> None:
        """Log that a source of `path` was refused; `admitted` is one that was let in before."""
        if not (admitted or self._lines.take(1, self._clock.monotonic())):
            self._left_out += 1
            return
        more = {"left_out": self._left_out} if self._left_out else {}
        self._left_out = 0
        log.info("source refused", path=path[:MAX_TEXT], reason=reason[:MAX_TEXT], **more)
