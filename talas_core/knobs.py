"""From the annotated fields of a struct to settings that can be read from text and explained.

Does:        make a row of each field: its name in the environment, type, bounds, default and
             sentence; read the environment and a TOML file by these rows.
Never:       knows which settings there are: that is settings.py. Shows the value of a secret.
Guarantees:  the environment wins over the file, the file over the default; a refusal names the
             variable and says what would be right.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from talas_core.errors import SettingError

PREFIX = "TALAS_"
CONFIG = "TALAS_CONFIG"
DEFAULT_FILE = "talas.toml"
# Switches of the build, not of the running program; they may stay set in a shell.
BUILD_ONLY = ("TALAS_BUILD_NATIVE", "TALAS_BUILD_MODE")

_NOUNS: Mapping[object, str] = {
    int: "a whole number", float: "a number", bool: "a yes or no", str: "a text", Path: "a path",
    tuple: "a list",
}  # fmt: skip
_WORDS = {
    "1": True, "true": True, "yes": True, "on": True,
    "0": False, "false": False, "no": False, "off": False, "": False,
}  # fmt: skip


class Knob(msgspec.Struct, frozen=True):
    """One setting, as its field says. `kind` is the type without bounds."""

    name: str
    annotated: Any
    kind: Any
    default: Any
    sentence: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    secret: bool

    @property
    def field(self) -> str:
        """The attribute of the struct, and the key in the TOML file."""
        return self.name.removeprefix(PREFIX).lower()

    @property
    def description(self) -> str:
        """The sentence with its unit and bounds, as refusals and listings show it."""
        parts = [self.sentence.rstrip(".")]
        if self.choices:
            parts.append("one of " + ", ".join(self.choices))
        if self.low is not None and self.high is not None:
            bounds = f"{_plain(self.low)} to {_plain(self.high)}"
            parts.append(f"{bounds} {self.unit}".rstrip())
        elif self.unit:
            parts.append(f"in {self.unit}")
        return "; ".join(parts)

    def refusal(self, problem: str) -> SettingError:
        """The error for a value of this setting that is not right."""
        return SettingError(self.name, problem, self.description)

    def checked(self, raw: object) -> Any:
        """`raw`, text or a value of a TOML file, as a value of this setting. Raises SettingError
        with its sentence."""
        shown = "the value" if self.secret else repr(raw)
        try:
            value = _converted(self.kind, raw)
        except (ValueError, TypeError) as error:
            noun = _NOUNS[get_origin(self.kind) or self.kind]
            raise self.refusal(f"{shown} is not {noun}") from error
        try:
            return value if self.kind is Path else msgspec.convert(value, self.annotated)
        except msgspec.ValidationError as error:
            problem = "not a choice" if self.choices else "out of bounds"
            raise self.refusal(f"{shown} is {problem}") from error


def _plain(bound: float) -> str:
    """A bound as one may type it: exact, without an exponent, and whole where it is."""
    return str(int(bound)) if bound == int(bound) else str(bound)


def knobs_of(struct: type[msgspec.Struct]) -> tuple[Knob, ...]:
    """A row for each field of `struct`, in its order. Each has a `Meta` with a description."""
    hints = get_type_hints(struct, include_extras=True)
    fields = msgspec.structs.fields(struct)
    return tuple(_knob(field.name, hints[field.name], field.default) for field in fields)


class Value(msgspec.Struct, frozen=True):
    """A knob's checked value and where it came from: `default`, `environment` or the file."""

    knob: Knob
    value: Any
    source: str

    @property
    def shown(self) -> str:
        """The value for people; a secret shows only whether it is set."""
        if self.knob.secret:
            return "(set)" if self.value else "(not set)"
        if isinstance(self.value, tuple):
            return ",".join(self.value)
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


def explained(
    knobs: Sequence[Knob], environ: Mapping[str, str], overrides: Mapping[str, object]
) -> list[Value]:
    """Every row with its value and source. Overrides are by field. Raises SettingError for an
    unknown name, a bad value, or a file that cannot be read."""
    known = {knob.name for knob in knobs} | {CONFIG, *BUILD_ONLY}
    for name in environ:
        if name.startswith(PREFIX) and name not in known:
            raise SettingError(name, "no such setting; `talas settings` lists them all")
    from_file, file_name = _read_file(knobs, environ)
    rows = []
    for knob in knobs:
        if overrides.get(knob.field) is not None:
            raw, source = overrides[knob.field], "command line"
        elif knob.name in environ:
            raw, source = environ[knob.name], "environment"
        elif knob.field in from_file:
            raw, source = from_file[knob.field], file_name
        else:
            raw, source = knob.default, "default"
        rows.append(Value(knob, knob.checked(raw), source))
    return rows


def _read_file(knobs: Sequence[Knob], environ: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The TOML file's table, and its name. A file named by TALAS_CONFIG must exist. What is wrong
    in it is refused with its path, whether or not the environment goes before it."""
    named = environ.get(CONFIG)
    path = Path(named or DEFAULT_FILE)
    if not named and not path.is_file():
        return {}, ""
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(CONFIG, f"cannot read {path}: {error}") from error
    fields = {knob.field: knob for knob in knobs}
    for key, raw in table.items():
        if key not in fields:
            raise SettingError(key, f"no such setting in {path}; `talas settings` lists them all")
        try:
            fields[key].checked(raw)
        except SettingError as error:
            problem = f"{error.problem}, in {path}"
            raise SettingError(error.name, problem, error.sentence) from error
    return table, path.name


def _knob(field: str, annotated: Any, default: Any) -> Knob:
    kind, *metas = get_args(annotated)
    told: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for meta in metas:
        if isinstance(meta, Meta):
            told |= {name: getattr(meta, name) for name in ("ge", "le", "description")
                     if getattr(meta, name) is not None}  # fmt: skip
            extra |= meta.extra or {}
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return Knob(
        name=PREFIX + field.upper(),
        annotated=annotated,
        kind=str if choices else kind,
        default=default,
        sentence=told["description"],
        unit=extra.get("unit", ""),
        low=told.get("ge"),
        high=told.get("le"),
        choices=choices,
        secret=extra.get("secret", False),
    )


def _converted(kind: Any, raw: object) -> Any:
    """`raw` as a `kind`, whatever its bounds. Raises ValueError, TypeError."""
    if kind is Path:
        return _path(raw)
    if isinstance(raw, str):
        if "\0" in raw:
            raise ValueError
        if kind is bool:
            return _word(raw)
        if get_origin(kind) is tuple:
            return tuple(part.strip() for part in raw.split(",") if part.strip())
        if kind in (int, float):
            # As Python reads it (+5, 1_000), which is more than msgspec takes, and no 5.0 for a 5.
            raw = kind(raw)
    value = msgspec.convert(raw, kind, strict=not isinstance(raw, str))
    if value != value:  # noqa: PLR0124 - NaN would pass every bound
        raise ValueError
    return value


def _word(text: str) -> bool:
    try:
        return _WORDS[text.lower()]
    except KeyError as error:
        raise ValueError from error


def _path(raw: object) -> Path:
    if not isinstance(raw, str | Path) or not str(raw) or "\0" in str(raw):
        raise ValueError
    return Path(raw).expanduser().absolute()
