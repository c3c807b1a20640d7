"""The peers that turn MP3 into Opus in real time: ffmpeg, a process a stream, and Liquidsoap.

Does:        run so many streams from a file, each from a place of its own, into nothing; say what
             they cost.
Guarantees:  what was started has ended afterwards; a peer that ended by itself is a failure.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import imageio_ffmpeg
import psutil

BIT_RATE_KBITS = 96

SCRIPT = """
settings.init.allow_root.set(true)
settings.log.stdout.set(true)
def stream(number) =
  input = cue_cut(single("annotate:liq_cue_in=#{{float_of_int(number) * {step}}}:{file}"))
  output.file(fallible=true,
    %opus(vbr="none", bitrate={rate}, complexity={complexity}, application="audio",
          samplerate=48000, channels=2, frame_size=20.), "/dev/null", input)
end
list.iter(stream, list.init({streams}, fun (number) -> number))
"""


def ffmpeg_cores(file: Path, length: float, streams: int, complexity: int, seconds: float) -> float:
    """Cores used by `ffmpeg -re -i MP3 -c:a libopus`, a process a stream. `length` of the file in
    seconds."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    coding = ["-c:a", "libopus", "-b:a", f"{BIT_RATE_KBITS}k",
              "-compression_level", str(complexity)]  # fmt: skip
    return _cores([
        [program, "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1",
         "-ss", f"{number * length / streams:.3f}", "-i", str(file), *coding,
         "-f", "ogg", "-y", "/dev/null"]
        for number in range(streams)
    ], seconds)  # fmt: skip


def liquidsoap() -> str | None:
    """The program, where the machine has it."""
    return shutil.which("liquidsoap")


def liquidsoap_cores(
    file: Path, length: float, streams: int, complexity: int, seconds: float
) -> float:
    """Cores used by one Liquidsoap with so many streams."""
    script = file.with_suffix(".liq")
    script.write_text(SCRIPT.format(file=file, streams=streams, step=length / streams / 2,
                                    rate=BIT_RATE_KBITS, complexity=complexity))  # fmt: skip
    return _cores([["liquidsoap", str(script)]], seconds)


def _cores(commands: Sequence[Sequence[str]], seconds: float) -> float:
    """What the commands use over `seconds`, once a start of half as long is over."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_running(command)) for command in commands]
        time.sleep(max(2.0, seconds / 2))
        before, began = sum(map(_spent, running)), time.monotonic()
        time.sleep(seconds)
        after, ended = sum(map(_spent, running)), time.monotonic()
    return (after - before) / (ended - began)


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield psutil.Process(process.pid)
        assert process.poll() is None, process.stderr and process.stderr.read()[-500:]
    finally:
        process.kill()
        process.communicate()


def _spent(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))
