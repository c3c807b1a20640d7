"""The operator's password for Icecast's panels and scripts, which know nothing but Basic auth.

Does:        tell the user `admin` with the right password from everybody else.
Never:       logs a password; knows what the password gives access to.
Guarantees:  comparing takes as long whatever was sent. An address that was wrong MAX_WRONG times is
             told to wait until a minute after its first error, right or not; no other address is.
             The number of addresses remembered is bounded.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable

from talas_core.errors import TooMany

USER = "admin"
MAX_WRONG = 10
WINDOW_SECONDS = 60.0
MAX_ADDRESSES = 4096
"""Behind a proxy all have its address, and share one count."""


class AdminPassword:
    """One password; an empty one admits nobody. `now` is in seconds on a clock of its own."""

    def __init__(self, password: str, now: Callable[[], float]) -> None:
        self._digest = _digest(password) if password else b""
        self._now = now
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admits(self, user: str, password: str, address: str) -> bool:
        """Whether these are the admin's. Raises TooMany for an address that guesses."""
        if not self._digest or user != USER:
            return False
        now = self._now()
        since, count = self._wrong.get(address, (now, 0))
        left = since + WINDOW_SECONDS - now
        if left <= 0:
            since, count = now, 0
        elif count >= MAX_WRONG:
            raise TooMany("too many wrong passwords", retry_after=left)
        if hmac.compare_digest(_digest(password), self._digest):
            return True
        self._wrong[address] = since, count + 1
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)
        return False


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
