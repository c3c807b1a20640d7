"""Which kernels serve."""

from __future__ import annotations

import inspect
import sys
import types

import pytest

from talas_core.errors import UsageError
from talas_stream import kernels
from talas_stream.kernels import NativeMissing, select

PACKAGE = sys.modules["talas_stream"]
TWINNED = [name for name in kernels.Kernels.__struct_fields__[2:] if name != "aac_encoder"]


@pytest.fixture
def unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extension as it is where it was not built: absent."""
    monkeypatch.delattr(PACKAGE, "_native", raising=False)
    monkeypatch.setitem(sys.modules, "talas_stream._native", None)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A stand-in for a built extension, whose kernels are the twins."""
    twins = select("off")
    native = types.ModuleType("talas_stream._native")
    for name in TWINNED:
        setattr(native, name, getattr(twins, name))
    native.__dict__["AacEncoder"] = object
    monkeypatch.setattr(PACKAGE, "_native", native, raising=False)
    monkeypatch.setitem(sys.modules, "talas_stream._native", native)
    return native


def test_off_means_the_twins_even_where_native_ones_are_built(built: types.ModuleType) -> None:
    chosen = select("off")
    assert (chosen.name, chosen.note) == ("python", "switched off by TALAS_NATIVE")
    assert chosen.aac_encoder is None


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_native_kernels_are_taken_where_they_are_built(built: types.ModuleType, mode: str) -> None:
    chosen = select(mode)
    assert (chosen.name, chosen.note) == ("native", "")


@pytest.mark.usefixtures("unbuilt")
def test_auto_falls_back_and_says_why() -> None:
    chosen = select("auto")
    assert chosen.name == "python"
    assert "cannot be loaded" in chosen.note


@pytest.mark.usefixtures("unbuilt")
def test_on_demands_them() -> None:
    with pytest.raises(NativeMissing, match="TALAS_NATIVE=on") as caught:
        select("on")
    assert isinstance(caught.value, UsageError)


def test_an_extension_built_from_older_sources_is_not_taken(built: types.ModuleType) -> None:
    del built.limit_planes
    assert "limit_planes" in select("auto").note
    with pytest.raises(NativeMissing):
        select("on")


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="maybe"):
        select("maybe")


def test_both_sets_take_the_same_arguments() -> None:
    native, twins = select("auto"), select("off")
    if native.name != "native":
        pytest.skip(native.note)
    for name in TWINNED:
        ours = inspect.signature(getattr(native, name)).parameters
        assert list(ours) == list(inspect.signature(getattr(twins, name)).parameters), name
