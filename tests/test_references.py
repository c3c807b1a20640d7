"""What prose names is there: files, modules, classes and tests in headers, comments and documents.

A path is good if a file of ours ends with it; a module of an arrow (`From / to:`) if it is one; a
class, or a test, if some code has that name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "talas_core",
    "talas_api",
    "talas_stream",
    "native",
    "benchmarks",
    "loadtests",
    "tests",
    "docs",
)
PATH = re.compile(r"(?<![\w/.:#<-])((?:[\w-]+/)*[\w-]+\.(?:py|pyx|c|js|md|sql|toml))\b(?![\w/(])")
ARROW = re.compile(r"^From / to: .*(?:\n {8,}.*)*", re.MULTILINE)
DOTTED = re.compile(r"\b[a-z_]+(?:\.(?!py\b)[a-z_]+)+\b")
CLASS = re.compile(r"(?<![\w./-])[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+(?![\w/-])")
TEST = re.compile(r"\btest_\w+")
COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)
OTHERS = {
    "talas_x/a/b.py", "tests/talas_x/a/test_b.py", "requests/VERB.py", "talas.toml", "test_1",
    "test_b", "test_source_over_its_rate_is_paced", "WebSockets", "MessagePack", "InterfaceErrors",
    "AudioSyncStream", "DevTools", "WebDriver", "BiDi", "PropList",
}  # fmt: skip
"""What stands for any name, and the names of what is not ours."""


@cache
def files() -> frozenset[str]:
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*"))
    return frozenset(
        str(path.relative_to(ROOT))
        for path in (*ROOT.glob("*.*"), *inside)
        if path.is_file() and "__pycache__" not in path.parts
    )


@cache
def prose(file: str) -> str:
    """The comments and docstrings of a source file; the whole of a document."""
    text = (ROOT / file).read_text()
    if file.endswith((".js", ".c", ".h")):
        return "\n".join(COMMENT.findall(text))
    if not file.endswith(".py"):
        return text
    docs = [
        node.value.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]  # fmt: skip
    return "\n".join((*docs, *re.findall(r"(?:^|  )# (.*)$", text, re.MULTILINE)))


READ = sorted(f for f in files() if f.endswith((".py", ".md", ".c", ".h", ".js")))


@cache
def code() -> frozenset[str]:
    """Every word of the code, and of every file's name."""
    words: set[str] = set()
    for file in files():
        words.add(Path(file).stem)
        if file.endswith((".py", ".pyx", ".js", ".c", ".h")):
            text = (ROOT / file).read_text()
            for said in prose(file).splitlines():
                text = text.replace(said, "") if len(said) > 3 else text
            words.update(re.findall(r"\w+", text))
    return frozenset(words)


def path_is_there(named: str) -> bool:
    return any(file == named or file.endswith(f"/{named}") for file in files())


def module_is_there(named: str) -> bool:
    return path_is_there(named.replace(".", "/") + ".py")


def is_in_code(named: str) -> bool:
    return named in code()


def paths(text: str) -> list[str]:
    return PATH.findall(text)


def modules(text: str) -> list[str]:
    return [name for arrow in ARROW.findall(text) for name in DOTTED.findall(arrow)]


@pytest.mark.parametrize(
    ("named", "is_there"),
    [
        (paths, path_is_there),
        (modules, module_is_there),
        (CLASS.findall, is_in_code),
        (TEST.findall, is_in_code),
    ],
    ids=["path", "module of an arrow", "class", "test"],
)
def test_name_in_prose_is_of_something_that_is_there(
    named: Callable[[str], list[str]], is_there: Callable[[str], bool]
) -> None:
    wrong = [
        f"{file} names {name}"
        for file in READ
        # The types of the page's modules stand in its comments, and its checker reads those.
        if not (named == CLASS.findall and file.endswith(".js"))
        for name in named(prose(file))
        if name not in OTHERS and not is_there(name)
    ]
    assert wrong == []


def test_name_of_something_that_is_gone_is_found() -> None:
    text = "See gone/away.py and `GoneAway`, test_gone_away.\n\nFrom / to: gone.away -> here\n"
    assert [name for name in paths(text) if not path_is_there(name)] == ["gone/away.py"]
    assert [name for name in modules(text) if not module_is_there(name)] == ["gone.away"]
    assert [name for name in CLASS.findall(text) if name not in OTHERS] == ["GoneAway"]
    assert TEST.findall(text) == ["test_gone_away"]
