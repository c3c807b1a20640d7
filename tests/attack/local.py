"""Attacks by another user of the same machine, who cannot read our files but may use our ports."""

from __future__ import annotations

import base64
import contextlib
import json
import multiprocessing
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from attack.target import NoAttack, Outcome, Skipped, Target, ask, status
from attack.usage import part_of
from support.wait import until
from talas_core.supervisor import run_file

NOBODY = 65_534
LISTENING_SECONDS = 0.05
RECOVER_SECONDS = 45.0
INFO = {
    "server_id": "N" * 56, "version": "2.15.1", "proto": 1, "host": "127.0.0.1", "headers": True,
    "max_payload": 1 << 20, "auth_required": True, "nonce": "aGVyZSBpcyBhIG5vbmNl",
}  # fmt: skip
_CONNECT = re.compile(rb"CONNECT (\{.*?\})\r\n")
_ORDERS = re.compile(rb"(?m)^(?:SUB|PUB|HPUB) (\S+)")
_DEMO_KEY = "station-demo.key"


def stolen_bus(target: Target, seconds: float) -> Outcome:
    """NATS dies, and another user takes its port: as a server that asks for a sign-in and proves
    nothing."""
    server = _part(target, "nats")
    port = _listening_port(server)
    with _Squat(port, _false_nats) as squat:
        os.kill(server.pid, signal.SIGKILL)
        taken = squat.wait(seconds)
    if not taken.bound:
        return Outcome("the port was not to be had", held=True)
    recovered = _recovers(target)
    faults = []
    if not recovered:
        faults.append(f"not ready within {RECOVER_SECONDS:g} s")
    tokens = _CONNECT.findall(taken.heard)
    if any(_opens(target, token) for token in tokens):
        faults.append("WAS TOLD A SECRET that the true server takes")
    orders = {name.decode() for name in _ORDERS.findall(taken.heard)}
    if orders:
        faults.append(f"was trusted with {len(orders)} subjects")
    said = f"{taken.callers} connections; " + ("; ".join(faults) or "nothing of worth, recovered")
    return Outcome(said, held=not faults)


def stolen_stream_port(target: Target, seconds: float) -> Outcome:
    """The stream service dies, and another user takes its port before it is back."""
    service = _part(target, "stream")
    key = (Path(target.data_dir) / "secrets" / _DEMO_KEY).read_text().strip()
    with _Squat(target.stream, _false_icecast) as squat:
        os.kill(service.pid, signal.SIGKILL)
        taken = squat.wait(seconds)
    if not taken.bound:
        return Outcome("the port was not to be had", held=True)
    faults = []
    if key.encode() in taken.heard or base64.b64encode(f"source:{key}".encode()) in taken.heard:
        faults.append("WAS TOLD THE DEMO'S KEY")
    if not _recovers(target):
        faults.append(f"not ready within {RECOVER_SECONDS:g} s")
    said = f"{taken.callers} connections; " + ("; ".join(faults) or "no key came, recovered")
    return Outcome(said, held=not faults)


def environments(target: Target, seconds: float) -> Outcome:
    """What a broken decoder finds in the environment of its process, and playout in its own."""
    secrets = _secrets(target)
    shown = []
    looked: set[str] = set()
    for process in psutil.Process(target.pid).children(recursive=True):
        part = part_of(process)
        if part not in ("playout", "codec"):
            continue
        looked.add(part)
        try:
            content = Path(f"/proc/{process.pid}/environ").read_bytes()
        except PermissionError:
            continue  # then nor can they
        shown += [f"{part}: {name}" for name, value in secrets.items() if value.encode() in content]
    if len(looked) < 2:
        raise NoAttack(f"of playout and codec workers only {looked} were found")
    found = ", ".join(sorted(set(shown)))
    return Outcome(found or "no secret", held=not shown)


class _Taken:
    """What a squatter heard."""

    def __init__(self, heard: bytes, callers: int, *, bound: bool) -> None:
        self.heard, self.callers, self.bound = heard, callers, bound


class _Squat:
    """Another user who tries to listen on a port until they can. `answer` is what they say to each
    who connects, once at the beginning and then for each piece heard."""

    def __init__(self, port: int, answer: Callable[[bytes], bytes]) -> None:
        if os.geteuid():
            raise Skipped("needs root, to be another user")
        ours, theirs = multiprocessing.Pipe()
        self._ours = ours
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_squat, args=(port, answer, theirs), daemon=True)

    def __enter__(self) -> _Squat:
        self._process.start()
        self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> _Taken:
        """Let them listen for so long, then have them leave."""
        time.sleep(seconds)
        self._ours.send(None)
        heard, callers, bound = self._ours.recv() if self._ours.poll(5.0) else (b"", 0, False)
        return _Taken(heard, callers, bound=bound)


def _squat(port: int, answer: Callable[[bytes], bytes], told: Connection) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    told.send("ready")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound = False
    while not bound and not told.poll():
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen(64)
            bound = True
    heard, callers = _listen(listener, answer, told) if bound else (b"", 0)
    told.send((heard, callers, bound))
    time.sleep(1.0)


def _listen(
    listener: socket.socket, answer: Callable[[bytes], bytes], told: Connection
) -> tuple[bytes, int]:
    """Take whoever comes, until told to leave."""
    listener.settimeout(LISTENING_SECONDS)
    callers: list[socket.socket] = []
    count, heard = 0, b""
    while not told.poll():
        with contextlib.suppress(TimeoutError):
            caller = listener.accept()[0]
            caller.setblocking(False)
            caller.send(answer(b""))
            callers.append(caller)
            count += 1
        for caller in list(callers):
            try:
                data = caller.recv(1 << 16)
                caller.send(answer(data) if data else b"")
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            heard += data
            if not data:
                callers.remove(caller)
    for open_one in (*callers, listener):
        open_one.close()
    return heard, count


def _false_nats(heard: bytes) -> bytes:
    """What a server of the protocol says that lets everybody in."""
    if not heard:
        return f"INFO {json.dumps(INFO)}\r\n".encode()
    return b"PONG\r\n" * heard.count(b"PING\r\n")


def _false_icecast(heard: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" if b"\r\n\r\n" in heard else b""


def _opens(target: Target, connect: bytes) -> bool:
    """Whether the true server, back again, takes what the false one was told."""
    port = _listening_port(_part(target, "nats"))
    with socket.create_connection(("127.0.0.1", port), 5.0) as connection:
        connection.recv(4096)
        connection.sendall(b"CONNECT " + connect + b"\r\nPING\r\n")
        said = b""
        with contextlib.suppress(OSError):
            while b"PONG" not in said and (got := connection.recv(4096)):
                said += got
    return b"PONG" in said


def _recovers(target: Target) -> bool:
    """Whether all three ports come to say that they are ready."""

    def ready() -> bool:
        return all(
            status(ask(port, ["GET /ready HTTP/1.1", f"Host: 127.0.0.1:{port}",
                              "Connection: close"], seconds=2.0)) == 200
            for port in target.ports().values()
        )  # fmt: skip

    try:
        return until(ready, RECOVER_SECONDS, every=0.2)
    except AssertionError:
        return False


def _part(target: Target, part: str) -> psutil.Process:
    """The process of this part, waited for."""

    def found() -> psutil.Process | None:
        family = psutil.Process(target.pid).children(recursive=True)
        return next((one for one in family if part_of(one) == part), None)

    return until(found)


def _listening_port(process: psutil.Process) -> int:
    """The port it listens on, waited for."""

    def found() -> int:
        sockets = process.net_connections("tcp")
        return next((one.laddr.port for one in sockets if one.status == psutil.CONN_LISTEN), 0)

    return until(found)


def _secrets(target: Target) -> dict[str, str]:
    """All that is secret, by name, but the demo's key, which is playout's own."""
    folder = Path(target.data_dir) / "secrets"
    found = {file.name: file.read_text().strip() for file in folder.iterdir()
             if file.is_file() and not file.name.startswith("station-")}  # fmt: skip
    run = run_file.read(Path(target.data_dir))
    if run is not None:
        found |= {"database URL": run.database_url, "NATS URL": run.nats_url}
    found["admin password"] = target.password
    return {name: value for name, value in found.items() if value}
