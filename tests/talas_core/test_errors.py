from __future__ import annotations

from collections.abc import Iterator

import pytest

from talas_core import errors
from talas_core.errors import TalasError


def tree(root: type[TalasError] = TalasError) -> Iterator[type[TalasError]]:
    """Every class of errors.py; other modules add their own below these."""
    if root.__module__ == errors.__name__:
        yield root
    for child in root.__subclasses__():
        yield from tree(child)


def test_drawing_of_the_errors_names_every_class_and_no_other() -> None:
    drawn = (errors.__doc__ or "").split("Does:")[0]
    for kind in tree():
        assert kind.__name__ in drawn
    words = [line.split("── ")[1].split()[0] for line in drawn.splitlines() if "── " in line]
    assert sorted(words) == sorted(kind.__name__ for kind in tree() if kind is not TalasError)


def test_codes_of_errors_are_unique_and_short() -> None:
    codes = [kind.code for kind in tree()]
    assert len(set(codes)) == len(codes)
    assert all(code.isidentifier() and code == code.lower() for code in codes)
    assert all(400 <= kind.status < 600 for kind in tree())


@pytest.mark.parametrize("kind", [k for k in tree() if k is not errors.SettingError])
def test_error_is_shown_as_its_sentence(kind: type[TalasError]) -> None:
    assert str(kind("A full sentence.")) == "A full sentence."
    assert kind("x").message == "x"


@pytest.mark.parametrize("kind", [errors.BadInput, errors.Conflict])
def test_fields_of_an_error_are_copied(kind: type[errors.BadInput]) -> None:
    given = {"name": "is too long"}
    error = kind("No.", given)
    given.clear()
    assert error.fields == {"name": "is too long"}
    assert kind("No.").fields == {}


@pytest.mark.parametrize("kind", [errors.TooMany, errors.Unavailable, errors.BusTimeout])
def test_error_tells_the_seconds_to_wait(kind: type[errors.TooMany]) -> None:
    assert kind("Later.").retry_after == 1.0
    assert kind("Later.", retry_after=2.5).retry_after == 2.5


def test_setting_error_names_setting_problem_and_sentence() -> None:
    error = errors.SettingError("TALAS_X", "'a' is not a number", "How many")
    assert str(error) == "TALAS_X: 'a' is not a number (How many)"
    assert (error.name, error.problem, error.sentence) == ("TALAS_X", "'a' is not a number",
                                                           "How many")  # fmt: skip
    assert str(errors.SettingError("TALAS_X", "unknown")) == "TALAS_X: unknown"
    assert isinstance(error, errors.UsageError)


def test_bus_errors_are_unavailable() -> None:
    assert issubclass(errors.BusUnavailable, errors.Unavailable)
    assert issubclass(errors.BusTimeout, errors.Unavailable)
    assert errors.BusTimeout.status == 503
