"""Lines of the embedded servers become log lines."""

from __future__ import annotations

import json
import logging

import pytest

from talas_core.supervisor.relay import nats_line, postgres_line, relay
from talas_core.telemetry import logs


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("LOG:  database system is ready", logging.INFO, "database system is ready"),
        ("WARNING:  low on space", logging.WARNING, "low on space"),
        ("ERROR:  duplicate key:  x", logging.INFO, "duplicate key:  x"),
        ("FATAL:  no pg_hba.conf entry", logging.ERROR, "no pg_hba.conf entry"),
        ("PANIC:  disk gone", logging.ERROR, "disk gone"),
        ("\tcontinued", logging.INFO, "\tcontinued"),
        ("postgres: cannot execute", logging.WARNING, "postgres: cannot execute"),
        ("", logging.INFO, ""),
    ],
)
def test_line_of_postgres_is_logged_with_its_level(line: str, level: int, text: str) -> None:
    assert postgres_line(line) == (level, text)


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("[12] [INF] Server is ready", logging.INFO, "Server is ready"),
        ("[12] [WRN] slow consumer", logging.WARNING, "slow consumer"),
        ("[12] [ERR] authentication error", logging.WARNING, "authentication error"),
        ("[12] [FTL] cannot listen", logging.ERROR, "cannot listen"),
        ("panic: runtime error", logging.WARNING, "panic: runtime error"),
    ],
)
def test_line_of_nats_is_logged_with_its_level(line: str, level: int, text: str) -> None:
    assert nats_line(line) == (level, text)


def test_line_is_logged_under_the_name_of_its_part(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "supervisor")
    relay("nats", nats_line)("[1] [INF] Server is ready")
    relay("nats", nats_line)("[1] [WRN] slow consumer")
    relay("nats", nats_line, logging.INFO)("[1] [INF] Shutting down")
    *_, last = capsys.readouterr().err.splitlines()
    assert json.loads(last)["event"] == "Shutting down"
    relay("nats", nats_line)("[1] [WRN] slow consumer")
    row = json.loads(capsys.readouterr().err)
    assert (row["part"], row["level"], row["event"]) == ("nats", "warning", "slow consumer")
