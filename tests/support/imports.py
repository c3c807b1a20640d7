"""The source files of Talas, and what each imports, for the tests of who may import what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOWERS = ("talas_core", "talas_api", "talas_stream", "talas_synth")


@cache
def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@cache
def everywhere() -> list[tuple[str, str]]:
    """Every file of the packages, and each module that it imports."""
    return [
        (str(path.relative_to(ROOT)), name)
        for tower in TOWERS
        for path in sources(tower)
        for name in imports(path)
    ]


def is_in(file: str, places: Iterable[str]) -> bool:
    """Whether `file` is one of these files, in one of these folders, or has one of these names."""
    return any(
        file == place or (file.startswith(place) if place.endswith("/") else
                          "/" not in place and file.endswith(f"/{place}"))
        for place in places
    )  # fmt: skip


def matches(text: str, pattern: str) -> bool:
    """Whether `text` is of the pattern, in which `**` is any number of folders."""
    return re.fullmatch(re.escape(pattern).replace(r"\*\*", ".+"), text) is not None


@cache
def file_of(module: str) -> str | None:
    """The file that is imported by this name; None for a name inside a module, or a library."""
    path = module.replace(".", "/") + ".py"
    return path if (ROOT / path).is_file() else None


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str:
    """The module that a name is imported from: `a.b.C` is of `a.b`."""
    return name if file_of(name) else name.rpartition(".")[0]
