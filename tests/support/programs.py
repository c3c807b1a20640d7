"""Other people's programs, run as their users run them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from support.wait import auntil

TONE_HERTZ = 440


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip, and say why, where one of them is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"{', '.join(missing)} not installed; CI installs it"
    )


async def start(*command: str, env: Mapping[str, str] | None = None) -> asyncio.subprocess.Process:
    """Run it in a group of its own; what it prints is one stream. `env` adds variables."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )


async def end(process: asyncio.subprocess.Process, seconds: float = 5) -> str:
    """End it, and what it started, if it still runs. Returns what it printed."""
    output = asyncio.ensure_future(process.communicate())
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        done, _ = await asyncio.wait([output], timeout=seconds)
        if done:
            break
    return (await output)[0].decode(errors="replace")


@contextlib.asynccontextmanager
async def microphone(home: Path) -> AsyncIterator[dict[str, str]]:
    """A sound server of our own, whose only source is a tone of TONE_HERTZ in real time.

    Gives the variables that lead a program there, PulseAudio's and ALSA's clients both; `home`
    becomes its home directory.
    """
    socket = home / "pulse.socket"
    env = {
        "HOME": str(home), "XDG_CONFIG_HOME": str(home), "PULSE_SERVER": f"unix:{socket}",
        "PULSE_RUNTIME_PATH": str(home), "PULSE_STATE_PATH": str(home),
    }  # fmt: skip
    (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    server = await start(
        "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
        "--disable-shm=yes", "-L", f"module-native-protocol-unix auth-anonymous=1 socket={socket}",
        "-L", f"module-sine-source frequency={TONE_HERTZ} rate=48000", env=env,
    )  # fmt: skip
    try:
        await auntil(socket.exists)
        yield env
    finally:
        await end(server)


def recorded_microphone(home: Path) -> dict[str, str]:
    """As `microphone`, for programs that speak ALSA only, and as fast as they ask for it."""
    wave = np.sin(2 * np.pi * TONE_HERTZ / 48_000 * np.arange(30 * 48_000)) * 8192
    (home / "tone.raw").write_bytes(np.repeat(wave.astype("<i2"), 2).tobytes())
    (home / ".asoundrc").write_text(
        "pcm.tone {\n type file\n slave.pcm { type null }\n file /dev/null\n"
        f" infile {home}/tone.raw\n format raw\n}}\n"
        "pcm.!default { type plug slave { pcm tone format S16_LE rate 48000 channels 2 } }\n"
    )
    return {"HOME": str(home)}
