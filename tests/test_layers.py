"""What may import what, read from the source text.

Two programs on one ground: api -> core, stream -> core and synth, never up and never across. Inside
each the parts have an order, and none needs a later one. What else a file may import is in
test_imports.py.
"""

import ast
import re
from pathlib import Path

import pytest

from support.imports import ROOT, TOWERS, imports, is_in, sources

MAY_IMPORT = {
    "talas_core": {"talas_core"},
    "talas_api": {"talas_core", "talas_api"},
    "talas_stream": {"talas_core", "talas_synth", "talas_stream"},
    "talas_synth": {"talas_synth"},
}
ORDERS = {
    "talas_api": (
        "text", "startup", "listening", "announcer", "request", "audit", "mail", "identity",
        "stations", "rooms", "chat", "admin", "retention", "site", "openapi", "links", "seed",
        "routes", "compose", "jobs", "command", "__main__",
    ),
    "talas_api/identity": (
        "values", "rows", "ports", "common", "passwords", "limits", "keys", "sessions", "factors",
        "tokens", "recovery", "addresses", "accounts", "access", "compose",
    ),
    "talas_api/chat": (
        "codes", "values", "limits", "replies", "log", "reading", "people", "wheel", "signed_in",
        "strangers", "incoming", "intake", "delivery", "watch", "requests", "service", "endpoint",
        "handlers",
    ),
    "talas_api/request": ("origin", "device", "access", "limits", "route"),
    "talas_stream": (
        "media", "batch", "wire", "kernels", "door", "output", "codec", "station",
        "ingest", "egress", "access", "pages", "playout", "compose", "__main__",
    ),
}  # fmt: skip
"""The folders and files of a place, the lowest first: each may import those before it."""
HEADINGS = ("Does", "Never", "Guarantees")
HEADING = re.compile(rf"^({'|'.join(HEADINGS)}): +\S", re.MULTILINE)
SHORT = (
    "__init__.py", "__main__.py", "values.py", "handlers.py", "talas_api/chat/requests/",
    "talas_api/chat/codes.py", "talas_api/identity/ports.py", "talas_api/identity/rows.py",
    "talas_api/routes.py", "talas_api/seed/words.py", "talas_stream/playout/compose.py",
    "talas_stream/wire/errors.py",
)  # fmt: skip
"""Whose one sentence says it all: tables, structs, and a feature's rows."""


@pytest.mark.parametrize("tower", TOWERS)
def test_no_arrow_runs_up_or_across(tower: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(tower)
        for name in imports(path)
        if name.split(".")[0] in TOWERS and name.split(".")[0] not in MAY_IMPORT[tower]
    ]
    assert wrong == []


@pytest.mark.parametrize("place", ORDERS)
def test_no_feature_needs_one_that_stands_above_it(place: str) -> None:
    order = {name: rank for rank, name in enumerate(ORDERS[place])}
    dotted = place.replace("/", ".") + "."
    wrong = []
    for path in sources(place):
        mine = part_of(path, place)
        for name in imports(path):
            part = name.removeprefix(dotted).split(".")[0] if name.startswith(dotted) else mine
            if part in order and order[part] > order[mine]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("place", ORDERS)
def test_every_feature_has_its_place_in_the_order(place: str) -> None:
    there = {part_of(path, place) for path in sources(place)} - {"__init__", "migrations"}
    assert there == set(ORDERS[place])


def part_of(path: Path, place: str) -> str:
    """The folder or file of `place` that `path` is in."""
    return path.relative_to(ROOT / place).parts[0].removesuffix(".py")


def test_file_opens_with_what_it_does_never_does_and_guarantees() -> None:
    wrong = []
    for tower in TOWERS:
        for path in sources(tower):
            file = str(path.relative_to(ROOT))
            header = ast.get_docstring(ast.parse(path.read_text())) or ""
            found = HEADING.findall(header)
            in_order = found == [name for name in HEADINGS if name in found]
            whole = "Does" in found and len(found) > 1
            if not (header and in_order and (whole or is_in(file, SHORT))):
                wrong.append(f"{file} has {', '.join(found) or 'no heading'}")
    assert wrong == []


def test_kernels_know_no_python() -> None:
    wrong = [
        path.name
        for path in (ROOT / "native").rglob("*.[ch]")
        if "Python.h" in path.read_text() and path.name != "_native.c"
    ]
    assert wrong == []
