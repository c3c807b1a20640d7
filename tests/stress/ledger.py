"""What must hold, how often it was looked at, and when it did not.

Does:        count each check of each invariant; keep the first violations with their time and the
             faults around it; keep totals; draw the table.
Never:       decides what a violation is: that is for those who look.
Guarantees:  a row that was never checked says so; it does not look like one that held.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec

ONCE, OFFSETS, HISTORY, NONCES = "once", "offsets", "history", "nonces"
RESUME, INTERNAL, REPLAY, SESSIONS = "resume", "internal", "replay", "sessions"
SIGN_OUT, NO_ACK, GAP, BODY, FRAMES = "sign-out", "no-ack", "gap", "body", "frames"
SOURCE, HEALTHY, PROCESSES, MEMORY, LOG = "source", "healthy", "processes", "memory", "log"

INVARIANTS = {
    ONCE: "an acknowledged message is delivered to every member once, at its offset",
    OFFSETS: "offsets rise by one at every member, and in history",
    HISTORY: "a page of history agrees with what was delivered",
    NONCES: "no message exists twice, and none that was not sent",
    RESUME: "a member who comes back misses nothing",
    INTERNAL: "no request is answered with an error of ours",
    REPLAY: "a used refresh token that is shown later is refused, and ends its session",
    SESSIONS: "no session ends that its client did not end",
    SIGN_OUT: "every worker refuses a second after a sign-out",
    NO_ACK: "no chat socket is acknowledged to a second after its sign-out",
    GAP: "no listener has a gap over a second",
    BODY: "no listener's stream ends",
    FRAMES: "a listener's bytes are whole frames",
    SOURCE: "a source with its key is let on the air",
    HEALTHY: "all is healthy within 10 s of the last fault",
    PROCESSES: "no process is left over or defunct",
    MEMORY: "the memory of a process stays flat",
    LOG: "the log has no traceback",
}
"""In the order of the table."""
KEPT = 5
"""Violations of one row that are told in full."""


class Row(msgspec.Struct):
    """One invariant's counts, and the first sentences on what was wrong."""

    checked: int = 0
    violated: int = 0
    examples: list[str] = msgspec.field(default_factory=list)


class Ledger:
    """All rows. `around(begin, end)` names the faults of that time, in seconds since the start,
    which was at `began_at`."""

    def __init__(
        self,
        around: Callable[[float, float], Iterable[str]] = lambda begin, end: (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rows = {name: Row() for name in INVARIANTS}
        self.totals: Counter[str] = Counter()
        self.around = around
        self._clock = clock
        self._began = clock()
        self.began_at = datetime.now(UTC)

    def begin(self) -> None:
        """The start is now."""
        self._began = self._clock()
        self.began_at = datetime.now(UTC)

    def now(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    def check(
        self, name: str, held: bool, problem: str = "",
        *, since: float | None = None, at: float | None = None,
    ) -> bool:  # fmt: skip
        """Count a look at an invariant; `problem` tells what is so where it is not `held`,
        and is empty for one more of what was told already.

        `at` is when that showed, in seconds since the start, and `since` when it may have begun;
        both are just now where they are not given.
        """
        row = self.rows[name]
        row.checked += 1
        if held:
            return True
        row.violated += 1
        if problem and len(row.examples) < KEPT:
            at = self.now() if at is None else at
            faults = ", ".join(self.around(at if since is None else since, at)) or "none"
            row.examples.append(f"{at:.1f} s: {problem} [faults: {faults}]")
        return False

    @property
    def violated(self) -> list[str]:
        """The names of the invariants that did not hold."""
        return [name for name, row in self.rows.items() if row.violated]

    def table(self) -> str:
        """The rows, then what was wrong, then the totals."""
        lines = [f"{'invariant':10} {'checked':>9} {'violated':>8}  sentence"]
        for name, row in self.rows.items():
            count = f"{row.checked:9,}" if row.checked else f"{'never':>9}"
            lines.append(f"{name:10} {count} {row.violated:8,}  {INVARIANTS[name]}")
        for name in self.violated:
            row = self.rows[name]
            lines += ["", f"{name}: the first {len(row.examples)} of {row.violated}"]
            lines += [f"  {example}" for example in row.examples]
        totals = [f"{what} {count:,}" for what, count in sorted(self.totals.items())]
        return "\n".join([*lines, "", "totals: " + ", ".join(totals)])
