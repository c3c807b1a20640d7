from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from talas_core.errors import SettingError
from talas_core.knobs import CONFIG, Knob, explained, knobs_of

Secret = Annotated[str, Meta(extra={"secret": True})]
Seconds = Annotated[float, Meta(extra={"unit": "seconds"})]


class Few(msgspec.Struct, kw_only=True):
    """Settings of this test's."""

    port: Annotated[int, Meta(ge=1, le=9, description="A port.")] = 3
    wait: Annotated[Seconds, Meta(ge=0.5, le=2, description="A wait")] = 1.0
    key: Annotated[Secret, Meta(description="A key")] = ""
    mode: Annotated[Literal["a", "b"], Meta(description="A mode")] = "a"
    on: Annotated[bool, Meta(description="A switch")] = False
    names: Annotated[tuple[str, ...], Meta(description="Names")] = ()
    folder: Annotated[Path, Meta(description="A folder")] = Path("var")


KNOBS = knobs_of(Few)
BY_FIELD: dict[str, Knob] = {knob.field: knob for knob in KNOBS}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_field_becomes_a_row() -> None:
    assert [knob.name for knob in KNOBS][:2] == ["TALAS_PORT", "TALAS_WAIT"]
    port, wait, key, mode = KNOBS[:4]
    assert (port.low, port.high, port.default, port.unit) == (1, 9, 3, "")
    assert wait.description == "A wait; 0.5 to 2 seconds"
    assert key.secret and not port.secret
    assert mode.description == "A mode; one of a, b"


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("port", "9", 9), ("port", " 9 ", 9), ("wait", "1", 1.0), ("wait", 2, 2.0),
        ("port", "+9", 9), ("port", "0_9", 9), ("wait", "+1.5", 1.5), ("wait", "0_1.5", 1.5),
        ("wait", "2e0", 2.0), ("on", "Yes", True), ("on", True, True),
        ("names", "a, b,,", ("a", "b")), ("names", ["a"], ("a",)),
        ("folder", "/x y", Path("/x y")), ("mode", "b", "b"),
    ],
)  # fmt: skip
def test_text_and_toml_values_become_the_type_of_the_field(
    field: str, raw: object, value: Any
) -> None:
    assert BY_FIELD[field].checked(raw) == value


@pytest.mark.parametrize(
    ("field", "raw", "problem"),
    [
        ("port", "10", "'10' is out of bounds"), ("port", True, "not a whole number"),
        ("port", 2.0, "not a whole number"), ("port", "3.0", "'3.0' is not a whole number"),
        ("port", "3e0", "not a whole number"), ("port", "", "not a whole number"),
        ("wait", "inf", "out of bounds"), ("wait", "", "not a number"),
        ("wait", "nan", "not a number"),
        ("wait", False, "not a number"), ("on", 1, "not a yes or no"), ("on", "2", "yes or no"),
        ("names", [1], "not a list"), ("mode", "c", "'c' is not a choice"), ("mode", 1, "a text"),
        ("key", "secret\0", "TALAS_KEY: the value is not a text"), ("folder", "", "not a path"),
        ("folder", 1, "not a path"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_right_is_refused_by_name(
    field: str, raw: object, problem: str
) -> None:
    with pytest.raises(SettingError) as caught:
        BY_FIELD[field].checked(raw)
    assert problem in str(caught.value)
    assert BY_FIELD[field].name in str(caught.value)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "few.toml"
    file.write_text("port = 4\nwait = 2\non = true\n")
    environ = {CONFIG: str(file), "TALAS_PORT": "5", "TALAS_WAIT": "1.5"}
    rows = explained(KNOBS, environ, {"port": 6, "wait": None})
    told = {row.knob.field: (row.value, row.source) for row in rows}
    assert told["port"] == (6, "command line")
    assert told["wait"] == (1.5, "environment")
    assert told["on"] == (True, "few.toml")
    assert told["mode"] == ("a", "default")


def test_a_secret_shows_only_whether_it_is_set() -> None:
    shown = {row.knob.field: row.shown for row in explained(KNOBS, {"TALAS_KEY": "k"}, {})}
    assert (shown["key"], shown["on"], shown["names"]) == ("(set)", "false", "")
