"""`python -m loadtests.run`, as its users call it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from click.testing import CliRunner

from loadtests import run
from loadtests.fresh import Fresh, NotReady
from loadtests.limits import LIMITS
from loadtests.run import FAIL, NO_LOAD, PASS, Load
from support.wait import until

ROOT = Path(__file__).parents[2]
# What a busy machine does to times is no matter here; that nothing is lost or broken is.
EASY = [f"{limit.option}=60000" for limit in LIMITS if limit.unit == "ms"]
EASY += ["--limit-pace=40", "--limit-driver=100"]
RUN = [sys.executable, "-m", "loadtests.run", "--bcrypt-cost=4"]


def load(folder: Path, seconds: int = 1) -> Load:
    return Load(10, seconds, folder / "load.html", folder / "load.json", 2, 4, ("--crowd", "ramp"))


def server() -> Fresh:
    """As much of a server as the command line needs."""

    class Running:
        pid = 7

        def addresses(self) -> list[str]:
            return ["--host=x"]

    return cast("Fresh", Running())


@pytest.mark.journey
def test_a_short_load_passes_and_leaves_its_report(tmp_path: Path) -> None:
    report = tmp_path / "deep" / "load.html"
    done = subprocess.run(
        [*RUN, "--users=12", "--seconds=12", f"--report={report}", "--crowd=storm",
         "--storm-every=6", "--stay=0", "--chat-wait=0.5", "--limit-failures=0", *EASY],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == PASS, done.stdout + done.stderr
    assert "PASS: 12 people" in done.stdout
    assert 'id="verdict"' in report.read_text()
    assert "on the air" in report.with_suffix(".log").read_text()
    found = json.loads(report.with_suffix(".json").read_text())
    assert found["verdict"] == "PASS"
    kinds = {row["method"] for row in found["requests"]}
    assert {"GET", "CHAT", "AUDIO"} <= kinds
    sums: dict[str, float] = found["tally"]["sums"]
    assert sums["chat.acked"] > 0
    assert sums["chat.delivered"] >= sums["chat.acked"]
    assert "cut to back" in {row["name"] for row in found["requests"]}
    assert "talas_stream" in {part[0] for part in found["server"]}


@pytest.mark.journey
def test_an_impossible_limit_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [*RUN, "--users=2", "--seconds=3", f"--report={tmp_path}/load.html", "--mix=api=1",
         "--api-wait=0.1", *EASY, "--limit-api=0.001"],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == FAIL, done.stdout + done.stderr
    assert "FAIL  API read, p95" in done.stdout
    assert (tmp_path / "load.html").is_file()


@pytest.mark.journey
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [*RUN, "--users=2", "--seconds=60", f"--report={tmp_path}/load.html"], cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert started.stdout is not None
        assert b"loading a fresh Talas" in started.stdout.readline()
        family = psutil.Process(started.pid).children(recursive=True)
        started.send_signal(signal.SIGTERM)
        assert started.wait(40) == NO_LOAD
    finally:
        started.kill()
        started.communicate()
    until(lambda: not any(child.is_running() for child in family))
    assert list(tmp_path.glob("talas-load-*")) == []


def test_the_server_gets_real_hashing_and_long_tokens(tmp_path: Path) -> None:
    settings = load(tmp_path, seconds=100).settings()
    assert settings["TALAS_ACCESS_TOKEN_SECONDS"] == "1000"
    assert settings["TALAS_API_WORKERS"] == "2"


def test_locust_is_bounded_and_the_operator_has_the_last_word(tmp_path: Path) -> None:
    command = [str(part) for part in run.locust_command(load(tmp_path), server(), tmp_path / "t")]
    assert command[command.index("--run-time") + 1] == "1s"
    assert command[command.index("--users") + 1] == "10"
    assert command[-3:] == ["--host=x", "--crowd", "ramp"]


@pytest.mark.parametrize(
    "ending",
    [
        ("", PASS, "report:"),
        ("raise SystemExit(1)", FAIL, "report:"),
        ("raise SystemExit(2)", NO_LOAD, "exit status 2"),
        ("import time; time.sleep(60)", NO_LOAD, "did not end in time"),
    ],
)
async def test_exit_of_locust_is_told_in_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ending: tuple[str, int, str],
) -> None:
    code, status, words = ending
    monkeypatch.setattr(run, "_SPARE_SECONDS", -0.5 if "sleep" in code else 30.0)
    monkeypatch.setattr(run, "locust_command", lambda *_: [sys.executable, "-c", code])
    assert await run.drive(load(tmp_path), server(), tmp_path / "tokens") == status
    told = capsys.readouterr()
    assert words in told.out + told.err


async def test_load_without_a_server_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: object) -> Any:
        raise NotReady("no server today")

    monkeypatch.setattr(run, "fresh_talas", none)
    assert await run.run(load(tmp_path)) == NO_LOAD
    assert "no server today" in capsys.readouterr().err


def test_command_line_becomes_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Load] = []

    async def keep(load: Load) -> int:
        asked.append(load)
        return PASS

    monkeypatch.setattr(run, "until_signalled", keep)
    ended = CliRunner().invoke(run.main, ["--users", "5", "--report", "r/x.html", "--mix", "api=1"])
    assert ended.exit_code == 0
    assert (asked[0].users, asked[0].seconds, asked[0].rest) == (5, 30, ("--mix", "api=1"))
    assert asked[0].result.parts[-2:] == ("r", "x.json")
    for wrong in (["--seconds", "999999"], ["--host", "http://127.0.0.1:8080"]):
        assert CliRunner().invoke(run.main, wrong).exit_code == 2
    assert len(asked) == 1


def test_open_files_are_raised_as_far_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"now": (100, 400)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.update(now=new))
    run.raise_open_files(50)
    assert limits["now"] == (100, 400)
    run.raise_open_files(1000)
    assert limits["now"] == (400, 400)
    limits["now"] = (100, resource.RLIM_INFINITY)
    run.raise_open_files(1000)
    assert limits["now"] == (1000, resource.RLIM_INFINITY)
