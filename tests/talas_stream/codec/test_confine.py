"""What a confined process can still do: nothing but compute and talk over its one socket."""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talas_stream.codec import confine as confining
from talas_stream.codec.confine import NOBODY, confine
from talas_stream.codec.syscalls import MACHINES

PTRACE_ATTACH = 16
KNOWN = os.uname().machine in MACHINES
libc = ctypes.CDLL(None, use_errno=True)


def called(name: str, *arguments: object) -> None:
    """Call libc. Raises OSError."""
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def memory_of(parent: int) -> None:
    """Read eight bytes of another process."""
    here = ctypes.create_string_buffer(8)
    ours = (ctypes.c_void_p * 2)(ctypes.addressof(here), 8)
    theirs = (ctypes.c_void_p * 2)(id(parent), 8)
    called("process_vm_readv", parent, ours, 1, theirs, 1, 0)


def attempts(parent: int, secret: Path, port: int, taken: int) -> dict[str, Callable[[], object]]:
    """What somebody who has broken into a decoder may want."""
    return {
        "read a secret": secret.read_bytes,
        "write a file": lambda: Path("/tmp/talas-captive").write_bytes(b""),
        "list a directory": lambda: os.listdir("/"),  # noqa: PTH208
        "connect": lambda: socket.create_connection(("127.0.0.1", port), 1),
        "open a Unix socket": lambda: socket.socket(socket.AF_UNIX).connect("\0talas-captive"),
        "use a descriptor of its parent's": lambda: os.read(taken, 1),
        "run a shell": lambda: os.execv("/bin/sh", ["sh", "-c", "exit 0"]),  # noqa: S606
        "fork": lambda: os.fork() or os._exit(0),
        "read its parent's environment": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "open its parent's memory": lambda: Path(f"/proc/{parent}/mem").open("rb"),
        "read its parent's memory": lambda: memory_of(parent),
        "trace its parent": lambda: called("ptrace", PTRACE_ATTACH, parent, 0, 0),
        "kill its parent": lambda: os.kill(parent, signal.SIGKILL),
        "become root": lambda: os.setuid(0),
        "run bytes": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
        "have more memory": lambda: bytearray(confining.MEMORY_BYTES + (1 << 30)),
        "see the environment": lambda: os.environ["TALAS_MASTER_KEY"],
    }


def succeeded(
    secret: Path, port: int, but: frozenset[str] = frozenset()
) -> tuple[set[str], list[str]]:
    """What a confined child managed to do, and what the kernel lacks. `but` is not tried."""
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    "127.0.0.1".encode("idna")  # to connect takes it, and it is loaded when first used
    taken = os.open(os.devnull, os.O_RDONLY)
    child = os.fork()
    if not child:
        try:
            tried = attempts(parent, secret, port, taken)
            lacks = confine(theirs.fileno(), parent)
            done = []
            for name, attempt in tried.items():
                with contextlib.suppress(OSError, KeyError, MemoryError, ValueError):
                    if name not in but:
                        attempt()
                        done.append(name)
            theirs.sendall(json.dumps([done, lacks]).encode())
        except BaseException as error:
            theirs.sendall(json.dumps([[repr(error)], []]).encode())
        finally:
            os._exit(1)
    theirs.close()
    os.close(taken)
    with ours:
        ours.settimeout(30)
        said = ours.recv(1 << 16)
    os.waitpid(child, 0)
    done, lacks = json.loads(said)
    return set(done), lacks


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALAS_MASTER_KEY", "00" * 32)
    folder = tmp_path / "var" / "secrets"
    folder.mkdir(parents=True)
    (folder / "master.key").write_text("00" * 32)
    return folder / "master.key"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(not KNOWN, reason="no seccomp filter for this machine")
def test_confined_process_can_do_nothing_that_an_intruder_wants(secret: Path, port: int) -> None:
    done, lacks = succeeded(secret, port)
    assert "seccomp" not in lacks
    assert done == set()


@pytest.mark.skipif(not KNOWN, reason="no seccomp filter for this machine")
def test_seccomp_alone_refuses_everything(
    secret: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer in ("_leave_namespaces", "_leave_user", "_refuse_files"):
        monkeypatch.setattr(confining, layer, lambda *_: None)
    assert succeeded(secret, port)[0] <= {"become root"}, "no root to be had: it is what it was"


def test_without_seccomp_the_rest_refuses_files_network_and_processes(
    secret: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError("not in this kernel")

    monkeypatch.setattr(confining, "_refuse_calls", refused)
    done, lacks = succeeded(secret, port)
    if set(lacks) - {"seccomp"}:
        pytest.skip(f"this kernel lacks {lacks}")
    assert done <= {"run bytes"}


def test_what_the_kernel_lacks_is_named_and_the_rest_is_done(
    secret: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("not in this kernel")

    for layer in ("_leave_namespaces", "_leave_user", "_refuse_files", "_refuse_calls"):
        monkeypatch.setattr(confining, layer, refused)
    kept = frozenset((
        "use a descriptor of its parent's", "see the environment", "have more memory",
        "fork",
    ))  # fmt: skip
    others = frozenset(attempts(0, secret, port, 0)) - kept
    done, lacks = succeeded(secret, port, but=others)
    assert lacks == ["namespaces", "another user", "Landlock", "seccomp"]
    assert not done or (os.geteuid() == 0 and done == {"fork"}), "no limit of processes binds root"


def test_process_without_root_and_namespaces_lacks_another_user(
    secret: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError("not in this container")

    monkeypatch.setattr(confining, "_leave_namespaces", refused)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    _, lacks = succeeded(secret, port, but=frozenset(attempts(0, secret, port, 0)))
    assert lacks[:2] == ["namespaces", "another user"]


def test_process_whose_standard_error_is_closed_is_confined_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(descriptor: int) -> os.stat_result:
        if descriptor == 2:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return fstat(descriptor)

    fstat = os.fstat

    limits: dict[int, int] = {}
    monkeypatch.setattr(os, "fstat", closed)
    monkeypatch.setattr(resource, "setrlimit", lambda what, most: limits.update({what: most[0]}))
    confining._limit(5)
    assert limits[resource.RLIMIT_FSIZE] == confining.SAID_BYTES
    assert limits[resource.RLIMIT_NOFILE] == 6


def test_confined_process_dies_where_its_parent_has_gone(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        try:
            confine(theirs.fileno(), parent=1 << 22)
            theirs.send(b"still there")
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        ours.settimeout(30)
        assert ours.recv(99) == b"", "nobody's child does not go on"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_worker_of_root_where_there_are_no_users_to_spare_becomes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[tuple[str, int]] = []

    def become(name: str, user: int) -> None:
        if user > 65_535:
            raise OSError(errno.EINVAL, "a container has no more")
        became.append((name, user))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "setgroups", lambda groups: became.append(("groups", len(groups))))
    monkeypatch.setattr(os, "setresgid", lambda user, *_: become("group", user))
    monkeypatch.setattr(os, "setresuid", lambda user, *_: become("user", user))
    monkeypatch.setattr(confining, "_call", lambda *_: 0)
    confining._leave_user(apart=False)
    assert became == [("groups", 0), ("group", NOBODY), ("user", NOBODY)]
