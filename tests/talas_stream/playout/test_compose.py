"""The real program: a process, its signals, its exit status, and what a server hears of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from support.wait import PATIENCE
from talas_core.errors import UsageError
from talas_core.secrets import secret
from talas_core.settings import load
from talas_stream.playout import compose

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def environ(server: Any, tmp_path: Path) -> dict[str, str]:
    secret(tmp_path / "data", compose.KEY, lambda: KEY)
    return {"TALAS_DATA_DIR": str(tmp_path / "data"), "TALAS_HOST": "0.0.0.0",
            "TALAS_STREAM_PORT": str(server.port)}  # fmt: skip


async def start(environ: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "talas_stream.playout", env={**os.environ, **environ},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_a_folder_is_played_until_sigterm(
    server: Any, environ: dict[str, str], sounds: Any, until: Any
) -> None:
    music = sounds.folder / "music"
    music.mkdir()
    sounds.file("music/song.flac", 30, 5)
    process = await start({**environ, "TALAS_MUSIC_DIR": str(music)})
    await until(lambda: server.titles == ["song"] and len(server.bodies[0]) > 8000)
    process.send_signal(signal.SIGTERM)
    _, stderr = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert KEY.encode() not in stderr
    assert "ice-genre: Various" in server.heads[0]
    heard = sounds.heard_in(bytes(server.bodies[0]))
    assert sounds.alike(heard[0], sounds.chirp(30, 5)[0, : heard.shape[1]]) > 0.9


async def test_demo_programme_is_on_the_air_soon(
    server: Any, environ: dict[str, str], until: Any
) -> None:
    drain = asyncio.Event()
    serving = asyncio.create_task(compose.serve(load(environ), drain))
    await until(lambda: server.titles)
    drain.set()
    await asyncio.wait_for(serving, PATIENCE)
    assert server.titles == ["Talas House Band - Harbour Lights"]
    assert "ice-name: Talas Demo\r\n" in server.heads[0]
    made = Path(environ["TALAS_DATA_DIR"]) / "programme" / "v1"
    assert (made / "01-harbour-lights.flac").is_file()
    assert not list(made.glob("*.part"))


async def test_an_empty_folder_is_one_line_and_exit_2(
    environ: dict[str, str], tmp_path: Path
) -> None:
    process = await start({**environ, "TALAS_MUSIC_DIR": str(tmp_path / "none")})
    _, stderr = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 2
    assert stderr.count(b"\n") == 1
    assert b"TALAS_MUSIC_DIR" in stderr


async def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = load({"TALAS_DATA_DIR": str(tmp_path / "file")})
    with pytest.raises(UsageError, match="file"):
        await compose.serve(settings, asyncio.Event())
