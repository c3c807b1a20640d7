"""The post: letters wait here, and nobody waits for them.

Does:        take errands (write a letter, or find that there is none to write), do them in the
             background, try again what may pass.
Never:       takes time of the request that gave the errand, so the time of an answer tells nothing;
             holds more errands than its bound; says an address in the log.
Guarantees:  an errand that fails is logged and harms no other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from talas_api.mail.port import Letter, Mailer, Undelivered
from talas_core.errors import TalasError
from talas_core.telemetry.logs import logger

WAITING = 1000
CARRIERS = 2
PAUSES = (1.0, 10.0, 60.0)
"""Seconds between one try of a letter and the next."""
ERRAND_SECONDS = 60.0
"""For writing a letter, and for each try to send it."""

Errand = Callable[[], Awaitable[Letter | None]]

_log = logger("mail")


class Post:
    """A bounded queue of errands. `delivers` says whether letters reach the people they are to."""

    def __init__(
        self,
        mailer: Mailer,
        *,
        delivers: bool,
        waiting: int = WAITING,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self.delivers = delivers
        self._mailer = mailer
        self._pauses = pauses
        self._errands: asyncio.Queue[Errand] = asyncio.Queue(waiting)
        self._carriers: list[asyncio.Task[None]] = []
        self._later: set[asyncio.Task[None]] = set()
        self._waiting = waiting

    def start(self) -> None:
        """Begin to carry."""
        loop = asyncio.get_running_loop()
        self._carriers = [loop.create_task(self._carry()) for _ in range(CARRIERS)]

    async def drain(self, seconds: float) -> None:
        """Carry what waits for its first try, for at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._errands.join()

    def close(self) -> None:
        """Stop; what still waits is not carried."""
        if left := self._errands.qsize() + len(self._later):
            _log.warning("letters left unsent at the end", count=left)
        for task in (*self._carriers, *self._later):
            task.cancel()

    def add(self, errand: Errand) -> None:
        """Do it soon. With the queue full it is dropped, and the log says so."""
        try:
            self._errands.put_nowait(errand)
        except asyncio.QueueFull:
            _log.warning("letter dropped: too many wait", waiting=self._waiting)

    async def _carry(self) -> None:
        while True:
            errand = await self._errands.get()
            try:
                letter = await self._written(errand)
                if letter is not None and not await self._sent(letter):
                    self._try_later(letter)
            finally:
                self._errands.task_done()

    async def _written(self, errand: Errand) -> Letter | None:
        try:
            async with asyncio.timeout(ERRAND_SECONDS):
                return await errand()
        except (TalasError, TimeoutError) as error:
            _log.warning("letter not written", problem=str(error) or type(error).__name__)
        except Exception:
            _log.exception("letter not written")
        return None

    def _try_later(self, letter: Letter) -> None:
        if len(self._later) >= self._waiting:
            _log.warning("letter dropped: too many wait", kind=letter.kind)
            return
        task = asyncio.get_running_loop().create_task(self._insist(letter))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _insist(self, letter: Letter) -> None:
        for pause in self._pauses:
            await asyncio.sleep(pause)
            if await self._sent(letter):
                return
        _log.error("letter given up", kind=letter.kind, user=str(letter.user_id))

    async def _sent(self, letter: Letter) -> bool:
        """Whether there is nothing more to do: it was taken, or refused for good."""
        facts = {"kind": letter.kind, "user": str(letter.user_id)}
        try:
            async with asyncio.timeout(ERRAND_SECONDS):
                await self._mailer.send(letter)
        except Undelivered as error:
            _log.warning("letter not taken", problem=error.reason, again=error.later, **facts)
            return not error.later
        except TimeoutError:
            _log.warning("letter not taken", problem="no answer in time", again=True, **facts)
            return False
        except Exception as error:
            # Not with its text, which may name the recipient.
            _log.error("letter not taken", problem=type(error).__name__, again=False, **facts)
            return True
        return True
