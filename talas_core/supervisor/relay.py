"""The logs of the embedded servers, in the shape of ours.

Does:        read a line of PostgreSQL's or NATS' output; log it with its level.
Never:       drops a line because it does not understand it: that is logged as it came.
Guarantees:  the readers are pure: a line in, level and text out.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from talas_core.process import LineHandler
from talas_core.telemetry import logs

Reader = Callable[[str], tuple[int, str]]
"""From a line to its level (as in `logging`) and text."""

_POSTGRES = {"WARNING": logging.WARNING, "FATAL": logging.ERROR, "PANIC": logging.ERROR}
_NATS = {"WRN": logging.WARNING, "ERR": logging.WARNING, "FTL": logging.ERROR}
_NATS_LINE = re.compile(r"\[\d+\] \[(\w+)\] (.*)")


def postgres_line(line: str) -> tuple[int, str]:
    """`LEVEL:  text`. A client's failed statement (ERROR) is the client's to judge, and to log."""
    word, mark, text = line.partition(":  ")
    if mark:
        return _POSTGRES.get(word, logging.INFO), text
    return _unknown(line), line


def nats_line(line: str) -> tuple[int, str]:
    """`[pid] [LVL] text`."""
    found = _NATS_LINE.fullmatch(line)
    return (_NATS.get(found[1], logging.INFO), found[2]) if found else (_unknown(line), line)


def _unknown(line: str) -> int:
    """A line of no shape we know may be a crash; one that is indented goes on with the last."""
    return logging.WARNING if line.strip() and not line[0].isspace() else logging.INFO


def relay(name: str, read: Reader, lowest: int = logging.WARNING) -> LineHandler:
    """Logs each line of level `lowest` and above, as read, under the part's name."""
    log = logs.logger(name)

    def on_line(line: str) -> None:
        level, text = read(line)
        if level >= lowest:
            log.log(level, text)

    return on_line
