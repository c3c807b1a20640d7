"""The C kernels under the address and undefined-behaviour sanitizers, compiled once for all that
link them.

Does:        find a compiler; make one object of each kernel; make a program of these and a source.
Never:       compiles without the sanitizers, or bears with a warning.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NATIVE = Path(__file__).parents[2] / "native"
KERNELS = sorted(NATIVE.glob("*.c"))
SANITIZERS = "address,undefined"
FLAGS = [
    "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes",
    "-pedantic", "-Werror", "-ffp-contract=off", "-fno-sanitize-recover=all",
]  # fmt: skip
PROBE = """#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n) { (void)d; (void)n; return 0; }
"""
MAIN = "int main(void) { return 0; }\n"


def compiler(folder: Path) -> str | None:
    """A C compiler that has both sanitizers, or None. The probe is written to `folder`."""
    return compiler_with(("cc", "gcc", "clang"), SANITIZERS, PROBE + MAIN, folder)


def compiler_with(names: Sequence[str], sanitizers: str, probe: str, folder: Path) -> str | None:
    """The first of these compilers that makes a program of `probe` with these sanitizers."""
    source = folder / "probe.c"
    source.write_text(probe)
    for name in names:
        found = shutil.which(name)
        command = [found or name, f"-fsanitize={sanitizers}", source, "-o", folder / "probe"]
        if found and not subprocess.run(command, capture_output=True, check=False).returncode:
            return found
    return None


def objects(cc: str, folder: Path) -> list[Path]:
    """Each kernel as an object file in `folder`. Raises CalledProcessError, with what it said."""

    def compiled(kernel: Path) -> Path:
        made = folder / f"{kernel.stem}.o"
        _run([cc, *FLAGS, f"-fsanitize={SANITIZERS}", "-c", kernel, "-o", made])
        return made

    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        return list(at_once.map(compiled, KERNELS))


def program(cc: str, parts: Sequence[Path], made: Path, *, sanitizers: str = SANITIZERS) -> Path:
    """The program `made` of sources and objects. Raises CalledProcessError, with what it said."""
    _run([cc, *FLAGS, f"-fsanitize={sanitizers}", *parts, "-lm", "-o", made])
    return made


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(done.stderr)
        raise error
