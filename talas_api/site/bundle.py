"""The page's modules as one script, and its styles as one sheet: a new browser asks once for each.

Does:        put each module into a function, after those it imports; put each sheet in the place
             where it is imported.
Never:       reads JavaScript beyond the lines that import and export: a developer's files stay as
             they are, and work without this.
Guarantees:  a form of import or export that it does not know, `import(` and a line at the left
             margin that awaits, modules that import each other, and an `@import` that is left over
             are refused at start, with the file's name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

SCRIPT, SHEET = "js/main.js", "css/page.css"
_IMPORT = re.compile(r"^import \{([^{}]*)\} from '(\.{1,2}/[\w./-]+)';$", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async function|function|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(
    r"^(?:import|export)\b.*"
    r"|^.*\bimport\s*\(.*"  # loads the file on its own, where it may be a second time
    r"|^(?=\S)(?:(?!\basync\b).)*?\bawait\b.*",  # only a whole module may wait
    re.MULTILINE,
)
_APART = re.compile(
    r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`"""
    r"|(?<!\\)(?P<comment>/\*.*?\*/|//[^\n]*)",
    re.DOTALL,
)
_SHEET = re.compile(r"^@import url\(\"([\w./-]+)\"\);$", re.MULTILINE)
_OTHER_SHEET = re.compile(r"@import\b.*", re.IGNORECASE)


def bundled(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What to serve in place of `SCRIPT` and of `SHEET`, where they are among `files`, which go by
    their path in the page's folder. Raises ValueError for what cannot be put together."""
    texts = {name: body.decode() for name, body in files.items() if name.endswith((".js", ".css"))}
    made = {}
    if SCRIPT in texts:
        made[SCRIPT] = script(texts, SCRIPT).encode()
    if SHEET in texts:
        made[SHEET] = _sheet(texts, SHEET).encode()
    return made


def script(texts: Mapping[str, str], root: str) -> str:
    """The module `root` and all it imports, as one module. Raises ValueError."""
    names: dict[str, str] = {}
    parts: list[str] = []

    def add(module: str, above: tuple[str, ...]) -> None:
        if module in above:
            raise ValueError(f"{module} imports itself, by way of {' and '.join(above)}")
        if module in names:
            return
        for _, place in _IMPORT.findall(_text(texts, module)):
            add(_beside(module, place), (*above, module))
        names[module] = f"module{len(names)}"
        parts.append(_function(module, texts[module], names, posixpath.dirname(root)))

    add(root, ())
    return "".join(parts)


def _function(module: str, text: str, names: Mapping[str, str], home: str) -> str:
    """A module as a function that gives what it exports."""
    exports = [name for _, name in _EXPORT.findall(text)]

    def taken(found: re.Match[str]) -> str:
        wanted = found[1].replace(" as ", ": ")
        return f"const {{{wanted}}} = {names[_beside(module, found[2])]};"

    body = _EXPORT.sub(r"\1", _IMPORT.sub(taken, text))
    if unknown := _OTHER.search(_plain(body)):
        raise ValueError(f"{module}: cannot be put into one script: {unknown[0].strip()}")
    own = posixpath.relpath(module, home)
    body = body.replace("import.meta.url", f"new URL('{own}', import.meta.url).href")
    return (
        f"const {names[module]} = (() => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();\n"
    )


def _plain(text: str) -> str:
    """A module without its comments, where types are imported too."""
    return _APART.sub(lambda found: " " if found["comment"] else found[0], text)


def _sheet(texts: Mapping[str, str], root: str) -> str:
    def taken(found: re.Match[str]) -> str:
        name = _beside(root, found[1])
        return _whole(name, _text(texts, name))

    _whole(root, _SHEET.sub("", texts[root]))
    return _SHEET.sub(taken, texts[root])


def _whole(name: str, sheet: str) -> str:
    """`sheet`, unless it imports another: a browser imports nothing that stands behind a rule."""
    if unknown := _OTHER_SHEET.search(sheet):
        raise ValueError(f"{name}: cannot be put into one sheet: {unknown[0]}")
    return sheet


def _beside(name: str, place: str) -> str:
    """The path in the folder of what `name` calls `place`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), place))


def _text(texts: Mapping[str, str], name: str) -> str:
    if name not in texts:
        raise ValueError(f"{name} is imported, and there is no such file")
    return texts[name]
