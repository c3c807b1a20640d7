from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from structlog.testing import capture_logs

from talas_core.errors import UsageError
from talas_stream.playout.library import Library, title_of


def tagged(path: Path, codec: str, tags: dict[str, str]) -> None:
    """A tenth of a second of silence with tags."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4800), np.float32), "fltp", "stereo")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp3", "libmp3lame"), ("m4a", "aac"), ("flac", "flac"),
                          ("ogg", "libopus"), ("opus", "libopus"), ("wav", "pcm_s16le")],
)  # fmt: skip
def test_every_kind_of_file_tells_its_title(tmp_path: Path, suffix: str, codec: str) -> None:
    tagged(tmp_path / f"x.{suffix}", codec, {"title": "Größe", "artist": "Ä B"})
    assert Library(tmp_path).next().title == "Ä B - Größe"


@pytest.mark.parametrize(
    ("tags", "title"),
    [
        ({"TITLE": "T", "Artist": "A"}, "A - T"), ({"title": "T"}, "T"),
        ({"artist": "A"}, "my long song"), ({"title": " \n "}, "my long song"),
        ({"title": " a\r\n b ", "artist": "c"}, "c - a b"), ({}, "my long song"),
    ],
)  # fmt: skip
def test_title_of_a_file_comes_from_its_tags_or_its_name(tags: dict[str, str], title: str) -> None:
    assert title_of(tags, Path("/x/my_long  song.mp3")) == title


def test_files_come_in_order_of_their_paths_round_and_round(sounds: Any) -> None:
    (sounds.folder / "b").mkdir()
    for name in ("b/1.wav", "a.WAV", "c.flac"):
        sounds.file(name, 0.1, 1)
    (sounds.folder / "cover.jpg").write_bytes(b"x")
    library = Library(sounds.folder)
    library.check()
    assert [library.next().title for _ in range(7)] == ["a", "1", "c", "a", "1", "c", "a"]


def test_what_cannot_be_read_costs_one_line(sounds: Any) -> None:
    sounds.file("good.wav", 0.1, 1)
    (sounds.folder / "bad.mp3").write_bytes(b"not audio at all" * 100)
    (sounds.folder / "empty.flac").write_bytes(b"")
    (sounds.folder / "folder.mp3").mkdir()
    (sounds.folder / "gone.wav").symlink_to(sounds.folder / "nowhere")
    with av.open(str(sounds.folder / "picture.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 16
        for packet in [*stream.encode(av.VideoFrame(16, 16, "yuv420p")), *stream.encode(None)]:
            container.mux(packet)
    library = Library(sounds.folder)
    with capture_logs() as lines:
        assert [library.next().title for _ in range(3)] == ["good"] * 3
    named = sorted(os.path.basename(line["path"]) for line in lines)  # noqa: PTH119
    assert named == ["bad.mp3", "empty.flac", "folder.mp3", "gone.wav", "picture.m4a"]


def test_a_new_file_is_played_in_the_next_round(sounds: Any) -> None:
    sounds.file("a.wav", 0.1, 1)
    library = Library(sounds.folder)
    assert library.next().title == "a"
    sounds.file("b.wav", 0.1, 1)
    assert [library.next().title for _ in range(2)] == ["a", "b"]


def test_a_folder_without_music_is_the_operator_s_mistake(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "bad.mp3").write_text("x")
    for folder in (tmp_path, tmp_path / "missing", tmp_path / "notes.txt"):
        with pytest.raises(UsageError, match="TALAS_MUSIC_DIR") as caught:
            Library(folder).check()
        assert str(folder) in str(caught.value)


def test_a_folder_that_was_emptied_says_so(sounds: Any) -> None:
    path = sounds.file("a.wav", 0.1, 1)
    library = Library(sounds.folder)
    library.check()
    path.unlink()
    library.next()
    with pytest.raises(UsageError, match="no audio file"):
        library.next()
