"""The real product, running: `talas serve` in a directory and on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from loadtests.fresh import FREELY
from support.names import NAMES
from support.ports import free_ports
from support.processes import gone
from support.ready_made import ReadyMade
from support.wait import until

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90.0
STOP_SECONDS = 60.0
ANSWER_SECONDS = 20.0
"""For one answer: who asks again may meet a worker that does not stand still."""
ready_made: ReadyMade | None = None
"""Where journeys run: what spares Talas its first start."""


class Served:
    """One `talas serve`. `api`, `chat` and `stream` are its ports, `data_dir` its directory."""

    def __init__(
        self,
        folder: Path,
        args: Sequence[str],
        env: Mapping[str, str],
        prefix: Sequence[str],
        python: str,
        *,
        first_start: bool,
    ) -> None:
        self.api, self.chat, self.stream = free_ports(3)
        self.data_dir = folder / "var"
        self.env = {
            **_surroundings(),
            **FREELY,
            "TALAS_ENV": "test",
            "TALAS_BCRYPT_COST": "4",
            "TALAS_HOSTS": NAMES,
            "TALAS_SHUTDOWN_SECONDS": "20",
            "TALAS_DATA_DIR": str(self.data_dir),
            "TALAS_API_PORT": str(self.api),
            "TALAS_CHAT_PORT": str(self.chat),
            "TALAS_STREAM_PORT": str(self.stream),
            **env,
        }
        self.data_dir = Path(self.env["TALAS_DATA_DIR"])
        self._folder = folder
        self._command = [*prefix, python, "-P", "-m", "talas_core", "serve", *args]
        self._stdout, self._stderr = folder / "serve.out", folder / "serve.err"
        if not first_start and not prefix:
            self._furnish(demo="--demo" in args)
        self.process: subprocess.Popen[bytes] = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, or start it again; what it prints is appended to `output()`."""
        with self._stdout.open("ab") as out, self._stderr.open("ab") as err:
            self.process = subprocess.Popen(
                self._command, cwd=self._folder, env=self.env, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        return self.process

    def _furnish(self, *, demo: bool) -> None:
        """Spare it the first start, where that is ready."""
        if ready_made is None or self.data_dir.exists():
            return
        if not self.env.get("TALAS_DATABASE_URL"):
            ready_made.database(self.data_dir)
        if demo:
            ready_made.programme(self.data_dir)

    def output(self) -> str:
        """What it printed for the operator."""
        return self._stdout.read_text()

    def log(self) -> str:
        """What it and its services logged."""
        return self._stderr.read_text()

    def events(self) -> list[dict[str, Any]]:
        """The log's lines that are JSON, in order."""
        rows = []
        for line in self.log().splitlines():
            with contextlib.suppress(ValueError):
                rows.append(json.loads(line))
        return rows

    def get(self, port: int, path: str) -> tuple[int, str]:
        """Status and body of a GET on one of the ports; (0, reason) where nobody answers."""
        try:
            url = f"http://127.0.0.1:{port}{path}"
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def is_ready(self) -> bool:
        """Whether all three ports say so."""
        if self.process.poll() is not None:
            raise RuntimeError(f"talas serve ended with {self.process.returncode}:\n{self.log()}")
        return all(
            self.get(port, "/ready")[0] == 200 for port in (self.stream, self.chat, self.api)
        )

    def wait_ready(self, seconds: float = READY_SECONDS) -> Served:
        """Return once `/ready` is 200 on all three ports."""
        try:
            until(self.is_ready, seconds, every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error
        return self

    def child(self, name: str) -> psutil.Process:
        """The running process of this part, as the supervisor's log names it; waited for."""

        def running() -> psutil.Process | None:
            pids = [row["pid"] for row in self.events()
                    if row.get("event") == "child started" and row["child"] == name]  # fmt: skip
            return None if not pids or gone(pids[-1]) else psutil.Process(pids[-1])

        return until(running)

    def ends(self, name: str, known: int = 0) -> str:
        """Why this part ended, as logged after the first `known` events; waited for."""

        def reason() -> str:
            ends = [row["reason"] for row in self.events()[known:]
                    if row["event"] == "child ended" and row["child"] == name]  # fmt: skip
            return str(ends[0]) if ends else ""

        try:
            return until(reason)
        except AssertionError as error:
            raise AssertionError(f"{name} has not ended:\n{self.log()}") from error

    def family(self) -> list[psutil.Process]:
        """Every process below the supervisor."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Send the signal and wait for the end. Returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


@contextlib.contextmanager
def running_serve(
    folder: Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    python: str = sys.executable,
    first_start: bool = False,
) -> Iterator[Served]:
    """`talas serve *args`, started in `folder`, stopped after the block.

    `env` adds settings; `prefix` is a command that runs it, e.g. as somebody else. Not waited for:
    call `wait_ready()`. Journeys begin with a database and a programme that are made once for all
    of them; with `first_start`, or as somebody else, with nothing.
    """
    served = Served(folder, args, env or {}, prefix, python, first_start=first_start)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            try:
                served.stop()
            except subprocess.TimeoutExpired:
                served.process.kill()
                served.process.wait()


def run_talas(
    folder: Path, *args: str, env: Mapping[str, str], prefix: Sequence[str] = (), feed: str = ""
) -> subprocess.CompletedProcess[str]:
    """`talas *args`, run to its end in `folder`; `prefix` is a command that runs it,
    `feed` its standard input."""
    return subprocess.run(
        [*prefix, sys.executable, "-P", "-m", "talas_core", *args], cwd=folder,
        env={**_surroundings(), "TALAS_ENV": "test", **env}, capture_output=True, text=True,
        timeout=READY_SECONDS, check=False, input=feed,
    )  # fmt: skip


def migrate(data_dir: Path) -> None:
    """Make the embedded database of a data directory, with the newest schema."""
    done = run_talas(data_dir.parent, "migrate", env={"TALAS_DATA_DIR": str(data_dir)})
    if done.returncode:
        raise RuntimeError(f"talas migrate ended with {done.returncode}:\n{done.stderr}")


def _surroundings() -> dict[str, str]:
    """Our environment without settings of Talas, with the source tree importable."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TALAS_")}
    return {**inherited, "PYTHONPATH": os.pathsep.join(
        filter(None, (str(ROOT), inherited.get("PYTHONPATH", ""))))}  # fmt: skip
