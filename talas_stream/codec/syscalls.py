"""What a confined codec worker may still ask of the kernel, as a seccomp filter.

Does:        list the few system calls that computing, sleeping and talking over an open socket
             take; make of them the program that the kernel runs at each call.
Never:       lets through what opens, connects, starts, traces or signals anything, or makes memory
             executable; knows a machine other than those in the table.
Guarantees:  what is not listed fails with EPERM, so that a library which asks for more goes on
             without; calls of another machine's numbering end the process.
From / to:   confine.py  ->  here
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """One machine's numbering. `arch` is its AUDIT_ARCH (linux/audit.h), `seccomp` the number of
    that call, `free` the calls let through whatever their arguments. `mapping` may make no memory
    executable, `affinity` (sched_setaffinity, see `one_cpu`) is for the process itself, and so is
    `signal` (tgkill), by which it ends."""

    arch: int
    seccomp: int
    free: Mapping[str, int]
    mapping: Mapping[str, int]
    affinity: int
    signal: int


MACHINES: dict[str, Machine] = {
    "x86_64": Machine(
        arch=0xC000003E, seccomp=317,
        free={
            "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "munmap": 11,
            "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "readv": 19,
            "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35,
            "getitimer": 36, "setitimer": 38, "getpid": 39, "sendto": 44, "recvfrom": 45,
            "shutdown": 48, "exit": 60, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99,
            "times": 100, "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
            "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
            "clock_nanosleep": 230, "exit_group": 231, "ppoll": 271, "set_robust_list": 273,
            "getrandom": 318, "membarrier": 324, "rseq": 334,
        },
        mapping={"mmap": 9, "mprotect": 10}, affinity=203, signal=234,
    ),
    "aarch64": Machine(
        arch=0xC00000B7, seccomp=277,
        free={
            "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66,
            "ppoll": 73, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
            "set_robust_list": 99, "nanosleep": 101, "getitimer": 102, "setitimer": 103,
            "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
            "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128,
            "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
            "times": 153, "getrusage": 165, "gettimeofday": 169, "getpid": 172, "gettid": 178,
            "sysinfo": 179, "sendto": 206, "recvfrom": 207, "shutdown": 210, "brk": 214,
            "munmap": 215, "mremap": 216, "madvise": 233, "getrandom": 278, "membarrier": 283,
            "rseq": 293,
        },
        mapping={"mmap": 222, "mprotect": 226}, affinity=122, signal=131,
    ),
}  # fmt: skip
"""By what `os.uname` calls them."""

# linux/bpf_common.h, linux/seccomp.h
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_PROT_EXEC = 4


def program(machine: Machine, process: int) -> bytes:
    """The filter, an array of struct sock_filter, for `process` alone: it may signal itself."""
    # Every check is whole in itself: a jump never leads further than over what follows it.
    steps = [
        _step(_LOAD, _ARCH), _step(_EQUAL, machine.arch, 1, 0), _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]  # fmt: skip
    for number in machine.free.values():
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ALLOW)]
    for number in machine.mapping.values():
        steps += _where(number, 2, _step(_ANY_BIT, _PROT_EXEC, 1, 0))
    steps += _where(machine.affinity, 0, _step(_EQUAL, 0, 0, 1))
    steps += _where(machine.signal, 0, _step(_EQUAL, process, 0, 1))
    return b"".join([*steps, _step(_RETURN, _FAIL)])


def _where(number: int, argument: int, allowed: bytes) -> list[bytes]:
    """Let call `number` through where the test `allowed` of its `argument` does not jump."""
    # The lower half of the argument, of eight bytes: both machines are little-endian, and what is
    # tested is an int to the kernel as well.
    low = _step(_LOAD, _ARGUMENTS + 8 * argument)
    answers = [_step(_RETURN, _ALLOW), _step(_RETURN, _FAIL)]
    return [_step(_EQUAL, number, 0, 4), low, allowed, *answers]


def _step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    """A struct sock_filter: what to do, and how many steps to leave out after a test."""
    return struct.pack("=HBBI", code, true, false, value)
