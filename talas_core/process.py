"""A child process that cannot outlive the one that started it.

Does:        start a program in a session of its own, wait for it on the event loop, hand over its
             output line by line.
Never:       starts a thread or a shell; lets a terminal's Ctrl-C reach the child.
Guarantees:  when the starting thread's process dies, however it dies, the kernel sends the child
             its death signal; a child that lost that race never runs.
Danger:      `spawn` forks; the kernel ties the death signal to the thread that called it, so call
             it from a thread that lives as long as the children should.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

LineHandler = Callable[[str], None]

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_LINE_LIMIT = 8192
_READ_BYTES = 65_536
_libc = ctypes.CDLL(None, use_errno=True)


def hold_standard_streams() -> None:
    """Put nothing in the place of each standard stream that this process was started without: a
    socket would get its number, and what a library or a child writes there. Call it first."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: PTH123, SIM115 - it stays; the lowest number
            os.set_inheritable(stream.fileno(), number == stream.fileno())
            setattr(sys, name, stream)


def close_to_others() -> None:
    """From now on no process but root's may read this one's environment or memory (prctl(2),
    PR_SET_DUMPABLE): not even one of the same user, such as a decoder that was broken into. What
    is executed from here is open again. There is no core dump, either."""
    _libc.prctl(_PR_SET_DUMPABLE, 0)


class Process:
    """A running child. Made by `spawn`, used on the loop that made it."""

    def __init__(self, popen: subprocess.Popen[bytes], on_line: LineHandler | None) -> None:
        self._popen = popen
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._pidfd = os.pidfd_open(popen.pid)
        self._loop.add_reader(self._pidfd, self._on_exit)
        self._lines = _Lines(popen, on_line) if on_line else None

    @property
    def pid(self) -> int:
        """The child's process id; of no use once `running` is False."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the child has not been seen to end."""
        return not self._exit.done()

    async def wait(self) -> int:
        """The exit status; minus the signal's number where a signal ended it."""
        return await asyncio.shield(self._exit)

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens once the child has ended."""
        if self.running:
            self._popen.send_signal(number)

    def feed(self, text: str) -> None:
        """Put a few KiB on the child's standard input, a pipe, and close it."""
        assert self._popen.stdin is not None  # noqa: S101 - `spawn` was asked for the pipe
        with contextlib.suppress(BrokenPipeError):  # it ended unread; its status tells why
            self._popen.stdin.write(text.encode())
            self._popen.stdin.close()

    async def stop(self, number: int, seconds: float) -> int:
        """Send `number`, allow `seconds`, then SIGKILL. Returns the exit status."""
        self.signal(number)
        try:
            async with asyncio.timeout(seconds):
                return await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        status = self._popen.wait()
        try:
            if self._lines:
                self._lines.drain()
        finally:  # whatever its last words did to their hearer, it has ended
            if not self._exit.done():
                self._exit.set_result(status)


class _Lines:
    """The child's standard output and error, cut into lines."""

    def __init__(self, popen: subprocess.Popen[bytes], on_line: LineHandler) -> None:
        assert popen.stdout is not None  # noqa: S101 - `spawn` asked for the pipe
        self._pipe = popen.stdout
        self._on_line = on_line
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        os.set_blocking(self._pipe.fileno(), False)
        self._loop.add_reader(self._pipe.fileno(), self.pump)

    def drain(self) -> None:
        """Hand over all that has arrived; what the child's own children say later still comes."""
        while self.pump():
            pass

    def pump(self) -> bool:
        """Hand over some of what has arrived; at the end, let go of the pipe. False: no more."""
        if self._pipe.closed:
            return False
        try:
            data = os.read(self._pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._pipe.fileno())
            self._pipe.close()
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data or len(self._rest) > _LINE_LIMIT:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if line:
                self._on_line(line.decode(errors="replace"))
        return bool(data)


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    death_signal: int = signal.SIGKILL,
    become: Callable[[], None] | None = None,
    on_line: LineHandler | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> Process:
    """Start `argv`. With `on_line`, its output comes here; without, it goes where ours goes.

    `become` runs in the child before the program, e.g. to give up rights. Raises OSError if the
    program cannot be run, subprocess.SubprocessError if `become` failed.
    """
    popen = subprocess.Popen(
        [os.fspath(part) for part in argv], env=dict(env), stdin=stdin,
        stdout=subprocess.PIPE if on_line else stdout,
        stderr=subprocess.STDOUT if on_line else None,
        start_new_session=True, preexec_fn=_child_side(death_signal, become),  # noqa: PLW1509
    )  # fmt: skip
    return Process(popen, on_line)


class Outcome(msgspec.Struct, frozen=True):
    """How a program that ran to its end went. `output` holds both of its streams."""

    status: int
    output: str


async def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    become: Callable[[], None] | None = None,
    feed: str = "",
) -> Outcome:
    """Run `argv` to its end, `feed` (a few KiB at most) on its standard input.

    Raises as `spawn` does. A cancelled run kills the program.
    """
    lines: list[str] = []
    process = spawn(argv, env=env, become=become, on_line=lines.append, stdin=subprocess.PIPE)
    try:
        process.feed(feed)
        return Outcome(await process.wait(), "\n".join(lines))
    finally:
        process.signal(signal.SIGKILL)


def describe(status: int) -> str:
    """An exit status in words: `exit status 3`, `signal SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def _child_side(death_signal: int, become: Callable[[], None] | None) -> Callable[[], None]:
    """What the forked child does before it becomes the program."""
    parent = os.getpid()

    def in_child() -> None:
        # Who is closed to others does not own its files in /proc, which `become` may write.
        _libc.prctl(_PR_SET_DUMPABLE, 1)
        if become:
            become()
        # After `become`: the kernel forgets the death signal when credentials change.
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the kernel knew whom to tell

    return in_child
