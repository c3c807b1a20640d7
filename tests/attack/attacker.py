"""The process of one attacker: `python -m attack.attacker NAME SECONDS`, the target on its standard
input, the outcome on its standard output, both JSON."""

from __future__ import annotations

import os
import resource
import sys
import time

import msgspec

from attack.table import BY_NAME
from attack.target import NoAttack, Outcome, Skipped, Target

PROGRAM = "attack.attacker"
NICENESS = 10
"""An attacker who is here takes no processor from the service that one from afar would not."""
SKIPPED, FAILED = "skipped: ", "not carried out: "


def main(name: str, seconds: str) -> None:
    """Carry it out."""
    os.nice(NICENESS)
    target = msgspec.json.decode(sys.stdin.buffer.read(), type=Target)
    began, before = time.monotonic(), _cpu()
    try:
        outcome = BY_NAME[name].run(target, float(seconds))
    except Skipped as reason:
        outcome = Outcome(f"{SKIPPED}{reason}", held=True)
    except (NoAttack, OSError, AssertionError) as reason:
        outcome = Outcome(f"{FAILED}{reason!r}", held=False)
    outcome = msgspec.structs.replace(outcome, cpu=_cpu() - before, began=began)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


def _cpu() -> float:
    """Processor seconds of this process so far."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])
