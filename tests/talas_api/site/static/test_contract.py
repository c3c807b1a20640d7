"""What the page's files promise: modules that work, icons that are there, colours one can read."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from talas_api.audit.values import Kind
from talas_api.site.handlers import FOLDER

NODE, TSC = shutil.which("node"), shutil.which("tsc")
HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
LONGEST = 300
MODULES = sorted((FOLDER / "js").rglob("*.js"))
DANGERS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
)
HEX = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TEXTS = ("ink", "soft", "lamp", "air", "fault", *(f"tone-{n}" for n in range(6)))
GROUNDS = ("ground", "glass", "raised", "field")


@pytest.mark.skipif(NODE is None, reason="node is not installed; CI installs it")
def test_modules_do_what_their_own_tests_say(tmp_path: Path) -> None:
    """Node takes `.js` for modules only where a package says so, and the page needs no package."""
    shutil.copytree(FOLDER / "js", tmp_path / "js")
    shutil.copytree(HERE / "js", tmp_path / "tests")
    package = {"type": "module", "imports": {"#page/*": "./js/*"}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    tests = sorted(str(path) for path in (tmp_path / "tests").rglob("*.test.js"))
    done = subprocess.run(
        [str(NODE), "--test", *tests], cwd=tmp_path, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.mark.skipif(TSC is None, reason="tsc (npm's typescript) is not installed; CI installs it")
def test_modules_pass_the_strict_type_checker() -> None:
    options = ("--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2022")
    places = ("--module", "es2022", "--moduleResolution", "bundler")
    kinds = ("--lib", "es2023,dom,dom.iterable")
    done = subprocess.run(
        [str(TSC), *options, *places, *kinds, *(str(path) for path in MODULES)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_says_what_it_does_and_stays_small(path: Path) -> None:
    source = path.read_text()
    assert source.startswith(("/**", "//"))
    assert len(source.splitlines()) <= LONGEST
    assert not DANGERS.search(source)


def test_the_audit_log_can_be_asked_for_every_kind_of_event() -> None:
    source = (FOLDER / "js/staff/audit.js").read_text()
    offered = re.findall(r"'([a-z_.]+)'", source.partition("const KINDS = [")[2].partition("]")[0])
    assert offered == sorted(Kind)


def test_every_icon_that_is_named_is_drawn() -> None:
    sprite = ElementTree.parse(FOLDER / "img/icons.svg").getroot()  # noqa: S314 - our own file
    drawn = {symbol.get("id") for symbol in sprite.iter(f"{SVG}symbol")}
    page = (FOLDER / "index.html").read_text()
    named = set(re.findall(r"icons\.svg#([a-z]+)", page))
    for path in MODULES:
        source = path.read_text()
        named |= set(re.findall(r"\bicon\('([a-z]+)'\)", source))
        named |= set(re.findall(r"icon: '([a-z]+)'", source))
    assert named - drawn == set()


def test_every_icon_of_the_installed_page_is_there_in_the_size_it_claims() -> None:
    manifest = json.loads((FOLDER / "talas.webmanifest").read_text())
    pictures = [icon for icon in manifest["icons"] if icon["type"] == "image/png"]
    assert {icon["sizes"] for icon in pictures} == {"192x192", "512x512"}
    for icon in pictures:
        data = (FOLDER / icon["src"]).read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack_from(">II", data, 16)
        assert icon["sizes"] == f"{width}x{height}"


def test_the_page_has_no_inline_code_or_style() -> None:
    page = (FOLDER / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", page) == []


def test_no_style_uses_a_colour_that_has_no_name() -> None:
    named = {
        name
        for path in (FOLDER / "css").glob("*.css")
        for name in re.findall(r"(?<!var\()--([\w-]+):", path.read_text())
    }
    used = {
        name
        for path in (FOLDER / "css").glob("*.css")
        for name in re.findall(r"var\(--([\w-]+)", path.read_text())
    }
    assert used - named == set()


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, "relative luminance")."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read_on_every_ground(theme: int) -> None:
    tokens = (FOLDER / "css/tokens.css").read_text()
    colours = {found[0]: found[1 + theme] for found in HEX.findall(tokens)}
    poor = {
        (text, ground): round(contrast(colours[text], colours[ground]), 2)
        for text, ground in product(TEXTS, GROUNDS)
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert poor == {}
    on_key = re.findall(r"--on-key: (#[0-9a-f]{6});", tokens)[0]
    for key in ("key", "key-pressed"):
        assert contrast(on_key, colours[key]) >= 4.5
    for drawn, ground in product(("bulb", "edge"), ("glass", "field")):
        assert contrast(colours[drawn], colours[ground]) >= 3, (drawn, ground)
