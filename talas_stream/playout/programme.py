"""The demo station's programme, made once and kept as files.

Does:        hand out the pieces in order, making the first when it is asked for and the others in
             the background, at low priority, while it plays.
Never:       makes two pieces at once; makes again what is there.
Guarantees:  a file under its final name is whole, even if the process was killed while making it.
"""

from __future__ import annotations

import ctypes
import os
import threading
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from talas_core.errors import UsageError
from talas_core.telemetry.logs import logger
from talas_stream.media import RATE, Samples
from talas_stream.playout.track import Track
from talas_synth.render import render
from talas_synth.score import PROGRAMME, Piece

FOLDER = "programme"
EDITION = "v1"
"""Name of the folder in it; a change of the music needs a new one."""

_NICENESS = 15

_log = logger("programme")


class Programme:
    """A playlist of the pieces of talas_synth under `<data_dir>/programme`."""

    def __init__(self, data_dir: Path, pieces: tuple[Piece, ...] = PROGRAMME) -> None:
        self._folder = data_dir / FOLDER / EDITION
        self._pieces = pieces
        self._turns = cycle(range(len(pieces)))
        self._making = threading.Lock()
        self._stop = threading.Event()
        self._maker: threading.Thread | None = None

    def next(self) -> Track:
        """The next piece. Raises UsageError, naming the path, if it cannot be kept."""
        turn = next(self._turns)
        track = Track(self._made(turn), self._pieces[turn].name)
        if self._maker is None:
            self._maker = threading.Thread(target=self._make_rest, name="programme maker")
            self._maker.start()
        return track

    def close(self) -> None:
        """Stop making; returns after the piece in the making, about a second."""
        self._stop.set()
        if self._maker is not None:
            self._maker.join()

    def _make_rest(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        for turn in range(len(self._pieces)):
            if self._stop.is_set():
                return
            try:
                self._made(turn)
            except UsageError as error:
                _log.error("piece not made", problem=str(error))
                return

    def _made(self, turn: int) -> Path:
        """The file of a piece, made now if need be."""
        piece = self._pieces[turn]
        slug = piece.title.lower().replace(" ", "-")
        path = self._folder / f"{turn + 1:02d}-{slug}.flac"
        with self._making:
            if not path.is_file():
                try:
                    self._folder.mkdir(parents=True, exist_ok=True)
                    _keep(path, render(piece))
                except OSError as error:
                    reason = error.strerror or str(error)
                    raise UsageError(f"cannot keep the programme at {path}: {reason}") from error
                _give_back()
                _log.info("piece made", title=piece.title)
        return path


def _give_back() -> None:
    """Return what rendering needed to the system: glibc would keep it for the next time."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _keep(path: Path, samples: Samples) -> None:
    """Write aside, then rename into place."""
    aside = path.with_suffix(".part")
    try:
        with aside.open("wb") as file:
            soundfile.write(file, np.ascontiguousarray(samples.T), RATE, format="FLAC",
                            subtype="PCM_16", compression_level=0.4)  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except soundfile.LibsndfileError as error:
        raise OSError(str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
