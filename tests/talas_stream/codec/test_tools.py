"""What encoders use of their process: libopus as it is loaded, and one processor for a moment."""

import os

import pytest

from support.stage import KERNELS
from talas_stream import kernels
from talas_stream.codec import tools
from talas_stream.codec.tools import one_cpu, opus_library


def test_native_aac_is_among_the_tools_only_with_the_native_kernels() -> None:
    assert tools.tools(KERNELS).aac is KERNELS.aac_encoder
    assert tools.tools(kernels.select("off")).aac is None


def test_one_cpu_gives_the_processors_back_after_an_error() -> None:
    allowed = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), one_cpu():
        assert len(os.sched_getaffinity(0)) == 1
        raise RuntimeError
    assert os.sched_getaffinity(0) == allowed


@pytest.mark.parametrize("maps", ["", "7f00-7f01 r-xp 0 0:0 1 /gone/libopus-1.so.0 (deleted)\n"])
def test_library_that_cannot_be_loaded_is_none(monkeypatch: pytest.MonkeyPatch, maps: str) -> None:
    monkeypatch.setattr(tools.Path, "read_text", lambda _, errors: maps)
    assert opus_library.__wrapped__() is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("7f1-7f2 r-xp 0 fe:0 9  /usr/lib/x86_64-linux-gnu/libopus.so.0.8.0", True),
        ("7f1-7f2 r-xp 0 fe:0 9  /a dir/av.libs/libopus-114e2b1a.so.0.11.1", True),
        ("7f1-7f2 r-xp 0 fe:0 9  /usr/lib/libopusfile.so.0.4.4", False),
    ],
)
def test_only_a_file_named_libopus_is_loaded(
    monkeypatch: pytest.MonkeyPatch, line: str, *, found: bool
) -> None:
    asked: list[str] = []

    def load(path: str) -> None:
        asked.append(path)
        raise OSError

    monkeypatch.setattr(
        tools.Path, "read_text", lambda _, errors: f"7f0-7f1 r--p 0 0:0 0\n{line}\n"
    )
    monkeypatch.setattr(tools.ctypes, "CDLL", load)
    assert opus_library.__wrapped__() is None
    assert asked == ([line.split("  ")[1]] if found else [])
