from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from structlog.testing import capture_logs

from talas_stream.playout import reader
from talas_stream.playout.reader import EDGE, decoded, eased, planes_of, read


def whole(blocks: Any) -> Any:
    return np.concatenate(list(blocks), axis=1)


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_lossless_file_comes_back_with_eased_edges(sounds: Any) -> None:
    path = sounds.file("a.wav", 1.0, 7)
    meant = soundfile.read(path)[0].T
    heard = whole(read(path))
    assert heard.shape == meant.shape
    assert np.allclose(heard[:, EDGE:-EDGE], meant[:, EDGE:-EDGE], atol=1e-6)
    assert np.abs(heard[:, 0]).max() == 0
    assert np.abs(heard[:, -1]).max() == 0
    half = EDGE // 2
    assert np.allclose(heard[:, half], meant[:, half] * half / EDGE, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_channel_count_keeps_level_and_length(
    sounds: Any, rate: int, channels: int
) -> None:
    t = np.arange(rate) / rate
    path = sounds.folder / "a.wav"
    soundfile.write(path, np.stack([0.5 * np.sin(2 * np.pi * 440 * t)] * channels, axis=1), rate)
    before = threads()
    heard = whole(decoded(path))
    assert threads() == before, "no hidden pool"
    assert heard.shape[0] == 2
    assert abs(heard.shape[1] - 48_000) <= 64
    middle = heard[:, 10_000:38_000]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.005), "mono loses no 3 dB"
    assert np.allclose(middle[0], middle[1], atol=1e-6)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libmp3lame", "mp3"), ("aac", "m4a"), ("flac", "flac"),
                          ("libopus", "opus"), ("pcm_u8", "wav"), ("pcm_s32le", "wav"),
                          ("pcm_f64le", "wav")],
)  # fmt: skip
def test_every_codec_sounds_as_it_should(sounds: Any, codec: str, suffix: str) -> None:
    meant = sounds.chirp(1.5, 3)
    path = sounds.folder / f"a.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        stream.bit_rate = 256_000
        frame = av.AudioFrame.from_ndarray(meant, "fltp", "stereo")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    heard = whole(read(path))
    assert sounds.alike(heard[0], meant[0]) > 0.95
    assert np.abs(heard).max() <= 1


def test_more_than_two_channels_are_cut_to_the_first_two(sounds: Any) -> None:
    path = sounds.folder / "a.wav"
    data = np.zeros((4800, 6))
    data[:, 0], data[:, 1], data[:, 2] = 0.1, 0.2, 0.9
    soundfile.write(path, data, 48_000)
    heard = whole(decoded(path))
    assert heard[:, 100].tolist() == pytest.approx([0.1, 0.2], abs=1e-3)


def test_wild_samples_are_tamed() -> None:
    wild = np.array([[np.nan, np.inf, -np.inf, 3.0, -3.0, 0.5]], np.float32)
    frame = av.AudioFrame.from_ndarray(wild, "fltp", "mono")
    assert planes_of(frame).tolist() == [[0, 1, -1, 1, -1, 0.5]]


def test_a_file_with_damage_in_the_middle_is_played_to_its_end(sounds: Any) -> None:
    good = sounds.folder / "a.mp3"
    with av.open(str(good), "w") as container:
        stream = container.add_stream("libmp3lame", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sounds.chirp(4, 3), "fltp", "stereo")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    data = bytearray(good.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2500] = b"\xff\xfb\x90\x00" + bytes(2496)
    bad = sounds.folder / "b.mp3"
    bad.write_bytes(data)
    assert whole(read(bad)).shape[1] > 3.5 * 48_000


def test_a_file_that_is_damage_only_ends(sounds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sounds.file("a.wav", 1.0, 1)

    class Stream:
        codec_context = type("Context", (), {"thread_count": 0})()

        def decode(self, _: object) -> list[object]:
            raise av.InvalidDataError(1, "damaged")

    class Container:
        streams = type("Streams", (), {"audio": [Stream()]})()
        tried = 0

        def __enter__(self) -> Container:
            return self

        def __exit__(self, *_: object) -> None: ...

        def demux(self, _: object) -> Any:
            while True:
                Container.tried += 1
                yield object()

    monkeypatch.setattr(reader.av, "open", lambda *_, **__: Container())
    with capture_logs() as lines:
        assert list(read(path)) == []
    assert Container.tried == reader.BAD_PACKETS + 1
    assert lines[0]["event"] == "file broken off"


def test_a_file_that_is_no_audio_is_logged(sounds: Any) -> None:
    path = sounds.folder / "a.mp3"
    path.write_bytes(b"nothing here" * 50)
    with capture_logs() as lines:
        assert list(read(path)) == []
        assert list(read(sounds.folder / "missing.mp3")) == []
    assert [line["event"] for line in lines] == ["file broken off"] * 2


def test_file_whose_rate_changes_on_the_way_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def frames(_: object) -> Any:
        for rate, channels in ((48_000, 2), (24_000, 2), (24_000, 1)):
            shape = (channels, rate // 2)
            layout = "mono" if channels == 1 else "stereo"
            frame = av.AudioFrame.from_ndarray(np.full(shape, 0.25, np.float32), "fltp", layout)
            frame.sample_rate = rate
            yield frame

    monkeypatch.setattr(reader, "_frames", frames)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((10, 2)), 48_000)
    heard = whole(decoded(path))
    assert abs(heard.shape[1] - 72_000) < 100
    assert heard[0, 60_000] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("sizes", [[10], [EDGE], [EDGE + 1], [1] * 50, [5000, 1, 7000], [0, 100]])
def test_easing_keeps_every_sample_count(sizes: list[int]) -> None:
    blocks = [np.ones((2, size), np.float32) for size in sizes]
    heard = whole([np.zeros((2, 0), np.float32), *eased(iter(blocks))])
    assert heard.shape[1] == sum(sizes)
    assert heard.max() <= 1
    assert heard[0, 0] == heard[0, -1] == 0


def test_easing_of_nothing_gives_nothing() -> None:
    assert list(eased(iter([]))) == []
