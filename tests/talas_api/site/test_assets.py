import gzip
from pathlib import Path

import pytest

from talas_api.site.assets import Asset, Assets


def made(folder: Path, **files: str) -> Assets:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Assets(folder)


def test_file_is_found_by_its_path(tmp_path: Path) -> None:
    assets = made(tmp_path, index_html="<p>", js__early_js="1")
    asset = assets.find("js/early.js")
    assert asset is not None
    assert asset.body == b"1"
    assert asset.kind == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("name", ["", "js", "main.js", "../assets.py", "js/../index.html"])
def test_file_outside_the_folder_is_not_found(tmp_path: Path, name: str) -> None:
    assert made(tmp_path, index_html="<p>", js__main_js="1").find(name) is None


def test_the_version_changes_when_a_file_does(tmp_path: Path) -> None:
    first = made(tmp_path, index_html="<p>", js__main_js="1").version
    assert made(tmp_path).version == first
    assert made(tmp_path, js__main_js="2").version != first


def test_the_version_changes_when_a_file_is_renamed(tmp_path: Path) -> None:
    first = made(tmp_path, js__main_js="1").version
    (tmp_path / "js/main.js").rename(tmp_path / "js/other.js")
    assert made(tmp_path).version != first


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        made(tmp_path, notes_exe="1")


def test_large_texts_have_a_packed_twin_and_small_ones_do_not() -> None:
    large, small = Asset.of(b"a" * 600, ".css"), Asset.of(b"a", ".css")
    assert gzip.decompress(large.packed) == large.body
    assert small.packed == b""
    assert Asset.of(b"a" * 600, ".png").packed == b""


def test_the_etag_names_the_bytes() -> None:
    assert Asset.of(b"a", ".css").etag == Asset.of(b"a", ".js").etag != Asset.of(b"b", ".css").etag
