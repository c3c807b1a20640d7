"""Fuzz every parser for longer than a test run may take.

    python -m tests.fuzz.run --seconds 60 --examples 20000

Does:        run each C target of native/fuzz for so many seconds (with libFuzzer where clang has
             it, else with the driver); then the properties of the Python parsers with so many
             examples each; say how many executions there were.
Guarantees:  the exit code is 0 only when nothing was found. What failed stays in the folder named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from support import c_kernels  # noqa: E402
from support import fuzz_targets as targets  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run everything; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description="Fuzz every parser.")
    parser.add_argument("--seconds", type=int, default=60, help="for each C target")
    parser.add_argument("--examples", type=int, default=20_000, help="for each Python property")
    parser.add_argument("--folder", type=Path, help="kept, with the corpus, for the next run")
    options = parser.parse_args(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="talas-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    failed = [name for name in targets.TARGETS if not _run(name, folder, options.seconds)]
    if options.examples and not _properties(options.examples):
        failed.append("the properties of the Python parsers")
    _say("nothing found" if not failed else f"FAILED: {', '.join(failed)}; see {folder}")
    return 1 if failed else 0


def _run(name: str, folder: Path, seconds: int) -> bool:
    home = folder / name
    home.mkdir(exist_ok=True)
    clang = targets.libfuzzer_compiler(home)
    compiler = clang or c_kernels.compiler(home)
    if compiler is None:
        _say(f"{name}: no C compiler with sanitizers")
        return False
    found = targets.seeds(name, home / "corpus")
    try:
        kernels = c_kernels.KERNELS if clang else c_kernels.objects(compiler, home)
        program = targets.build(name, compiler, kernels, home, libfuzzer=clang is not None)
        if clang:
            executions = targets.fuzz(program, home / "corpus", seconds=seconds)
        else:
            executions = targets.drive(program, found, seconds=seconds)
    except subprocess.CalledProcessError as error:
        _say(f"{name}: {error}\n{error.stderr or ''}")
        return False
    _say(f"{name}: {executions} executions in {seconds} s by {'libFuzzer' if clang else 'driver'}")
    return True


def _properties(examples: int) -> bool:
    command = [
        sys.executable,
        "-m",
        "pytest",
        TESTS / "fuzz",
        "--timeout=0",
        "-p",
        "no:cacheprovider",
    ]
    environment = os.environ | {"TALAS_FUZZ_EXAMPLES": str(examples)}
    return subprocess.run(command, env=environment, check=False, cwd=TESTS.parent).returncode == 0


def _say(line: str) -> None:
    sys.stdout.write(f"fuzz: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
