"""A codec worker confined: an intruder that took over its decoder finds nothing to take.

Does:        close what the process has open but its link, empty its environment, make it another
             user in namespaces of its own, bound what it may use, and have the kernel refuse it
             files, sockets, programs and other processes.
Never:       undoes any of it; needs a library, a privilege or a file of the machine's.
Guarantees:  what the kernel does not offer is left out and named, everything else is done; the
             process dies with the one that forked it.
Danger:      afterwards no module, codec or library can be loaded: a process is confined once it
             has loaded all of it (see __main__.py), and while it has one thread only.

    environment, descriptors     nothing of the service's is left in the process
    namespaces, user             no network, and no right to the service's files or processes
    limits                       memory, no file, no process, no further descriptor
    Landlock                     no file, no TCP, no signal to others
    seccomp                      no call but those in syscalls.py

From / to:   __main__.py  ->  here
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path

from talas_stream.codec.syscalls import MACHINES, program

MEMORY_BYTES = 4 << 30
"""Address space beyond what is loaded: many times what a hundred stations take."""

SAID_BYTES = 1 << 24
"""What may be added to standard error, where that is a file."""

OWN_USERS = 2_000_000_000
"""A worker of root's becomes the user and the group of this number and its process's: one that
nobody else is, so that no program of the machine may signal it. They lie beyond those that
systemd, containers and `/etc/subuid` hand out."""

NOBODY = 65_534
"""What it becomes instead where there are no such users, as in a container that has 65,536."""

_libc = ctypes.CDLL(None, use_errno=True)

# linux/prctl.h, linux/sched.h, linux/capability.h, linux/seccomp.h
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 1, 4, 38
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x40000000
_CAPABILITIES_VERSION = 0x20080522
_SECCOMP_FILTER, _SECCOMP_AS_QUICK_AS_EVER = 1, 4

# linux/landlock.h; its calls have the same numbers on every machine.
_CREATE_RULESET, _RESTRICT_SELF, _ASK_VERSION = 444, 446, 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many kinds of access to files each version can refuse; later ones one more."""


def confine(link: int, parent: int) -> list[str]:
    """Shut this process in, for good. `link` is the one descriptor it keeps besides standard error;
    `parent` is the process that forked it. Returns what the kernel does not offer, by name."""
    os.environ.clear()
    _close_all_but(link)
    lacks: list[str] = []
    _try(_leave_namespaces, "namespaces", lacks)
    apart = not lacks
    _try(lambda: _leave_user(apart), "another user", lacks)
    _try(lambda: _limit(link), "limits", lacks)
    _call(_libc.prctl, _SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call(_libc.prctl, _SET_DUMPABLE, 0, 0, 0, 0)
    # After the change of user, with which the kernel forgets it.
    _call(_libc.prctl, _SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it was gone before the kernel knew whom to tell
    _try(_refuse_files, "Landlock", lacks)
    _try(_refuse_calls, "seccomp", lacks)
    return lacks


def _try(step: Callable[[], None], name: str, lacks: list[str]) -> None:
    try:
        step()
    except OSError:
        lacks.append(name)


def _close_all_but(link: int) -> None:
    """Leave `link`, and standard error for what a crash has to say."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.closerange(3, link)
    os.closerange(link + 1, os.sysconf("SC_OPEN_MAX"))


def _leave_namespaces() -> None:
    """A network without an interface, and mounts and queues of its own. Root needs no user
    namespace for that, and leaves its user by other means."""
    new = _NEW_MOUNTS | _NEW_IPC | _NEW_NETWORK
    _call(_libc.unshare, new if os.geteuid() == 0 else new | _NEW_USER)


def _leave_user(apart: bool) -> None:
    """Root becomes somebody without a right. Others who are `apart` gave up their user with its
    namespace, and give up the rights that they were given there. Raises OSError where they are who
    they were."""
    root = os.geteuid() == 0
    if root:
        os.setgroups([])
        try:
            _become(OWN_USERS + os.getpid())
        except OSError:
            _become(NOBODY)
    head = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES_VERSION, 0))
    _call(_libc.capset, head, ctypes.create_string_buffer(24))
    if not (root or apart):
        raise OSError("there is no other user to be")


def _become(user: int) -> None:
    """Raises OSError where there is no such user; nothing has changed then, or the group alone."""
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _limit(link: int) -> None:
    """Memory for the work, and nothing of what the work does not need."""
    for what, most in (
        (resource.RLIMIT_AS, _address_space() + MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _said_bytes() + SAID_BYTES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        # `poll` refuses more descriptors than there may be, so that 0 would be too few.
        (resource.RLIMIT_NOFILE, link + 1),
    ):
        # A lower limit that the operator set is kept.
        with contextlib.suppress(ValueError):
            resource.setrlimit(what, (most, most))


def _said_bytes() -> int:
    """Bytes in the file that standard error is; none where it is no file, or closed."""
    with contextlib.suppress(OSError):
        return os.fstat(2).st_size
    return 0


def _address_space() -> int:
    """Bytes that the process has mapped; none where /proc does not tell."""
    try:
        # Bytes: as another user, Python may be unable to load the decoder of a text.
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
        return pages * resource.getpagesize()
    except OSError:
        return 0


def _refuse_files() -> None:
    """Landlock, without a rule: whatever it knows of is refused."""
    version = _call(_libc.syscall, _CREATE_RULESET, None, 0, _ASK_VERSION)
    files = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    network = 0b11 if version >= 4 else 0  # to bind, to connect
    scope = 0b11 if version >= 6 else 0  # abstract sockets, signals
    asked = struct.pack("=QQQ", files, network, scope)
    size = 8 * (1 + (version >= 4) + (version >= 6))
    rules = _call(_libc.syscall, _CREATE_RULESET, asked, size, 0)
    try:
        _call(_libc.syscall, _RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _refuse_calls() -> None:
    """seccomp, with what is in syscalls.py. Raises OSError on a machine that is not in there."""
    machine = MACHINES.get(os.uname().machine)
    if machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise OSError("no filter for this machine")
    steps = program(machine, os.getpid())
    kept = ctypes.create_string_buffer(steps, len(steps))
    # struct sock_fprog: how many steps of eight bytes, and where.
    asked = struct.pack("@HP", len(steps) // 8, ctypes.addressof(kept))
    _call(_libc.syscall, machine.seccomp, _SECCOMP_FILTER, _SECCOMP_AS_QUICK_AS_EVER, asked)


def _call(function: Callable[..., int], *arguments: object) -> int:
    """A call into the kernel. Raises OSError."""
    result = function(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
