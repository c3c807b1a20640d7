"""Where the load test meets locust's events.

Does:        options in; session, weights and storms set up; tallies of workers gathered; at the end
             the verdict: printed, written as JSON, put into the HTML report, made the exit status.
Never:       measures anything itself.
Guarantees:  whatever may not be loaded ends the process with status 2 and one sentence.
"""
# mypy: disable-error-code="no-untyped-call"
# Locust types its events as taking anything.

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from loadtests import options, report
from loadtests.report import Usage
from loadtests.results import Snapshot
from loadtests.session import Session, session_of
from loadtests.shape import STORM_MESSAGE
from loadtests.targets import Refused
from loadtests.usage import ServerUsage
from loadtests.verdict import Entry, Figures, Problem, Row, causes, judge, passed

_TALLY = "talas-tally"
_USAGE = 2
_CARRIED = re.compile(r"\w+\([\"'](.*)[\"']\)", re.DOTALL)


class Finish:
    """What is kept from the end of a run until it can be printed."""

    def __init__(self) -> None:
        self.server: ServerUsage | None = None
        self.usage: list[Usage] = []
        self.summary = ""


def install() -> None:
    """Listen to locust. Called once, by the locustfile."""
    finish = Finish()
    events.init_command_line_parser.add_listener(lambda parser, **_: options.add_to(parser))
    events.init.add_listener(lambda environment, **_: on_init(environment))
    events.test_start.add_listener(lambda environment, **_: on_start(environment, finish))
    events.test_stop.add_listener(lambda environment, **_: on_stop(environment, finish))
    events.quitting.add_listener(lambda environment, **_: on_quitting(environment, finish))
    events.quit.add_listener(lambda **_: sys.stdout.write(finish.summary))


def on_init(environment: Any) -> None:
    """Make the session; leave where the options cannot be used."""
    try:
        session = session_of(environment)
        _weigh(environment, session)
    except (Refused, ValueError, OSError) as error:
        sys.stderr.write(f"loadtests: {error}\n")
        sys.exit(_USAGE)
    runner = environment.runner
    runner.register_message(STORM_MESSAGE, on_storm)
    if isinstance(runner, WorkerRunner):
        environment.events.report_to_master.add_listener(
            lambda client_id, data, **_: data.update({_TALLY: _sent(session)})
        )
    if isinstance(runner, MasterRunner):
        environment.events.worker_report.add_listener(
            lambda client_id, data, **_: _received(session, data)
        )


def on_storm(environment: Any, msg: Any) -> None:
    """Everybody's network breaks: users look at the number."""
    session_of(environment).storms = int(msg.data["number"])


def on_start(environment: Any, finish: Finish) -> None:
    """A run begins, perhaps with other options than the last. What cannot be loaded is told, and
    no user starts."""
    session = session_of(environment)
    session.begin()
    try:
        session.refresh()
    except (Refused, ValueError, OSError) as error:
        logging.getLogger(__name__).error("%s", error)
        return
    pid = session.wishes.server_pid
    if pid and not isinstance(environment.runner, WorkerRunner):
        finish.server = ServerUsage(pid)


def on_stop(environment: Any, finish: Finish) -> None:
    """A run is over."""
    session_of(environment).end()
    if finish.server:
        finish.usage = finish.server.used()


def on_quitting(environment: Any, finish: Finish) -> None:
    """Judge, and leave the verdict wherever it was asked for."""
    if isinstance(environment.runner, WorkerRunner):
        return
    wishes, parsed = session_of(environment).wishes, environment.parsed_options
    figures = figures_of(environment)
    rows = judge(figures, wishes.bounds)
    environment.process_exit_code = 0 if passed(rows) else 1
    finish.summary = summary(environment, figures, rows, finish.usage)
    if wishes.result:
        path = Path(wishes.result)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report.machine(figures, rows, finish.usage))
    page = Path(parsed.html_file) if getattr(parsed, "html_file", None) else None
    if page and page.is_file():
        piece = report.section(rows, finish.usage, causes(figures, rows))
        page.write_text(report.insert(page.read_text(), piece))


def summary(environment: Any, figures: Figures, rows: list[Row], usage: list[Usage]) -> str:
    """What is printed last."""
    people = int(getattr(environment.parsed_options, "num_users", None) or 0)
    text = report.text(rows, usage, figures.seconds, people, causes(figures, rows))
    return f"\n{text}\n"


def figures_of(environment: Any) -> Figures:
    """The run as plain values."""
    entries = tuple(
        Entry(
            method=entry.method or "", name=entry.name, count=entry.num_requests,
            failures=entry.num_failures, median=entry.median_response_time,
            p95=entry.get_response_time_percentile(0.95),
            p99=entry.get_response_time_percentile(0.99), longest=entry.max_response_time or 0,
            mean=entry.avg_response_time,
        )
        for entry in environment.stats.entries.values()
    )  # fmt: skip
    kinds = frozenset(user.measures for user in environment.user_classes)
    crashes = sum(row["count"] for row in environment.runner.exceptions.values())
    problems = tuple(
        Problem(f"{error.method} {error.name}".strip(), plainly(error.error), error.occurrences)
        for error in environment.stats.errors.values()
    )
    return Figures(kinds, entries, session_of(environment).tally.snapshot(), crashes,
                   seconds_of(environment), problems)  # fmt: skip


def plainly(error: object) -> str:
    """What was wrong, without the name of the exception that locust carries it in."""
    text = str(error)
    found = _CARRIED.fullmatch(text)
    return found[1] if found else text


def seconds_of(environment: Any) -> float:
    """From the start to the last thing that was measured."""
    stats = environment.stats
    return float(max(0.0, (stats.last_request_timestamp or 0) - (stats.start_time or 0)))


def _weigh(environment: Any, session: Session) -> None:
    """Give each kind of user its weight, and leave out those of weight 0."""
    mix = session.wishes.mix
    for user in environment.user_classes:
        user.weight = mix.get(user.kind, 0)
    chosen = [user for user in environment.user_classes if user.weight]
    if not chosen:
        raise ValueError("--mix leaves nobody of the users that were named")
    environment.user_classes = chosen


def _sent(session: Session) -> dict[str, Any]:
    sent: dict[str, Any] = msgspec.to_builtins(session.tally.take())
    return sent


def _received(session: Session, data: dict[str, Any]) -> None:
    if _TALLY in data:
        session.tally.merge(msgspec.convert(data[_TALLY], Snapshot))
