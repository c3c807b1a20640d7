"""Sound for tests: made, coded, decoded and compared, without a file in sight.

Does:        make a programme that resembles music enough for lossy codecs and never repeats; code
             it as a source would; find how alike two recordings are.
Guarantees:  the same arguments give the same sound.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
from fractions import Fraction
from functools import lru_cache

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# File format and encoder for each coding a source may send.
CODINGS = {
    "mp3": ("mp3", "libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
    "aac": ("adts", "aac", {}),
    "opus": ("opus", "libopus", {}),
    "ogg-flac": ("ogg", "flac", {}),
    "flac": ("flac", "flac", {}),
    "wav": ("wav", "pcm_s16le", {}),
    "wav-24": ("wav", "pcm_s24le", {}),
    "wav-32": ("wav", "pcm_s32le", {}),
    "wav-float": ("wav", "pcm_f32le", {}),
    "webm": ("webm", "libopus", {}),
}
SENT_ALSO = {
    "vorbis": "audio/ogg", "ogg-flac": "application/ogg", "flac": "audio/flac",
    "wav": "audio/wav", "wav-24": "audio/x-wav", "wav-32": "audio/vnd.wave",
    "wav-float": "audio/wave", "webm": "audio/webm; codecs=opus",
}  # fmt: skip
"""What sources may send but listeners are not served, with its type."""
CONTENT_TYPES = {"mp3": "audio/mpeg", "aac": "audio/aac", "opus": "audio/ogg"}


@lru_cache(maxsize=8)
def programme(seconds: float, rate: int = 48_000, channels: int = 2, seed: int = 1) -> Array:
    """Wandering notes and a little noise, shape (channels, n), peak 0.5. Not to be written to."""
    rng = np.random.default_rng(seed)
    size = int(seconds * rate)
    out = np.zeros((channels, size), np.float32)
    step = rate // 4
    for start in range(0, size, step):
        stop = min(start + step, size)
        time = np.arange(stop - start) / rate
        for channel in range(channels):
            notes = rng.uniform(110, 2000, 4)
            phases = rng.uniform(0, 6.28, 4)
            tones = sum(
                np.sin(2 * np.pi * f * time + p) for f, p in zip(notes, phases, strict=True)
            )
            out[channel, start:stop] = tones / 10 + rng.normal(0, 0.01, stop - start)
    fade = min(480, size // 2)
    out[:, :fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    out = np.clip(out, -0.5, 0.5)
    out.flags.writeable = False
    return out


_made: dict[tuple[object, ...], bytes] = {}


def coded(sound: Array, coding: str, rate: int = 48_000, bit_rate: int = 128_000) -> bytes:
    """`sound` as a file of that coding; made once for the same sound."""
    digest = hashlib.blake2b(np.ascontiguousarray(sound)).digest()
    key = digest, sound.shape, coding, rate, bit_rate
    if key not in _made:
        _made[key] = _coded(sound, coding, rate, bit_rate)
    return _made[key]


def _coded(sound: Array, coding: str, rate: int, bit_rate: int) -> bytes:
    if coding == "vorbis":
        return _by_program(sound, rate, "-c:a", "libvorbis", "-f", "ogg")
    container, encoder, options = CODINGS[coding]
    sink = io.BytesIO()
    layout = "mono" if sound.shape[0] == 1 else "stereo"
    with av.open(sink, "w", format=container, options=options) as output:
        stream = output.add_stream(encoder, rate=rate, layout=layout)
        stream.bit_rate = bit_rate
        for start in range(0, sound.shape[1], 1024):
            piece = np.ascontiguousarray(sound[:, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            frame.time_base = Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return sink.getvalue()


def surround(coding: str) -> bytes:
    """A second of eight channels."""
    container, encoder, _ = CODINGS[coding]
    # ADTS has no name for the other order of eight.
    order = ("-ch_layout", "7.1(wide)") if coding == "aac" else ()
    return _by_program(programme(1.0, channels=8), 48_000, *order, "-c:a", encoder, "-f", container)


def _by_program(sound: Array, rate: int, *options: str) -> bytes:
    """By ffmpeg's own program. The library that tests run with has no Vorbis encoder to speak of,
    and only a real one changes between long and short blocks; it reads eight channels wrongly."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error",
        "-f", "f32le", "-ar", str(rate), "-ac", str(sound.shape[0]), "-i", "-", *options, "-",
    ]  # fmt: skip
    done = subprocess.run(command, input=sound.T.tobytes(), capture_output=True, check=True)
    return done.stdout


def decoded(data: bytes, rate: int = 48_000) -> Array:
    """What a player makes of `data`: mono, shape (n,), at `rate`."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
    pieces: list[Array] = []
    with av.open(io.BytesIO(data)) as source:
        frames = source.decode(audio=0)
        while True:
            try:
                frame = next(frames)
            except (StopIteration, av.FFmpegError):
                break
            pieces += [f.to_ndarray() for f in resampler.resample(frame)]
    if not pieces:
        return np.zeros(0, np.float32)
    return np.concatenate(pieces, axis=1).mean(axis=0).astype(np.float32)


def likeness(heard: Array, source: Array) -> tuple[float, int]:
    """The correlation of `heard` with the part of `source` it resembles most, and where that part
    starts, in samples. Both mono at one rate; 1.0 is the same sound."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(source))))
    cross = np.fft.irfft(np.fft.rfft(source, size) * np.conj(np.fft.rfft(heard, size)), size)
    lag = int(np.argmax(cross))
    if lag > size // 2:
        lag -= size
    start, stop = max(lag, 0), min(lag + len(heard), len(source))
    mine, theirs = heard[start - lag : stop - lag], source[start:stop]
    scale = float(np.linalg.norm(mine) * np.linalg.norm(theirs))
    return (float(np.dot(mine, theirs)) / scale if scale else 0.0), lag
