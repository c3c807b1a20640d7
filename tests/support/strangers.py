"""A process of another user, as a stranger on the same machine would run it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

UID = 65_534
SYSTEM_PYTHON = Path("/usr/bin/python3")

_SQUATTER = """
import socket, sys, time
port, greeting = int(sys.argv[1]), sys.argv[2].encode().decode("unicode_escape").encode("latin-1")
while True:  # until whoever has the port lets go of it
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", port))
        server.listen()
        break
    except OSError:
        server.close()
print("has it", flush=True)
while True:
    one, _ = server.accept()
    one.settimeout(1)
    print("met", flush=True)
    try:
        one.sendall(greeting)
        while data := one.recv(65536):
            print("heard", data.hex(), flush=True)
            if b"PING" in data:
                one.sendall(b"PONG\\r\\n")
    except OSError:
        pass
    one.close()
"""


def as_user(uid: int = UID) -> tuple[str, ...]:
    """The command that runs another as this user. Skips where that is not possible here."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or not setpriv:
        pytest.skip("needs root and setpriv, to become somebody else")
    return (setpriv, f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


def python_for_others() -> str:
    """A Python of our own release that other users may run, for our packages. Skips without."""
    release = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not SYSTEM_PYTHON.exists() or release not in str(SYSTEM_PYTHON.resolve()):
        pytest.skip(f"needs a Python {release} at {SYSTEM_PYTHON}, which ordinary users may run")
    return str(SYSTEM_PYTHON)


class Squatter:
    """Waits for a port of the loopback to be free, takes it, and greets whoever comes."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    def lines(self) -> list[str]:
        """What it did so far: `has it`, `met`, `heard HEX`."""
        return self._log.read_text().splitlines()

    @property
    def has_it(self) -> bool:
        return "has it" in self.lines()

    def heard(self) -> bytes:
        """Everything that it was told."""
        return b"".join(bytes.fromhex(line[6:]) for line in self.lines() if line[:6] == "heard ")


@contextlib.contextmanager
def squatter(folder: Path, port: int, greeting: str, uid: int = UID) -> Iterator[Squatter]:
    """One of user `uid` that takes `port` as soon as it is free, while the block runs."""
    log = folder / "squatter.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*as_user(uid), _python(), "-c", _SQUATTER, str(port), greeting],
            stdout=out, text=True, env={"PYTHONDONTWRITEBYTECODE": "1"}, cwd="/",
        )  # fmt: skip
    try:
        yield Squatter(process, log)
    finally:
        process.kill()
        process.wait()


def _python() -> str:
    """An interpreter that others may run: ours may lie in a closed home."""
    return str(SYSTEM_PYTHON) if SYSTEM_PYTHON.exists() else sys.executable


def attempt_to_listen(port: int, uid: int | None, *options: int) -> str:
    """What a fresh process, of this user, meets who listens on the port: "" where it may."""
    code = (
        "import socket, sys\n"
        "one = socket.socket()\n"
        "for option in sys.argv[2:]: one.setsockopt(socket.SOL_SOCKET, int(option), 1)\n"
        "try:\n"
        "    one.bind(('127.0.0.1', int(sys.argv[1]))); one.listen()\n"
        "except OSError as error: print(error.strerror)\n"
    )
    prefix = as_user(uid) if uid is not None else ()
    outcome = subprocess.run(
        [*prefix, _python(), "-c", code, str(port), *map(str, options)],
        capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    return outcome.stdout.strip()


OPTIONS = [(), (socket.SO_REUSEADDR,), (socket.SO_REUSEPORT,),
           (socket.SO_REUSEADDR, socket.SO_REUSEPORT)]  # fmt: skip
"""How a socket may ask to share an address."""
