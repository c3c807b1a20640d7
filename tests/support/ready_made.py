"""A data directory as Talas leaves it, made once a run and copied: most journeys are about
something else than a first start, which costs a database and six pieces of music each time.

Does:        have the product make its database and the demo's programme; copy them.
Never:       makes by itself what is in them; is asked where a test is about the first start.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from support.once import made_once
from talas_core.postgres import embedded
from talas_stream.playout.programme import FOLDER, Programme
from talas_synth.score import PROGRAMME

UNSYNCED = "fsync = off\nfull_page_writes = off\n"
"""What ends with the tests need not outlast a crash of the machine; one of the server loses nothing
by it."""


class ReadyMade:
    """What is ready lies in `folder`, which the workers of a run share. `migrate` has the product
    bring the database of a data directory to the newest schema."""

    def __init__(self, folder: Path, migrate: Callable[[Path], None]) -> None:
        self._folder = folder
        self._migrate = migrate

    def database(self, data_dir: Path) -> None:
        """Make `data_dir`, with an empty database in it, of the newest schema."""
        _copy(made_once(self._folder, "database", self._database), data_dir)

    def programme(self, data_dir: Path) -> None:
        """Put the house's pieces into `data_dir`. Talas writes none that is there, so the files are
        shared."""
        data_dir.mkdir(mode=0o700, exist_ok=True)
        _copy(made_once(self._folder, "programme", _compose) / FOLDER, data_dir / FOLDER, "--link")

    def _database(self, data_dir: Path) -> None:
        self._migrate(data_dir)
        with (data_dir / embedded.FOLDER / "postgresql.auto.conf").open("a") as settings:
            settings.write(UNSYNCED)


def _compose(data_dir: Path) -> None:
    programme = Programme(data_dir)
    for _ in PROGRAMME:
        programme.next()
    programme.close()


def _copy(source: Path, target: Path, *how: str) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", *how, source, target], check=True)  # noqa: S607
