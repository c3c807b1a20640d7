"""No code without a caller: what only tests call, or nobody, is found by its name.

A name that stands in UNUSED has a reason; one that is used again, or gone, must leave it.
"""

from __future__ import annotations

from pathlib import Path

import vulture

ROOT = Path(__file__).parents[1]
READ = (
    "talas_core",
    "talas_api",
    "talas_stream",
    "talas_synth",
    "benchmarks",
    "loadtests",
    "setup.py",
)
SURE_PERCENT = 60

LIBRARY = "a library calls it, or reads it"
COMMAND = "click calls it by its command's name"
SEEN = "tests see by it that what a parser holds is bounded"
FAKE = "a fake that tests of every part share"

UNUSED = {
    "process_exit_code": LIBRARY,
    "wait_time": LIBRARY,
    "show_station": LIBRARY,
    "list_stations": LIBRARY,
    "next_stations": LIBRARY,
    "optional": LIBRARY,
    "_post_start": LIBRARY,
    "_ws_protocol": LIBRARY,
    "_force_close": LIBRARY,
    "feed_data": LIBRARY,
    "feed_eof": LIBRARY,
    "get_reset_query": LIBRARY,
    "handle_error": LIBRARY,
    "thread_count": LIBRARY,
    "time_base": LIBRARY,
    "_graph": "holds what the library would free",
    "promote": COMMAND,
    "list_users": COMMAND,
    "FakeClock": FAKE,
    "thaw": FAKE,
    "restore": FAKE,
    "admin_url": "tests make their databases as PostgreSQL's first user",
    "buffered": SEEN,
    "locked": "tests see by it whether a stream is in step",
    "__call__": "the type of a function",
}


def test_what_nobody_calls_is_listed_with_its_reason() -> None:
    finder = vulture.Vulture()
    finder.scavenge([str(ROOT / name) for name in READ])
    found = {
        item.name
        for item in finder.get_unused_code(min_confidence=SURE_PERCENT)
        if item.typ != "variable"
    }
    assert found == set(UNUSED)
