"""Bad days: what the real product does when it, or what it stands on, is killed or refused.

An installation of each kind, on its own PostgreSQL and NATS or on those of the machine, goes
through the same deaths. What an operator gets wrong must cost them one clear line, and leave
nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support import external
from support.people import Person
from support.ports import free_port
from support.processes import gone
from support.serve import ROOT, STOP_SECONDS, Served, run_talas, running_serve
from support.strangers import as_user, python_for_others
from support.wait import PATIENCE, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

KINDS = ["embedded", "external"]


class Installation:
    """A running Talas and the servers it stands on."""

    def __init__(self, served: Served, outside: external.External | None) -> None:
        self.served = served
        self._outside = outside

    def kill(self, name: str) -> None:
        """Kill a part, wherever it is. An external server is started again by its own keeper."""
        if self._outside and name in ("postgres", "nats"):
            self._outside.kill(name)
        else:
            self.served.child(name).kill()

    @property
    def keeps_its_servers(self) -> bool:
        return self._outside is None


@contextlib.contextmanager
def open_installation(kind: str, folder: Path, *args: str) -> Iterator[Installation]:
    """An installation of one kind, started, not waited for. Skips where its servers are not."""
    if kind == "external" and not (external.postgres_programs() and external.nats_program()):
        pytest.skip("needs the Debian packages postgresql and nats-server")
    outside = external.External() if kind == "external" else None
    try:
        with running_serve(folder, *args, env=outside.env if outside else {}) as served:
            yield Installation(served, outside)
    finally:
        if outside:
            outside.close()


@pytest.fixture(scope="module", params=KINDS)
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """One installation of each kind, for all tests that leave it running."""
    with open_installation(
        request.param, tmp_path_factory.mktemp("installation"), "--demo"
    ) as opened:
        opened.served.wait_ready()
        yield opened


@pytest.fixture(scope="module")
def resident(installation: Installation) -> Person:
    """Somebody with an account there."""
    person = Person(installation.served.api, "resident")
    assert person.register() == 201
    assert person.sign_in() == 200
    return person


@pytest.mark.parametrize("name", ["postgres", "nats", "api-1", "stream", "playout"])
def test_killed_process_comes_back_and_nothing_is_lost(
    name: str, installation: Installation, resident: Person
) -> None:
    served = installation.served
    known = len(served.events())
    installation.kill(name)
    if installation.keeps_its_servers or name not in ("postgres", "nats"):
        assert served.ends(name, known) == "signal SIGKILL"
        assert served.child(name).is_running()
    served.wait_ready()
    assert until(lambda: resident.sign_in() == 200)
    assert resident.profile()[0] == 200
    assert served.process.poll() is None


@pytest.mark.parametrize("kind", KINDS)
def test_killed_supervisor_ends_all_and_the_next_start_has_all(kind: str, tmp_path: Path) -> None:
    with open_installation(kind, tmp_path, "--demo") as opened:
        served = opened.served.wait_ready()
        person = Person(served.api, "survivor")
        assert person.register() == 201
        assert person.sign_in() == 200
        key = (served.data_dir / "secrets" / "station-live.key").read_text()
        family = served.family()
        served.process.kill()
        served.process.wait()
        served.start()
        served.wait_ready()
        assert all(gone(each.pid) for each in family)
        assert person.profile()[0] == 200  # the keys that sign tokens are the same
        assert person.sign_in() == 200
        assert (served.data_dir / "secrets" / "station-live.key").read_text() == key
        assert served.stop() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_sigterm_drains_and_the_next_start_has_all(kind: str, tmp_path: Path) -> None:
    with open_installation(kind, tmp_path, "--demo") as opened:
        served = opened.served.wait_ready()
        family = served.family()
        assert served.stop(signal.SIGTERM) == 0
        assert all(gone(each.pid) for each in family)
        assert not (served.data_dir / "run.json").exists()
        stopped = [row for row in served.events() if row["event"] == "child stopped"]
        assert {row["how"] for row in stopped} == {"exit status 0"}
        served.start()
        served.wait_ready()
        assert served.stop() == 0


def test_two_starts_at_once_on_one_directory_leave_one_running(tmp_path: Path) -> None:
    with running_serve(tmp_path, first_start=True) as first:
        second = subprocess.Popen(
            (sys.executable, "-P", "-m", "talas_core", "serve"), cwd=tmp_path, text=True,
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            env={**first.env, **_other_ports()},
        )  # fmt: skip
        until(lambda: first.process.poll() is not None or second.poll() is not None)
        if first.process.poll() is None:
            assert second.stderr
            status, text, winner = second.wait(), second.stderr.read(), first.process
            first.wait_ready()
        else:
            status, text, winner = first.process.returncode, first.log(), second
        assert status == 2
        assert text.startswith("talas: TALAS_DATA_DIR: ")
        assert f"in use by another Talas (process {winner.pid})" in text
        assert text.count("\n") == 1
        second.terminate()
        second.communicate()


@pytest.mark.parametrize("name", ["a space in it", "x" * 150])
def test_data_directory_may_have_any_path(name: str, tmp_path: Path) -> None:
    env = {"TALAS_DATA_DIR": str(tmp_path / name)}
    with running_serve(tmp_path, env=env, first_start=True) as served:
        served.wait_ready()
        assert len(os.fsencode(served.data_dir)) > 150 or " " in name
        assert Person(served.api, "somebody").register() == 201
        assert served.stop() == 0
        assert not any("/socket.path" in str(path) for path in served.data_dir.iterdir())


@pytest.mark.parametrize("uid", [65534, 54321], ids=["named", "nameless"])
def test_ordinary_user_runs_talas(uid: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests show it: they are run by an ordinary user")
    prefix = as_user(uid)
    folder = Path(tempfile.mkdtemp(prefix="talas-user-"))
    os.chown(folder, uid, uid)
    packages = sysconfig.get_path("purelib")
    env = {"HOME": str(folder), "PYTHONPATH": f"{ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        with running_serve(folder, env=env, prefix=prefix, python=python_for_others()) as served:
            served.wait_ready()
            assert psutil.Process(served.process.pid).uids().real == uid
            assert served.child("postgres").uids().real == uid
            assert Person(served.api, "ordinary").register() == 201
            assert served.stop() == 0
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["TALAS_API_PORT", "TALAS_CHAT_PORT", "TALAS_STREAM_PORT"])
def test_start_on_a_taken_port_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(tmp_path, {name: port}, f"{name}: cannot listen on 127.0.0.1:{port}: Address")


def test_start_in_a_directory_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(tmp_path, {"TALAS_DATA_DIR": str(tmp_path / "file" / "var")}, "TALAS_DATA_DIR: cannot")


def test_start_with_a_database_that_refuses_is_refused_by_name(tmp_path: Path) -> None:
    url = f"postgresql://me:hush@127.0.0.1:{free_port()}/x"
    text = refused(tmp_path, {"TALAS_DATABASE_URL": url}, "TALAS_DATABASE_URL: the database refus")
    assert "hush" not in text


def test_start_with_a_nats_server_that_refuses_is_refused_by_name(tmp_path: Path) -> None:
    url = f"nats://hush@127.0.0.1:{free_port()}"
    text = refused(tmp_path, {"TALAS_NATS_URL": url}, "TALAS_NATS_URL: the server refuses")
    assert "hush" not in text


def test_start_on_another_release_s_database_is_refused_by_name(tmp_path: Path) -> None:
    cluster = tmp_path / "var" / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("12\n")
    outcome = run_talas(tmp_path, "serve", env={
        "TALAS_DATA_DIR": str(tmp_path / "var"), "TALAS_MASTER_KEY": "ab" * 32,
        **_other_ports()})  # fmt: skip
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(f"talas: {cluster} was made by PostgreSQL 12")
    assert outcome.stderr.count("\n") == 1


def test_start_as_root_that_may_become_nobody_else_is_refused_by_name(tmp_path: Path) -> None:
    """A container whose root is alone: no further namespace, and no other user to become."""
    alone = ("unshare", "-Ur", "sh", "-c",
             'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "sh")  # fmt: skip
    try:
        possible = (
            subprocess.run((*alone, "true"), capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("needs unshare, and leave to make a user namespace")
    outcome = run_talas(tmp_path, "serve", env={
        "TALAS_DATA_DIR": str(tmp_path / "var"), **_other_ports()}, prefix=alone)  # fmt: skip
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("talas: PostgreSQL does not run as root, and ")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize("service", ["talas_api", "talas_stream"])
def test_service_started_alone_says_what_it_lacks(service: str, tmp_path: Path) -> None:
    outcome = subprocess.run(
        (sys.executable, "-P", "-m", service), cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert outcome.returncode == 2
    assert outcome.stderr.count("\n") == 1
    assert "TALAS_NATS_URL" in outcome.stderr


def test_ctrl_c_on_a_terminal_ends_talas_in_order(tmp_path: Path) -> None:
    with on_terminal(tmp_path) as (served, terminal):
        shown = bytearray()
        os.set_blocking(terminal, False)

        def is_told() -> bool:
            shown.extend(os.read(terminal, 65_536))
            return b"Ctrl-C" in shown

        until(is_told)
        key = (served.data_dir / "secrets" / "station-live.key").read_text().strip()
        assert f"icecast://source:{key}@127.0.0.1:{served.stream}/live" in shown.decode()
        family = served.family()
        os.write(terminal, b"\x03")
        assert served.process.wait(STOP_SECONDS) == 0
        assert all(gone(each.pid) for each in family)
        stopped = {row["child"]: row["how"] for row in served.events()
                   if row["event"] == "child stopped"}  # fmt: skip
        assert stopped["postgres"] == stopped["nats"] == "exit status 0"
        assert key not in served.log()


def refused(folder: Path, env: dict[str, str], problem: str) -> str:
    """`talas serve` exits with 2 after one line with `problem`, and leaves nothing. The line."""
    settings = {"TALAS_DATA_DIR": str(folder / "var"), **_other_ports(), **env}
    before = sorted(folder.rglob("*"))
    outcome = run_talas(folder, "serve", "--demo", env=settings)
    assert outcome.returncode == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith(f"talas: {problem}")
    assert outcome.stderr.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
    return outcome.stderr


@contextlib.contextmanager
def on_terminal(folder: Path) -> Iterator[tuple[Served, int]]:
    """A demo whose operator sits at a terminal; the log goes to a file."""
    ours, theirs = pty.openpty()
    prefix = ("/bin/sh", "-c", f'exec "$@" 0<>"{os.ttyname(theirs)}" 1>&0', "sh")
    try:
        with running_serve(folder, "--demo", prefix=prefix) as served:
            yield served, ours
    finally:
        os.close(theirs)
        os.close(ours)


def _other_ports() -> dict[str, str]:
    return {name: str(free_port())
            for name in ("TALAS_API_PORT", "TALAS_CHAT_PORT", "TALAS_STREAM_PORT")}  # fmt: skip
