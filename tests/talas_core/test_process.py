"""Child processes: their output, their end, and that they never outlive us."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import pytest

from support.processes import gone
from support.serve import ROOT
from support.strangers import UID, as_user, python_for_others
from support.wait import PATIENCE, auntil, until
from talas_core import process
from talas_core.postgres.identity import enter_namespace, leave_root

ENV = {"PATH": os.environ["PATH"]}
SLEEP = ("/bin/sleep", "1000")
PARENT = """
import asyncio, signal, sys
from talas_core import process
from talas_core.postgres.identity import enter_namespace, leave_root

async def main():
    child = process.spawn(("/bin/sleep", "1000"), env={}, death_signal=signal.SIGINT, become=%s)
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_parent_script_of_these_tests_uses_the_product_s_functions() -> None:
    assert enter_namespace.__name__ in PARENT
    assert leave_root.__name__ in PARENT


async def test_output_of_both_streams_comes_line_by_line() -> None:
    lines: list[str] = []
    child = process.spawn(
        ("/bin/sh", "-c", "echo one; echo two >&2; printf three"), env=ENV, on_line=lines.append
    )
    assert await child.wait() == 0
    assert lines == ["one", "two", "three"]
    assert not child.running


async def test_a_line_without_end_is_cut_not_kept() -> None:
    lines: list[str] = []
    child = process.spawn(
        ("/bin/sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x"), env=ENV, on_line=lines.append
    )
    assert await child.wait() == 0
    assert "".join(lines) == "x" * 100_000
    assert len(lines) > 1


async def test_output_of_grandchildren_comes_after_the_child_ended() -> None:
    lines: list[str] = []
    child = process.spawn(
        ("/bin/sh", "-c", "(sleep 0.2; echo late) & echo early"), env=ENV, on_line=lines.append
    )
    await child.wait()
    await auntil(lambda: lines == ["early", "late"])


async def test_status_of_a_signal_is_negative_and_told_in_words() -> None:
    child = process.spawn(SLEEP, env=ENV)
    child.signal(signal.SIGKILL)
    status = await child.wait()
    assert status == -signal.SIGKILL
    assert process.describe(status) == "signal SIGKILL"
    child.signal(signal.SIGTERM)  # harmless: it is gone


def test_status_of_a_process_is_told_in_words() -> None:
    assert process.describe(3) == "exit status 3"
    assert process.describe(-64) == "signal SIGRTMAX"
    assert process.describe(-63) == "signal 63"


async def test_stop_kills_a_process_that_ignores_the_signal() -> None:
    lines: list[str] = []
    child = process.spawn(
        ("/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done"),
        env=ENV,
        on_line=lines.append,
    )
    await auntil(lambda: lines)
    assert await child.stop(signal.SIGTERM, 0.1) == -signal.SIGKILL


async def test_a_child_has_a_session_of_its_own() -> None:
    child = process.spawn(SLEEP, env=ENV)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    await child.stop(signal.SIGTERM, 5)


async def test_environment_of_a_process_is_what_was_given() -> None:
    outcome = await process.run(("/usr/bin/env",), env={"ONLY": "this"})
    assert outcome.output.splitlines()[0] == "ONLY=this"


async def test_run_feeds_a_program_s_standard_input() -> None:
    outcome = await process.run(("/bin/cat",), env=ENV, feed="a\nb\n")
    assert outcome == process.Outcome(0, "a\nb")


async def test_run_survives_a_program_that_does_not_read() -> None:
    outcome = await process.run(("/bin/sh", "-c", "exit 3"), env=ENV, feed="x" * 4096)
    assert outcome.status == 3


async def test_cancelled_run_leaves_no_process() -> None:
    work = asyncio.ensure_future(process.run(SLEEP, env=ENV))
    me = psutil.Process()
    child = await auntil(lambda: [c for c in me.children() if c.name() == "sleep"])
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await auntil(lambda: gone(child[0].pid))


async def test_missing_program_is_refused_by_name() -> None:
    with pytest.raises(FileNotFoundError):
        process.spawn(("/nowhere/at/all",), env=ENV)


async def test_a_failed_change_of_identity_starts_nothing() -> None:
    def become() -> None:
        raise OSError

    with pytest.raises(subprocess.SubprocessError):
        process.spawn(SLEEP, env=ENV, become=become)


@pytest.mark.parametrize(
    "become",
    [
        "None",
        pytest.param("enter_namespace(65534, 65534)", marks=needs_root),
        pytest.param("leave_root(65534, 65534)", marks=needs_root),
    ],
)
def test_a_killed_parent_takes_its_child_along(become: str, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT % become)
    parent = subprocess.Popen(
        (sys.executable, script),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    until(lambda: psutil.Process(pid).name() == "sleep")
    parent.kill()
    parent.wait()
    until(lambda: gone(pid))
    parent.stdout.close()


async def test_end_of_a_process_is_known_even_if_its_last_line_cannot_be_heard() -> None:
    def deaf(line: str) -> None:
        raise OSError

    child = process.spawn(("/bin/echo", "farewell"), env=ENV, on_line=deaf)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    assert await asyncio.wait_for(child.wait(), PATIENCE) == 0


CLOSED = """
import sys
from talas_core.process import close_to_others
close_to_others()
print("closed", flush=True)
sys.stdin.read()
"""


def test_an_environment_that_is_closed_to_others_is_not_read_by_the_same_user() -> None:
    user = as_user(UID)
    packages = sysconfig.get_path("purelib")
    env = {"SECRET": "hush", "PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [*user, python_for_others(), "-c", CLOSED], env=env, text=True, cwd="/",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as closed:  # fmt: skip
        assert closed.stdout
        assert closed.stdout.readline() == "closed\n"
        path = f"/proc/{closed.pid}/environ"
        looked = subprocess.run([*user, "cat", path], capture_output=True, text=True, check=False)
        assert looked.stdout == ""
        assert "Permission denied" in looked.stderr
        closed.communicate()


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_process_started_without_standard_streams_has_nothing_in_their_place(closed: str) -> None:
    script = """
import os, sys
from talas_core.process import hold_standard_streams
hold_standard_streams()
for number in (0, 1, 2):
    os.fstat(number)
sys.stderr.write("to nobody")
sys.exit(0 if os.get_inheritable(2) else 3)
"""
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", script]
    assert subprocess.run(shell, check=False, timeout=60).returncode == 0
