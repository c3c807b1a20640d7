"""The C fuzz targets of native/fuzz: built, given real audio to start from, and run.

Does:        build a target for libFuzzer, or with the driver of native/fuzz where there is no
             clang; write seeds; run it for so long or so often.
Never:       runs without the address and undefined-behaviour sanitizers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support import c_kernels
from support.c_kernels import NATIVE
from support.wire import encoded
from talas_stream.wire.icy import metadata_block

TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in (NATIVE / "fuzz").glob("fuzz_*.c"))
SEED_BYTES = 6000
MAX_INPUT = 16_384
LIBFUZZER = "fuzzer,address,undefined"


def libfuzzer_compiler(folder: Path) -> str | None:
    """A clang that has libFuzzer, or None."""
    return c_kernels.compiler_with(("clang",), LIBFUZZER, c_kernels.PROBE, folder)


def build(
    target: str, compiler: str, kernels: Sequence[Path], folder: Path, *, libfuzzer: bool
) -> Path:
    """The program for `target`, of the kernels' objects; libFuzzer wants their sources.

    Raises CalledProcessError when it does not compile.
    """
    parts, program = [NATIVE / "fuzz" / f"fuzz_{target}.c", *kernels], folder / f"fuzz_{target}"
    if libfuzzer:
        return c_kernels.program(compiler, parts, program, sanitizers=LIBFUZZER)
    return c_kernels.program(compiler, [*parts, NATIVE / "fuzz" / "driver.c"], program)


def seeds(target: str, folder: Path) -> list[Path]:
    """Files that `target` understands: sound to cut up, after the bytes that steer the target."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(_contents(target)):
        paths.append(folder / f"seed-{number}")
        paths[-1].write_bytes(content[: SEED_BYTES + 3])
    return paths


def drive(program: Path, found: list[Path], *, executions: int = 0, seconds: int = 0) -> int:
    """Run a program made with the driver; gives its executions. Raises CalledProcessError."""
    command = [program, str(executions), str(seconds), *found]
    ran = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False)
    return _executions(ran, r"executions: (\d+)")


def fuzz(program: Path, corpus: Path, *, seconds: int) -> int:
    """Run a libFuzzer program; gives its executions. Raises CalledProcessError."""
    command = [program, f"-max_total_time={seconds}", f"-max_len={MAX_INPUT}", "-timeout=10",
               "-rss_limit_mb=512", "-print_final_stats=1", corpus]  # fmt: skip
    ran = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False)
    return _executions(ran, r"stat::number_of_executed_units: *(\d+)")


def _executions(ran: subprocess.CompletedProcess[str], pattern: str) -> int:
    if ran.returncode:
        raise subprocess.CalledProcessError(ran.returncode, ran.args, ran.stdout, ran.stderr)
    found = re.search(pattern, ran.stdout + ran.stderr)
    return int(found[1]) if found else 0


def _contents(target: str) -> list[bytes]:
    tag = b"ID3\x04\x00\x00\x00\x00\x07\x68" + bytes(1000)
    if target == "mpeg":
        sounds = [
            encoded("mp3", "libmp3lame", rate=44_100),
            encoded("mp3", "libmp3lame", rate=22_050, layout="mono"),
            encoded("mp2", "mp2", rate=48_000),
        ]
        return [b"\x08\x00" + part for sound in sounds for part in (sound, tag + sound)]
    if target == "adts":
        sound = encoded("adts", "aac", rate=44_100)
        return [b"\x08\x00" + part for part in (sound, tag + sound, sound[3:])]
    if target == "ogg":
        sounds = [encoded("ogg", "libopus"), encoded("ogg", "vorbis"), encoded("ogg", "flac")]
        return [b"\x08\x00" + right + sound for sound in sounds for right in (b"\x00", b"\x01")]
    if target == "flac":
        return [b"\x08\x00" + encoded("flac", "flac")]
    if target == "aac":
        sound = encoded("s16be", "pcm_s16be")
        return [bytes((rate, level)) + sound for rate in (0, 47, 255) for level in (0, 8, 16, 1)]
    block = metadata_block("A title of some length", "http://localhost/")
    steps = (b"\x00\x10", b"\x01\x00")
    size = len(block).to_bytes(2, "big")
    return [step + b"\x00\x05" + size + block + bytes(500) for step in steps]
