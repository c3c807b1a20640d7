"""Structured logs: one event, one line, on standard error.

Does:        give each logger its service's name and a UTC time; render JSON or, for people, text.
Never:       prints a control character from outside: values are escaped, so a log cannot be forged.
Guarantees:  a log call does not raise, whatever it was given and whoever stopped reading.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

Logger = structlog.typing.FilteringBoundLogger

AUTO = "auto"
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def configure(style: str, service: str, least: int = logging.INFO) -> None:
    """Set up this process. `style` is json, console or auto; `service` marks every line; lines of a
    level below `least` (of the module `logging`) are left out."""
    style = settled(style)

    def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    last: Any
    if style == "json":
        last = structlog.processors.JSONRenderer(default=_safe)
    else:
        last = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            stamp,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([] if style == "json" else [_flat]),
            _never_raising(last),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_Printer,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)


def settled(style: str) -> str:
    """`style`, and for auto what suits who reads: a person, where nothing is redirected."""
    if style != AUTO:
        return style
    return "console" if sys.stderr.isatty() and sys.stdout.isatty() else "json"


def relay(hear: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Set up this process to print nothing: `hear` gets each line's level, event and facts, which
    are made of text and numbers, for another process to log."""

    def pass_on(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        level, said = event.pop("level"), _whole(event.pop("event"))
        event.pop("part", None)
        hear(level, said, {key: value if isinstance(value, bool | int | float) else _whole(value)
                           for key, value in event.items()})  # fmt: skip
        raise structlog.DropEvent

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            pass_on,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)


def logger(name: str) -> Logger:
    """The logger of the part called `name`."""
    found: Logger = structlog.get_logger(part=name)
    return found


class _Printer(structlog.WriteLogger):
    """Writes to standard error; a reader that went away costs the line, not the caller.

    A line and its end are one write: the services of one supervisor share the file.
    """

    def __init__(self, *_: object) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _never_raising(render: Any) -> Any:
    """`render`, or where it fails the same facts as plain text."""

    def rendered(log: WrappedLogger, method: str, event: EventDict) -> Any:
        try:
            return render(log, method, dict(event))
        except Exception:
            plain = {"".join(c for c in key if c.isalnum() or c == "_"): _escaped(_safe(value))
                     for key, value in event.items()}  # fmt: skip
            return render(log, method, plain)

    return rendered


def _flat(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape what logfmt would let through: line ends and control characters inside values."""
    return {key: _escaped(value) for key, value in event.items()}


def _escaped(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else _safe(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _safe(value: object) -> str:
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception:
        return f"<{type(value).__name__} without a repr>"


def _whole(value: object) -> str:
    """Text that every encoding takes: without lone surrogates."""
    return _safe(value).encode("utf-8", "replace").decode()


class _ToStructlog(logging.Handler):
    """Lines of the libraries' own logging, in our shape."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:
            message = str(record.msg)
        facts = {"exc_info": record.exc_info} if record.exc_info else {}
        level = max((known for known in _LEVELS if known <= record.levelno), default=_LEVELS[0])
        structlog.get_logger(part=record.name).log(level, message, **facts)
