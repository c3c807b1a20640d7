"""ffmpeg as broadcasters and listeners use it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

from support.wait import PATIENCE

# What to copy a file of each coding into, as the README tells broadcasters.
CONTAINERS = {"mp3": "mp3", "aac": "adts", "opus": "ogg"}
TYPES = {"mp3": "audio/mpeg", "aac": "audio/aac", "opus": "audio/ogg"}


def ffmpeg(*arguments: str) -> subprocess.Popen[bytes]:
    """Start ffmpeg; its complaints are kept in the process's `stderr`."""
    return subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def broadcast(
    file: Path, coding: str, url: str, *, legacy: bool = False
) -> subprocess.Popen[bytes]:
    """Send `file` in real time to an `icecast://` URL; `legacy` by SOURCE instead of PUT."""
    return ffmpeg(
        "-re", "-i", str(file), "-c", "copy", "-content_type", TYPES[coding],
        "-legacy_icecast", str(int(legacy)), "-f", CONTAINERS[coding], url,
    )  # fmt: skip


def record(url: str, seconds: float, file: Path) -> subprocess.Popen[bytes]:
    """Listen for `seconds` and keep what was heard as WAV."""
    return ffmpeg("-i", url, "-t", str(seconds), "-y", str(file))


def finish(process: subprocess.Popen[bytes], seconds: float = 2 * PATIENCE) -> str:
    """Wait for ffmpeg to end by itself. Returns its complaints; raises if it failed."""
    _, complaints = process.communicate(timeout=seconds)
    text = complaints.decode(errors="replace")
    assert process.returncode == 0, text
    return text


def end(process: subprocess.Popen[bytes]) -> None:
    """End ffmpeg if it still runs."""
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=PATIENCE)
