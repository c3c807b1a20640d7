"""CONVERSATION: what one client asks, and what it is told.

Does:        take a client's frames in order; count them against its allowance; have each answered
             by its verb.
Never:       acknowledges a message that is not committed; says more than one sentence of an error.
Guarantees:  before the sign-in nothing but `auth` and `ping` is answered. A message sent is
             answered once, by an ack or an error, whenever its commit is decided; everything else
             is answered before the next frame is looked at.
"""

from __future__ import annotations

from talas_api.chat.codes import Close
from talas_api.chat.limits import cost
from talas_api.chat.replies import Ref, failure, our_fault
from talas_api.chat.requests.base import Request, Verb
from talas_api.chat.requests.client import Client
from talas_api.chat.requests.decode import Broken, NotUtf8, Refused, decode
from talas_api.chat.requests.table import BY_KIND
from talas_core.errors import TalasError, TooMany
from talas_core.telemetry.logs import logger

_log = logger("chat")


class Conversation(Client):
    """One client, and the frames that come from it."""

    def may_go_on(self, size: int) -> bool:
        """Count a frame of `size` bytes that is no request: a ping, a pong, a part of a message, or
        anything once this end has said goodbye. False if the socket is to be read no more."""
        now, price = self.shared.clock.monotonic(), cost(size)
        if self.allowance.take(price, now) or self.patience.take(price, now):
            return True
        self.line.close(Close.TOO_MANY)
        return False

    async def receive(self, raw: bytes) -> None:
        """Do what the frame asks. Errors are told to the client; never raises."""
        if self.line.code is not None:
            return
        try:
            request = decode(raw)
        except NotUtf8:
            self.line.close(Close.NOT_UTF8)
        except Broken:
            self.line.close(Close.BROKEN)
        except Refused as refused:
            if self._may_ask(cost(len(raw)), refused.reply.ref):
                self.say(refused.reply)
        else:
            verb = BY_KIND[type(request)]
            if self._may_ask(cost(len(raw)), request.ref, verb.extra):
                await self._answer(verb, request)

    def _may_ask(self, price: int, ref: Ref, extra: int = 0) -> bool:
        """Whether the client may ask now. One that keeps asking all the same is closed."""
        now = self.shared.clock.monotonic()
        if self.allowance.take(price + extra, now):
            return True
        if self.patience.take(price, now):
            self.say(failure(TooMany("Too many requests; slow down."), ref))
        else:
            self.line.close(Close.TOO_MANY)
        return False

    async def _answer(self, verb: Verb, request: Request) -> None:
        try:
            reply = await verb.answer(self, request)
            if reply is not None:
                self.say(reply)
        except TalasError as error:
            self.say(failure(error, request.ref))
        except Exception as error:
            _log.error("chat request failed", kind=type(request).__name__, exc_info=error)
            self.say(failure(our_fault(), request.ref))
