from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
from structlog.testing import capture_logs

from support.wait import until
from talas_core.errors import UsageError
from talas_stream.playout import programme
from talas_stream.playout.programme import EDITION, Programme
from talas_synth.score import PROGRAMME, Section

BAR = (Section(1, frozenset(("pad", "bass")), (0.2, 0.4)),)
SHORT = tuple(msgspec.structs.replace(piece, form=BAR) for piece in PROGRAMME[:3])
NAMES = ["01-harbour-lights.flac", "02-paper-lanterns.flac", "03-slow-tram.flac"]


def folder_of(data_dir: Path) -> Path:
    return data_dir / "programme" / EDITION


def names(data_dir: Path) -> list[str]:
    return sorted(path.name for path in folder_of(data_dir).iterdir())


def wait_for(data_dir: Path, expected: list[str]) -> None:
    until(lambda: names(data_dir) == expected)


def test_the_first_is_made_when_asked_for_and_the_rest_meanwhile(tmp_path: Path) -> None:
    one = Programme(tmp_path, SHORT)
    assert not folder_of(tmp_path).exists()
    track = one.next()
    assert track.path == folder_of(tmp_path) / NAMES[0]
    assert track.title == SHORT[0].name
    wait_for(tmp_path, NAMES)
    assert [one.next().path.name for _ in range(4)] == [NAMES[1], NAMES[2], NAMES[0], NAMES[1]]
    one.close()


def test_files_are_lossless_stereo_and_made_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Programme(tmp_path, SHORT[:1])
    path = one.next().path
    one.close()
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.format) == (48_000, 2, "FLAC")
    samples = soundfile.read(path)[0].T
    assert np.abs(samples - programme.render(SHORT[0])).max() < 1 / 32768
    monkeypatch.setattr(programme, "render", lambda _: pytest.fail("made again"))
    again = Programme(tmp_path, SHORT[:1])
    assert again.next().path == path
    again.close()


def test_a_kill_while_writing_leaves_nothing_under_the_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path).mkdir(parents=True)
    part = folder_of(tmp_path) / NAMES[0].replace(".flac", ".part")
    part.write_bytes(b"half")
    seen: list[list[str]] = []
    real = programme.soundfile.write

    def spy(file: Any, *args: Any, **options: Any) -> None:
        seen.append(names(tmp_path))
        real(file, *args, **options)

    monkeypatch.setattr(programme.soundfile, "write", spy)
    one = Programme(tmp_path, SHORT[:1])
    soundfile.info(one.next().path)
    one.close()
    assert seen == [[part.name]]
    assert names(tmp_path) == NAMES[:1]


def test_close_waits_for_one_piece_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go = threading.Event(), threading.Event()
    made: list[str] = []

    def slow(piece: Any) -> Any:
        made.append(piece.title)
        if len(made) > 1:
            began.set()
            go.wait(10)
        return np.zeros((2, 4800), np.float32)

    monkeypatch.setattr(programme, "render", slow)
    one = Programme(tmp_path, SHORT)
    one.next()
    assert began.wait(10)
    closing = threading.Thread(target=one.close)
    closing.start()
    go.set()
    closing.join(10)
    assert not closing.is_alive()
    assert names(tmp_path) == NAMES[:2]
    Programme(tmp_path, SHORT).close()


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"),
                                     soundfile.LibsndfileError(1)])  # fmt: skip
def test_a_disk_that_is_full_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise problem

    monkeypatch.setattr(programme.soundfile, "write", fail)
    with pytest.raises(UsageError, match=r"cannot keep the programme at .*01-harbour"):
        Programme(tmp_path, SHORT).next()
    assert names(tmp_path) == []


def test_trouble_in_the_background_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Programme(tmp_path, SHORT)
    real = programme._keep

    def keep(path: Path, samples: Any) -> None:
        if path.name != NAMES[0]:
            raise OSError(28, "No space left on device")
        real(path, samples)

    monkeypatch.setattr(programme, "_keep", keep)
    with capture_logs() as lines:
        one.next()
        assert one._maker is not None
        one._maker.join(10)
    assert [line["event"] for line in lines] == ["piece made", "piece not made"]
    one.close()


def test_memory_is_given_back_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    programme._give_back()
    monkeypatch.setattr(programme.ctypes, "CDLL", lambda _: object())
    programme._give_back()
