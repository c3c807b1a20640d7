import shutil
import subprocess
from pathlib import Path

import pytest

from talas_api.site.bundle import bundled, script
from talas_api.site.handlers import FOLDER

NODE = shutil.which("node")
WORDS = """/** What an import may look like is `import { a } from './b.js';`. */
import { twice as double } from './kit/numbers.js';
export const greeting = 'hello';
export function greet(n) {
  return `${greeting} ${double(n)}`;
}
"""
NUMBERS = "export async function never() {}\nexport const twice = (n) => 2 * n;\n"
MAIN = """import { greet } from './words.js';
import { twice } from './kit/numbers.js';
const greeting = 'mine';
console.log(greet(4), twice(5), greeting, new URL('../img/a.svg', import.meta.url).pathname);
"""
TEXTS = {"js/main.js": MAIN, "js/words.js": WORDS, "js/kit/numbers.js": NUMBERS}


@pytest.mark.skipif(NODE is None, reason="node is not installed; CI installs it")
def test_modules_in_one_script_do_what_they_do_apart(tmp_path: Path) -> None:
    apart, together = tmp_path / "apart", tmp_path / "together"
    for folder, texts in (
        (apart, TEXTS),
        (together, {"js/main.js": script(TEXTS, "js/main.js")}),
    ):
        for name, text in (texts | {"js/package.json": '{"type":"module"}'}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    said = [
        subprocess.run(
            [str(NODE), folder / "js/main.js"],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout.replace(str(folder), "")
        for folder in (apart, together)
    ]  # fmt: skip
    assert said[0] == said[1] == "hello 8 10 mine /img/a.svg\n"


def test_a_module_that_two_import_is_there_once_before_both() -> None:
    made = script(TEXTS, "js/main.js")
    assert made.count("n) => 2 * n") == 1
    assert made.index("2 * n") < made.index("greeting} ${double") < made.index("'mine'")


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        ("import all from './words.js';\n", "cannot be put into one script: import all"),
        ("export default 1;\n", "cannot be put into one script: export default"),
        ("export let a = 1;\n", "cannot be put into one script: export let"),
        ("const a = import('./words.js');\n", r"js/main.js: .* script: const a = import\("),
        (
            "/* Here: */ function f() {\n  return import /* it */ ('./words.js');\n}\n",
            r"js/main.js: .* script: return import",
        ),
        ("await 1;\n", "js/main.js: .* script: await 1"),
        ("const { a } = await f();\n", "js/main.js: .* script: const { a } = await"),
        ("import { a } from './nosuch.js';\n", "nosuch.js is imported, and there is no such file"),
        ("import { a } from './main.js';\n", "main.js imports itself"),
    ],
)
def test_module_that_cannot_be_bundled_is_refused_by_name(module: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        script({"js/main.js": module, "js/words.js": WORDS}, "js/main.js")


WAITING = """/** @type {import('./b.js').B} */
async function later() {
  // There is no import('./b.js') here, and `no backtick that is open.
  await null;
  return 'http://x/';
}
const soon = async () => await later(); // await it
soon().then((said) => console.log(said)); // the end"""


@pytest.mark.skipif(NODE is None, reason="node is not installed; CI installs it")
def test_bundle_keeps_async_functions_types_and_a_last_comment() -> None:
    texts = {"js/main.js": "import { } from './words.js';\n", "js/words.js": WAITING}
    done = subprocess.run(
        [str(NODE), "--input-type=module"], input=script(texts, "js/main.js"),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "http://x/\n"


def test_sheet_is_put_where_it_is_imported() -> None:
    files = {
        "css/page.css": b'/* All. */\n@import url("a.css");\n@import url("b.css");\n',
        "css/a.css": b"a {}\n",
        "css/b.css": b"b {}\n",
    }
    assert bundled(files) == {"css/page.css": b"/* All. */\na {}\n\nb {}\n\n"}


@pytest.mark.parametrize(
    ("page", "other", "complaint"),
    [
        ('@import "a.css";\n', "", 'css/page.css: cannot be put into one sheet: @import "a.css"'),
        ('@import url("a.css") print;\n', "", "css/page.css: .* sheet: @import url"),
        ('@import url("a.css");\n', 'b {} @IMPORT "b.css";\n', "css/a.css: .* sheet: @IMPORT"),
        ('@import url("b.css");\n', "", "css/b.css is imported, and there is no such file"),
    ],
)
def test_an_import_left_in_a_sheet_is_refused_by_name(
    page: str, other: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        bundled({"css/page.css": page.encode(), "css/a.css": other.encode()})


def test_every_module_and_every_sheet_of_the_page_is_in_what_is_served() -> None:
    files = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    made = bundled(files)
    modules = [name for name in files if name.endswith(".js") and name != "js/early.js"]
    assert made["js/main.js"].count(b"= (() => {\n") >= len(modules)
    for name, body in files.items():
        if name.endswith(".css") and name != "css/page.css":
            assert body in made["css/page.css"], name


@pytest.mark.skipif(NODE is None, reason="node is not installed; CI installs it")
def test_the_script_that_is_served_can_be_read(tmp_path: Path) -> None:
    files = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*.js")
    }
    whole = tmp_path / "main.mjs"
    whole.write_bytes(bundled(files)["js/main.js"])
    done = subprocess.run(
        [str(NODE), "--check", whole], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
