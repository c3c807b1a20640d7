"""How far a codec worker is believed: what a source sent may have taken it over.

Does:        log what a worker says, clipped, and at most so many lines a second; check its packets,
             its readings and its load for what no worker of ours would report.
Never:       looks into coded audio: the process that decodes a station's sound can change it.
Guarantees:  a worker can neither fill the log nor write there under another's name; lines that were
             left out are counted in one line; packets that pass can be framed and kept.
From / to:   link.py, job.py  ->  here
"""

from __future__ import annotations

import asyncio
import logging
import math

import msgspec

from talas_core.telemetry.logs import logger
from talas_stream.codec.load import Load
from talas_stream.codec.messages import Coded, Fact, Said
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import RATE, Packet

LINES_A_SECOND = 50
"""Of one worker, in the log."""

WINDOW_SECONDS = 1.0
MOST_FACTS = 20
MOST_NAME = 40
MOST_TEXT = 8192
"""Characters of a line's event, and of each fact: a traceback with its causes fits in."""

LEVELS = frozenset(("debug", "info", "warning", "error", "critical"))
OURS = frozenset(("event", "level", "timestamp", "service", "part", "exc_info", "stack_info"))
"""What the log itself adds to a line, or reads from it."""

MOST_CONFIG_BYTES = 4096
MOST_PACKET_BYTES = 1 << 16
"""Many times what the dearest encoder makes: a frame of FLAC that it could not shrink."""

MOST_PACKET_TICKS = RATE
MOST_GAP_TICKS = 10 * RATE
"""Encoders leave no gap at all. Packets that lie further apart are no sound."""

MOST_TICKS = 1 << 53
"""A station's clock needs some thousand years for it, and wire formats have the room."""

log = logger("codec")


class Lines:
    """What worker `number` says, as the log gets it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        self._loop = loop
        self._number = number
        self._window_ends = -math.inf
        self._lines = 0
        self._dropped = 0

    def say(self, said: Said) -> None:
        """Log a line, or count it. Raises ValueError where no logger of ours would say it."""
        if said.level not in LEVELS:
            raise ValueError(f"a line of the log of level {said.level[:MOST_NAME]!r}")
        if len(said.facts) > MOST_FACTS or not all(map(_is_name, said.facts)):
            raise ValueError("a line of the log with facts that are none")
        now = self._loop.time()
        if now >= self._window_ends:
            self._window_ends = now + WINDOW_SECONDS
            self._lines = 0
        self._lines += 1
        if self._lines <= LINES_A_SECOND:
            facts = {name: _clipped(value) for name, value in said.facts.items()}
            level = logging.getLevelNamesMapping()[said.level.upper()]
            log.log(level, said.event[:MOST_TEXT], **facts | {"worker": self._number})
            return
        if not self._dropped:
            self._loop.call_at(self._window_ends, self._tell_dropped)
        self._dropped += 1

    def _tell_dropped(self) -> None:
        number, self._dropped = self._dropped, 0
        log.warning("lines of a codec worker left out", worker=self._number, number=number)


class Track:
    """The packets of one rendition as a worker hands them over: none before the config."""

    def __init__(self) -> None:
        self._begun = False
        self._last: Packet | None = None

    def takes(self, output: Coded) -> bool:
        """Whether the output is this rendition's: what comes before the config is of an encoder
        that was closed. Raises ValueError where its packets cannot be what follows."""
        if output.config is not None:
            if len(output.config) > MOST_CONFIG_BYTES:
                raise ValueError(f"a config of {len(output.config)} bytes")
            self._begun, self._last = True, None
        if self._begun:
            for packet in output.packets:
                self._check(packet)
        return self._begun

    def _check(self, packet: Packet) -> None:
        if len(packet.payload) > MOST_PACKET_BYTES or packet.opening is not None:
            raise ValueError(f"a packet of {len(packet.payload)} bytes")
        if not 0 <= packet.duration <= MOST_PACKET_TICKS or abs(packet.at) > MOST_TICKS:
            raise ValueError(f"a packet of {packet.duration} ticks at {packet.at}")
        last, self._last = self._last, packet
        if last is not None and not last.at <= packet.at <= last.end + MOST_GAP_TICKS:
            raise ValueError(f"a packet at {packet.at} after one at {last.at}")


def check_load(load: Load, opened: int, ordered: int) -> None:
    """Raises ValueError where a worker cannot be doing so, or has opened more renditions than were
    ordered from it."""
    shares = (load.busy, load.late, load.quantum)
    if not all(math.isfinite(share) and share >= 0 for share in shares):
        raise ValueError(f"a worker's load of {shares}")
    if min(load.complexity, load.room, load.shed, load.size) < 0 or not 0 <= opened <= ordered:
        raise ValueError(f"a worker's load of {load}, {opened} of {ordered} opened")


def check_reading(reading: Reading | None) -> None:
    """Raises ValueError where a number in it is none: it goes to listeners as JSON."""
    values = msgspec.structs.astuple(reading) if reading is not None else ()
    if not all(value is None or math.isfinite(value) for value in values):
        raise ValueError("a reading that is no number")


def _is_name(name: str) -> bool:
    return name.isidentifier() and len(name) <= MOST_NAME and name not in OURS


def _clipped(value: Fact) -> Fact:
    return value[:MOST_TEXT] if isinstance(value, str) else value
