"""Codec workers as processes of their own: they come, they die, they leave nobody behind."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest
from structlog.testing import capture_logs

from support.codec import OPUS, WORK, Client
from support.strangers import as_user
from support.wait import PATIENCE, auntil
from talas_core.supervisor import backoff
from talas_stream.codec import __main__ as forking
from talas_stream.codec import growth
from talas_stream.codec import link as linking
from talas_stream.codec import workers as pool
from talas_stream.codec.confine import OWN_USERS
from talas_stream.codec.forker import Forker
from talas_stream.codec.mark import memory
from talas_stream.codec.messages import Begin, Lacking
from talas_stream.codec.syscalls import MACHINES
from talas_stream.codec.workers import CodecWorkers
from talas_stream.media import LADDER, RATE, SILENT, Frame, Packet


@pytest.fixture
async def forker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Forker]:
    monkeypatch.setenv("TALAS_MASTER_KEY", "00" * 32)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somebody's")
    forker = Forker()
    forker.watch(asyncio.get_running_loop())
    yield forker
    await forker.stop()


def family(forker: Forker) -> list[psutil.Process]:
    """The forker, and its workers."""
    head = psutil.Process(forker.pid)
    return [head, *head.children()]


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def coded(workers: CodecWorkers) -> None:
    """A job from beginning to end."""
    client = Client(workers)
    client.job.open(OPUS, 60 * RATE)
    client.feed()
    client.job.finish()
    await auntil(lambda: client.done)
    assert client.packets(OPUS)[-1].end >= WORK[-1][1].end


async def complete(workers: CodecWorkers) -> bool:
    """Whether no worker is missing: one may be back before the other."""
    with contextlib.suppress(RuntimeError):
        await workers.check()
        return True
    return False


async def test_a_worker_that_dies_takes_its_own_jobs_along_and_comes_back(
    forker: Forker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(pool, "FEW_JOBS", 0)
    workers = CodecWorkers(2, asyncio.get_running_loop(), forker.launch)
    first, second = Client(workers), Client(workers)
    for client in (first, second):
        client.job.open(OPUS, 60 * RATE)
        client.feed()
    await auntil(lambda: first.packets(OPUS) and second.packets(OPUS))
    victim = family(forker)[1]
    with capture_logs() as logs:
        victim.send_signal(signal.SIGSEGV)
        await auntil(lambda: first.done or second.done)
        await auntil(lambda: len(logs) == 2)
    assert first.done + second.done == 1
    assert {line["event"] for line in logs} == {
        "a codec worker has died", "a codec worker has ended",
    }  # fmt: skip
    assert "signal SIGSEGV" in [line.get("how") for line in logs]
    await auntil(lambda: sum(workers.jobs) == 1 and all(load.room for load in workers.loads))
    await coded(workers)
    await auntil(lambda: complete(workers))
    workers.stop()


async def test_worker_that_has_grown_ends_by_itself_and_another_takes_its_place(
    forker: Forker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "STABLE_SECONDS", 0.0)
    workers = CodecWorkers(1, asyncio.get_running_loop(), forker.launch)
    await coded(workers)
    first = family(forker)[1]
    monkeypatch.setattr(growth, "WARM_SECONDS", 0.0)
    monkeypatch.setattr(growth, "SPARE_BYTES", -(1 << 30))
    monkeypatch.setattr(growth, "BUSY_FACTOR", -1024)
    with capture_logs() as logs:
        await coded(workers)
        await auntil(lambda: gone(first))
        # The next has grown as well by this measure, and may be leaving: from here on none does.
        monkeypatch.setattr(growth, "WARM_SECONDS", 1e9)
        await auntil(lambda: not workers.full)
        await coded(workers)
    assert {line["event"] for line in logs} == {"a codec worker has grown"}
    workers.stop()


async def test_forking_process_killed_is_noticed_reaped_and_replaced_and_its_workers_die(
    forker: Forker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.5)
    workers = CodecWorkers(2, asyncio.get_running_loop(), forker.launch)
    await coded(workers)
    await auntil(lambda: len(family(forker)) == 3)
    processes = family(forker)
    with capture_logs() as logs:
        os.kill(forker.pid, signal.SIGKILL)
        # Nobody asks for anything: it is noticed all the same.
        await auntil(lambda: not processes[0].is_running())
        await auntil(lambda: all(gone(process) for process in processes[1:]))
        await auntil(lambda: sum(line["event"] == "a codec worker has died" for line in logs) == 2)
        with pytest.raises(RuntimeError, match="2 of 2 codec workers are missing"):
            await workers.check()
        await auntil(lambda: processes[0].pid != forker.pid)
    told = [line for line in logs if line["event"].startswith("the process that forks")]
    assert [line["how"] for line in told] == ["signal SIGKILL"]
    await auntil(lambda: complete(workers))
    await coded(workers)
    workers.stop()


async def test_worker_given_up_while_it_hangs_is_killed_and_reaped(
    forker: Forker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    workers = CodecWorkers(1, asyncio.get_running_loop(), forker.launch)
    await coded(workers)
    patience = linking.STUCK_SECONDS
    monkeypatch.setattr(linking, "STUCK_SECONDS", 0.0)
    victim = family(forker)[1]
    victim.suspend()
    client = Client(workers)
    client.job.open(OPUS, 60 * RATE)
    while not client.done:
        client.feed()
        await asyncio.sleep(0)
    assert client.lost == 1, "what the worker was at is not this job"
    monkeypatch.setattr(linking, "STUCK_SECONDS", patience)
    await auntil(lambda: not victim.is_running())
    await auntil(lambda: not workers.full)
    await coded(workers)
    assert len(family(forker)) == 2
    workers.stop()


async def test_service_that_ends_leaves_no_process_and_a_signal_to_all_ends_none(
    forker: Forker,
) -> None:
    workers = CodecWorkers(3, asyncio.get_running_loop(), forker.launch)
    await coded(workers)
    await auntil(lambda: len(family(forker)) == 4)
    processes = family(forker)
    for worker in processes[1:]:
        assert os.sched_getscheduler(worker.pid) == os.SCHED_BATCH, "whoever wakes up goes first"
        status = Path(f"/proc/{worker.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert fields["NoNewPrivs"] == "1"
        assert fields["CapEff"] == "0" * 16
        assert fields["Seccomp"] == ("2" if os.uname().machine in MACHINES else "0")
        if os.geteuid() == 0:
            assert worker.uids().effective == OWN_USERS + worker.pid, "no other program's user"
            assert len(os.listdir(f"/proc/{worker.pid}/fd")) == 4, "its link, and the standard ones"  # noqa: PTH208
    for process in processes:
        with contextlib.suppress(psutil.AccessDenied):  # a worker's, to all but root
            names = process.environ().keys()
            assert not names & {"TALAS_MASTER_KEY", "AWS_SECRET_ACCESS_KEY"}, "no decoder needs it"
        assert process.num_threads() == 1, "whoever forks may have no other thread"
        process.terminate()
        process.send_signal(signal.SIGINT)
    await coded(workers)
    # One that hangs is killed in the end.
    processes[1].suspend()
    await forker.stop()
    assert all(gone(process) for process in processes[:2])
    workers.stop()
    await auntil(lambda: all(gone(process) for process in processes))


async def test_no_other_user_may_signal_a_worker(forker: Forker) -> None:
    workers = CodecWorkers(1, asyncio.get_running_loop(), forker.launch)
    await coded(workers)
    worker = family(forker)[1]
    kill = [*as_user(), "kill", "-KILL", str(worker.pid)]
    tried = await asyncio.to_thread(subprocess.run, kill, capture_output=True, check=False)
    assert tried.returncode != 0
    assert worker.is_running()
    await coded(workers)
    workers.stop()


async def test_a_worker_that_fails_ends_and_the_forker_goes_on(forker: Forker) -> None:
    loop = asyncio.get_running_loop()
    mark = memory()
    with capture_logs() as logs, forker.launch(Begin(0, None, "no such kernels"), mark) as link:
        os.close(mark)
        link.setblocking(False)
        assert await asyncio.wait_for(loop.sock_recv(link, 1), PATIENCE) == b""
        await auntil(lambda: logs)
    assert logs[0]["how"] == "exit status 1"
    workers = CodecWorkers(1, loop, forker.launch)
    await coded(workers)
    assert len(family(forker)) == 2
    workers.stop()


async def test_what_the_kernel_lacks_is_logged_by_name(
    forker: Forker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(forker, "_control", ours)
        theirs.send(msgspec.msgpack.encode(Lacking(["namespaces", "Landlock"])))
        forker._heard()
    assert [line["lacking"] for line in logs] == [["namespaces", "Landlock"]]


def test_forking_process_tries_once_what_confining_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "confine", lambda link, parent: ["seccomp"])
    assert forking.tried() == ["seccomp"]

    def failing(link: int, parent: int) -> list[str]:
        raise OSError("nothing of the kind")

    monkeypatch.setattr(forking, "confine", failing)
    assert forking.tried() == ["everything"]


def test_rehearsal_codes_in_every_way_and_starts_no_thread() -> None:
    before = len(list(Path("/proc/self/task").iterdir()))
    forking.rehearse()
    assert len(list(Path("/proc/self/task").iterdir())) == before


def test_worker_that_cannot_be_watched_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(child: int) -> int:
        raise OSError("too many open files")

    monkeypatch.setattr(os, "pidfd_open", refused)
    child = os.fork()
    if not child:
        signal.pause()
    with pytest.raises(OSError, match="too many"):
        forking.Children().add(child, 0)
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)


ONE_WORKER = """
from talas_core.process import hold_standard_streams
from talas_stream.codec.mark import memory
from talas_stream.codec.messages import Begin
from talas_stream.codec.forker import Forker

hold_standard_streams()
with Forker().launch(Begin(0, None, "auto"), memory()) as link:
    link.settimeout(60)
    assert link.recv(1), "its first report"
"""


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-"])
def test_service_whose_standard_streams_are_closed_gets_workers(closed: str) -> None:
    command = [sys.executable, "-c", ONE_WORKER]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command]
    assert subprocess.run(shell, check=False, timeout=120).returncode == 0


async def test_a_confined_worker_fades_to_silence_and_encodes_in_any_shape(
    forker: Forker,
) -> None:
    """What it does when its first source goes was never loaded by a job before."""
    shapes = [
        msgspec.structs.replace(LADDER[name], rate=rate, channels=channels)
        for name, rate, channels in (
            ("mp3", 44_100, 1), ("mp3", 22_050, 2), ("aac", 44_100, 2), ("aac", 48_000, 1),
        )
    ]  # fmt: skip
    workers = CodecWorkers(1, asyncio.get_running_loop(), forker.launch)
    client, end = Client(workers), WORK[-1][1].end
    client.feed()
    for shape in shapes:
        client.job.open(shape, 0, end)
    for number in range(50):
        client.job.feed(Frame(b"", SILENT, 960), Packet(b"", end + 960 * number, 960))
    client.job.finish()
    await auntil(lambda: client.done)
    assert client.lost == 0
    for shape in shapes:
        packets = client.packets(shape)
        assert packets[0].at == end
        assert packets[-1].end >= end + 48_000 - 2_000
    workers.stop()
