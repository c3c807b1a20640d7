"""Builds `talas_stream._native` from the kernels in native/. Everything else is in pyproject.toml.

Does:        read two switches from the environment and compile, or say in one line why it does not.
Never:       needs numpy's headers, or leaves generated C in the source tree.
Guarantees:  the switches mean what they say:

    TALAS_BUILD_NATIVE=auto      without compiler, Python.h or Cython: one line, and the twins run
                       on        the same is an error
                       off       nothing is compiled
    TALAS_BUILD_MODE=release     optimised
                     debug       not optimised, with symbols
                     sanitize    address and undefined-behaviour checks; run with libasan preloaded
                     coverage    gcov counters
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError, LinkError

KERNELS = [
    "frame_scan", "mpeg_frames", "adts_frames", "ogg_pages", "flac_crc", "icy", "samples",
    "batch_send", "loudness", "aac_transform", "aac_hearing", "aac_codes", "aac_books", "aac_rate",
    "aac_coding", "aac_encoder", "aac_shape",
]  # fmt: skip
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror=implicit-function-declaration",
    "-Werror=incompatible-pointer-types",
    "-Werror=int-conversion",
    "-Werror=return-type",
    "-Werror=vla",
]
# The twins round every product and sum; a fused multiply-add would round once.
COMMON = ["-std=c11", "-ffp-contract=off", *WARNINGS]
MODES: dict[str, tuple[list[str], list[str]]] = {
    "release": (["-O3", "-fno-math-errno"], []),
    "debug": (["-O0", "-g3"], []),
    "sanitize": (
        ["-O1", "-g3", "-fno-omit-frame-pointer", "-fsanitize=address,undefined"],
        ["-fsanitize=address,undefined"],
    ),
    "coverage": (["-O0", "-g3", "--coverage"], ["--coverage"]),
}


def switch(name: str, choices: list[str]) -> str:
    """The value of an environment switch; its first choice is the default."""
    value = os.environ.get(name) or choices[0]
    if value not in choices:
        sys.exit(f"talas: {name} is {value!r}; it must be one of {', '.join(choices)}")
    return value


def missing() -> str | None:
    """What a build would lack, in words, or None."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler}) found"
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file():
        return f"no Python.h found in {headers} (Debian: python3-dev)"
    try:
        import Cython  # noqa: F401
    except ImportError:
        return "no Cython found"
    return None


def give_up(reason: str, mode: str) -> None:
    """Say why there is no native core: an error when it was demanded."""
    if mode == "on":
        sys.exit(f"talas: {reason}, and TALAS_BUILD_NATIVE=on demands the native core")
    print(f"talas: {reason}, running on the Python twins", file=sys.stderr)  # noqa: T201


class BuildNative(build_ext):
    """build_ext for which a failed compilation is fatal only with TALAS_BUILD_NATIVE=on."""

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)
        except (BaseError, CompileError, LinkError) as error:
            give_up(f"the native core did not compile ({error})", NATIVE)


def mode_stamp() -> str:
    """A file that changes with the mode, so that what another mode built is built again."""
    stamp = Path("build/native-mode")
    if not stamp.is_file() or stamp.read_text() != MODE:
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(MODE)
    return str(stamp)


def extensions() -> list[Extension]:
    """The extension to build, or nothing."""
    if NATIVE == "off":
        return []
    reason = missing()
    if reason:
        give_up(reason, NATIVE)
        return []
    from Cython.Build import cythonize

    compile_flags, link_flags = MODES[MODE]
    native = Extension(
        "talas_stream._native",
        ["native/_native.pyx", *(f"native/{name}.c" for name in KERNELS)],
        include_dirs=["native"],
        depends=[mode_stamp(), *map(str, sorted(Path("native").glob("*.h")))],
        extra_compile_args=COMMON + compile_flags,
        extra_link_args=link_flags,
    )
    built: list[Extension] = cythonize([native], build_dir="build/cython", quiet=True)
    for each in built:
        each.optional = NATIVE == "auto"  # an editable install passes over what was not built
    return built


NATIVE = switch("TALAS_BUILD_NATIVE", ["auto", "on", "off"])
MODE = switch("TALAS_BUILD_MODE", list(MODES))

setup(ext_modules=extensions(), cmdclass={"build_ext": BuildNative})
