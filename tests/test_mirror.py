"""Tests mirror the source: `talas_x/a/b.py` is tested by `tests/talas_x/a/test_b.py`.

Only `__init__` and `__main__` files go without; the journeys start those.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TOWERS = ("talas_core", "talas_api", "talas_stream", "talas_synth")


def test_every_source_file_has_its_test_and_every_test_its_source() -> None:
    wanted = {
        f"tests/{path.relative_to(ROOT).parent}/test_{path.stem}.py"
        for tower in TOWERS
        for path in (ROOT / tower).rglob("*.py")
        if path.stem not in ("__init__", "__main__")
    }
    present = {
        str(path.relative_to(ROOT))
        for tower in TOWERS
        for path in (ROOT / "tests" / tower).rglob("test_*.py")
    }
    assert wanted - present == set(), "source files without their test"
    extra = {name for name in present - wanted if not _tests_several(name)}
    assert extra == set(), "tests of files that are not there"


def _tests_several(name: str) -> bool:
    """A test of a whole folder, named for what the folder promises."""
    folder = ROOT / Path(name).parent.relative_to("tests")
    return folder.is_dir() and Path(name).stem in (
        "test_coming_and_going",
        "test_content",
        "test_contract",
        "test_renditions",
        "test_slowness",
    )
