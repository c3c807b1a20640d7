"""Attack a fresh Talas, and tell what each attack cost everybody else on it.

    python -m tests.attack.run --seconds 10 --only pings --json attack.json

Does:        start Talas with its demo, listeners, pollers and somebody who chats; attack it in one
             way after the other, after an honest source for comparison; print the bars, and a line
             for each. Where it does not get over one, the next is against another fresh one.
Guarantees:  the exit code is 0 only when everything was refused as it must be and nobody else paid
             more than the bars allow.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import msgspec

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from attack.bars import BARS, MEGABYTE, Bar, Measured  # noqa: E402
from attack.siege import Result, besieged  # noqa: E402
from attack.table import ATTACKS, BY_NAME, HONEST, Attack  # noqa: E402

QUIET_SECONDS = 8.0
HEAD = (f"{'attack':<20} {'sent':>8} {'its CPU':>7} {'our CPU':>7} {'health p50/p99/max ms':>22} "
        f"{'chat p99':>8} {'gap':>7} {'memory':>8}  verdict")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the attacks; 0 when all were stood."""
    parser = argparse.ArgumentParser(prog="attack", description="Attack a fresh Talas.")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each attack, at most")
    parser.add_argument("--only", action="append", choices=sorted(BY_NAME), metavar="NAME",
                        help="may be given again; one of " + ", ".join(BY_NAME))  # fmt: skip
    parser.add_argument("--json", type=Path, help="write all that was measured there")
    options = parser.parse_args(arguments)
    chosen = [BY_NAME[name] for name in options.only] if options.only else [HONEST, *ATTACKS]
    results: list[Result] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    with tempfile.TemporaryDirectory(prefix="talas-attack-") as folder:
        for bar in BARS:
            _say(f"at most {_most(bar):>8} {bar.name:<16} {bar.reason}")
        _say(f"\n{HEAD}")
        while len(results) < len(chosen):
            home = Path(folder) / f"{len(results)}"
            home.mkdir()
            results += _attacked(home, chosen[len(results) :], options.seconds)
    _finish(results, options.json)
    return 0 if all(result.passed for result in results) else 1


def _attacked(folder: Path, attacks: list[Attack], seconds: float) -> list[Result]:
    """The attacks on one fresh service, up to the first that it has not got over in time."""
    results: list[Result] = []
    with besieged(folder, QUIET_SECONDS) as siege:
        _say(f"{'(quiet)':<20} {'':>8} {'':>7} {'':>7} {_costs(siege.quiet)}")
        for attack in attacks:
            results.append(siege.attack(attack, seconds, BARS))
            _say(_row(results[-1]))
            if not results[-1].settled:
                break
    return results


def _most(bar: Bar) -> str:
    if bar.unit == "bytes":
        return f"{bar.most / MEGABYTE:g} MB"
    return f"{bar.most:g} {bar.unit}".rstrip()


def _row(result: Result) -> str:
    outcome, measured = result.outcome, result.measured
    verdict = "PASS" if result.passed else f"FAIL ({'; '.join(result.faults)})"
    return (
        f"{result.name:<20} {outcome.sent / 1e6:>5.1f} MB {outcome.cpu:>5.1f} s "
        f"{measured.server_cpu:>+5.1f} s {_costs(measured)}  {verdict}: {outcome.said}"
    )


def _costs(measured: Measured) -> str:
    health = "/".join(f"{value:.0f}" for value in (
        measured.health_p50_ms, measured.health_p99_ms, measured.health_max_ms))  # fmt: skip
    return (f"{health:>22} {measured.chat_p99_ms:>8.0f} {measured.gap:>5.2f} s "
            f"{measured.memory / MEGABYTE:>+5.0f} MB")  # fmt: skip


def _finish(results: list[Result], path: Path | None) -> None:
    failed = [result.name for result in results if not result.passed]
    lines = sum(result.measured.log_lines for result in results)
    gaps = sum(result.measured.gaps for result in results)
    _say(f"\nlines logged {lines:,}; listeners' gaps over a second {gaps}")
    if HONEST.name in failed:
        _say("an honest source costs others too much as well: this machine is too busy to judge")
    _say(f"all {len(results)} stood" if not failed else f"FAILED: {', '.join(failed)}")
    if path is not None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
