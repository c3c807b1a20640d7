"""Kinds of traceback in a log."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from stress import ledger
from stress.census import check_log, tracebacks
from stress.ledger import Ledger

LOGGED = {
    "service": "api",
    "event": "request failed",
    "exception": "Traceback …\n  File …\nasyncpg.Gone: connection 17 is lost",
    "timestamp": "2030-01-01T12:00:00.5Z",
}
WHEN = datetime(2030, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)
RAW = 'Traceback (most recent call last):\n  File "x.py", line 3\n    y()\nKeyError: 12\n'


def test_tracebacks_that_differ_in_numbers_alone_are_of_one_kind() -> None:
    other = {**LOGGED, "exception": LOGGED["exception"].replace("17", "18")}
    log = f"{json.dumps(LOGGED)}\n{RAW}{json.dumps({'event': 'fine'})}\n{json.dumps(other)}\n"
    failed = (WHEN, "api: request failed: asyncpg.Gone: connection # is lost")
    assert tracebacks(log) == [failed, (WHEN, "not logged: KeyError: #"), failed]


def test_log_with_tracebacks_is_a_violation_for_each_and_each_kind_is_told_once() -> None:
    book = Ledger()
    assert len(check_log(f"{json.dumps(LOGGED)}\n{RAW}{RAW}", book)) == 2
    assert book.rows[ledger.LOG].violated == 3
    assert len(book.rows[ledger.LOG].examples) == 2
