"""Every error a caller may meet, as one tree.

    TalasError                     code, HTTP status, facts
    ├── UsageError                 the operator asked for something impossible; exit status 2
    │   └── SettingError           a knob's name or value was refused
    ├── BadInput                   400: the request itself is wrong; names the fields
    ├── Unauthorized               401
    ├── Forbidden                  403
    ├── NotFound                   404
    ├── Conflict                   409
    ├── TooSlow                    408
    ├── CallerGone                 408: nobody is there to be answered
    ├── TooLarge                   413
    ├── UnsupportedMedia           415
    ├── Misdirected                421
    ├── TooMany                    429, with the seconds to wait
    └── Unavailable                503, with the seconds to wait
        ├── BusUnavailable         the link to the other services is down
        └── BusTimeout             nobody answered in time

Does:        carry facts (a code, a status, fields); make the sentence in `__str__`.
Never:       holds a secret, or anything a stranger must not read: `__str__` may reach a client.
Guarantees:  `code` is stable, so clients may match on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class TalasError(Exception):
    """Root of the tree. `message` is a full sentence for a human."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class UsageError(TalasError):
    """The operator asked for something that cannot be done; the program exits with 2."""

    code = "usage"


class SettingError(UsageError):
    """A setting was unknown or its value refused.

    `name` is the environment name, `problem` what is wrong, `sentence` the knob's own description.
    """

    code = "setting"

    def __init__(self, name: str, problem: str, sentence: str = "") -> None:
        super().__init__(problem)
        self.name = name
        self.problem = problem
        self.sentence = sentence

    def __str__(self) -> str:
        tail = f" ({self.sentence})" if self.sentence else ""
        return f"{self.name}: {self.problem}{tail}"


class BadInput(TalasError):
    """The request is wrong. `fields` maps a field's name to what is wrong with it."""

    code = "bad_input"
    status = 400

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields: dict[str, str] = dict(fields or {})


class Unauthorized(TalasError):
    """Who is asking is not known, or no longer."""

    code = "unauthorized"
    status = 401


class Forbidden(TalasError):
    """Who is asking is known and may not."""

    code = "forbidden"
    status = 403


class NotFound(TalasError):
    """There is no such thing."""

    code = "not_found"
    status = 404


class Conflict(TalasError):
    """The thing exists already, or is in use. `fields` as in `BadInput`."""

    code = "conflict"
    status = 409

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields: dict[str, str] = dict(fields or {})


class TooSlow(TalasError):
    """The client took too long over its request."""

    code = "too_slow"
    status = 408


class CallerGone(TalasError):
    """Whoever asked has left before it was begun; nothing was done."""

    code = "caller_gone"
    status = 408


class TooLarge(TalasError):
    """The body or frame is over its limit."""

    code = "too_large"
    status = 413


class UnsupportedMedia(TalasError):
    """The body is not of a kind this door takes."""

    code = "unsupported_media"
    status = 415


class Misdirected(TalasError):
    """The request is for a host that is none of ours (RFC 9110, section 15.5.20)."""

    code = "misdirected"
    status = 421


class TooMany(TalasError):
    """A limit was met. `retry_after` is in seconds; `headers` tell more of the limit."""

    code = "too_many"
    status = 429

    def __init__(
        self, message: str, retry_after: float = 1.0, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers: dict[str, str] = dict(headers or {})


class Unavailable(TalasError):
    """Something this answer needs is away. `retry_after` is in seconds."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BusUnavailable(Unavailable):
    """The bus is not connected."""

    code = "bus_unavailable"


class BusTimeout(Unavailable):
    """The bus is connected, but no answer came in time."""

    code = "bus_timeout"
