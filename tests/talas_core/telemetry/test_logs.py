from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from talas_core.telemetry import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Forger:
    def __repr__(self) -> str:
        return 'x\nlevel=error event="forged"\x1b[2J'

    __str__ = __repr__


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest) -> logs.Logger:
    logs.configure(request.param, "api")
    return logs.logger("part-1")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == "", "standard output belongs to the program"
    return captured.err.splitlines()


def test_json_lines_carry_service_part_level_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "api")
    logs.logger("store").warning("slow query", seconds=1.5, ok=False, text="é\n")
    (line,) = lines(capsys)
    facts = json.loads(line)
    assert facts.pop("timestamp").endswith("Z")
    assert facts == {"service": "api", "part": "store", "level": "warning", "event": "slow query",
                     "seconds": 1.5, "ok": False, "text": "é\n"}  # fmt: skip


def test_console_lines_are_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "api")
    logs.logger("store").info("slow query", seconds=1.5)
    (line,) = lines(capsys)
    assert 'level=info event="slow query"' in line
    assert "seconds=1.5" in line


def test_lines_below_the_least_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "api", least=logging.WARNING)
    logs.logger("audit").info("done")
    logs.logger("audit").warning("failed")
    assert [json.loads(line)["event"] for line in lines(capsys)] == ["failed"]


def test_debug_is_not_shown(log: logs.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log.debug("detail")
    assert lines(capsys) == []


@pytest.mark.parametrize("value", ['a\nlevel=error event="forged"', "\x1b[31mred", "\r", "\x00",
                                   "\u2028", "\x85", Forger(), [Forger()], ValueError("a\nb"),
                                   b"\n", "\ud800"])  # fmt: skip
def test_value_cannot_forge_a_log_line(
    log: logs.Logger, capsys: pytest.CaptureFixture[str], value: object
) -> None:
    log.info("met", value=value)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert len(text.splitlines()) == 1
    assert all(character.isprintable() for character in text[:-1])


def test_log_call_raises_for_no_value(log: logs.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in (Hostile(), circle, {(1, 2): 3}, {Hostile(): 1}, float("nan"), object(), None, 1):
        log.info("met", value=value)
    log.info("met", **{"a key": 1, 'b"=': "x\ny"})
    assert len(lines(capsys)) == 9


def test_exception_is_one_log_line(log: logs.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("failed")
    (line,) = lines(capsys)
    assert "ValueError: why" in line
    assert "Traceback" in line


def test_libraries_logs_take_our_shape(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "api")
    library = logging.getLogger("lib.part")
    library.info("not shown")
    library.warning("value %d", 3)
    library.log(35, "between two levels")
    library.error("wrong arguments %d", "three")
    try:
        raise OSError("why")
    except OSError:
        library.exception("failed")
    got = [json.loads(line) for line in lines(capsys)]
    assert [(one["level"], one["event"]) for one in got] == [
        ("warning", "value 3"), ("warning", "between two levels"),
        ("error", "wrong arguments %d"), ("error", "failed"),
    ]  # fmt: skip
    assert all(one["part"] == "lib.part" and one["service"] == "api" for one in got)
    assert "OSError: why" in got[-1]["exception"]


def test_log_reader_that_went_away_costs_only_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    logs.configure("json", "api")
    logs.logger("x").error("nobody reads this")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    logs.configure("json", "api")
    logs.logger("x").error("nobody reads this")


def test_log_line_has_the_context_of_its_task(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "api")
    with structlog.contextvars.bound_contextvars(request="r1"):
        logs.logger("x").info("met")
    assert json.loads(lines(capsys)[0])["request"] == "r1"


def test_log_line_and_its_end_are_one_write() -> None:
    reader, writer = os.pipe2(os.O_DIRECT)  # each write is read as a packet of its own
    program = (
        "from talas_core.telemetry import logs; logs.configure('json', 'x'); "
        "logs.logger('x').info('a', long='b' * 3000); logs.logger('x').info('c')"
    )
    root = str(Path(logs.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    subprocess.run((sys.executable, "-c", program), stderr=writer, env=environment, check=True)
    os.close(writer)
    packets = [os.read(reader, 65_536) for _ in range(3)]
    os.close(reader)
    assert [packet.count(b"\n") for packet in packets] == [1, 1, 0]
    assert packets[0].endswith(b"}\n")


def test_log_lines_can_be_given_to_another_process(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[str, str, dict[str, Any]]] = []
    logs.relay(lambda *line: heard.append(line))
    log = logs.logger("codec")
    log.debug("not this")
    log.warning("frames", number=3, late=0.5, eased=True, what=Forger())
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        log.exception("failed")
    logging.getLogger("library").error("its own %s", "line")
    assert heard[0] == ("warning", "frames", {"number": 3, "late": 0.5, "eased": True,
                                              "what": repr(Forger())})  # fmt: skip
    level, event, facts = heard[1]
    assert (level, event, list(facts)) == ("error", "failed", ["exception"])
    assert "RuntimeError: broken" in facts["exception"]
    assert heard[2] == ("error", "its own line", {})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("terminals", [(True, True), (True, False), (False, True)])
def test_terminal_gets_log_lines_for_people(
    monkeypatch: pytest.MonkeyPatch, terminals: tuple[bool, bool]
) -> None:
    for name, is_one in zip(("stdout", "stderr"), terminals, strict=True):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda is_one=is_one: is_one)
    assert logs.settled("auto") == ("console" if all(terminals) else "json")
    assert (logs.settled("json"), logs.settled("console")) == ("json", "console")
