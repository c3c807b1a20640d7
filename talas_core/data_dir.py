"""Whether the data directory is still the one that is being worked in.

Does:        compare some of its files with what they were when first seen.
Never:       writes, or mends what it finds.
Guarantees:  one that was removed, moved away or replaced is known at the next look; one that was
             moved away and put back is well again, since its files are the same.
"""

from __future__ import annotations

from pathlib import Path

from talas_core.errors import Unavailable

LOCK = "lock"
"""There from the first moment of every `talas serve`; a service alone may have none."""


class DataDir:
    """Looks after `marks`, paths below `folder`. What was never there is not missed."""

    def __init__(self, folder: Path, marks: tuple[str, ...] = (LOCK,)) -> None:
        self._paths = [folder / mark for mark in marks]
        self._known: dict[Path, tuple[int, int]] = {}
        self.lost()

    def lost(self) -> str:
        """The path of a mark that is gone or another file by now; empty while all is well."""
        for path in self._paths:
            try:
                seen = path.stat()
            except OSError:
                if path in self._known:
                    return str(path)
                continue
            found = seen.st_dev, seen.st_ino
            if self._known.setdefault(path, found) != found:
                return str(path)
        return ""

    async def check(self) -> None:
        """For health. Its sentence names no path: strangers may read it."""
        if self.lost():
            raise Unavailable("The data directory has been removed or replaced.")
