"""Where the embedded PostgreSQL's socket lies: its path must fit into 107 bytes.

Does:        choose the data directory, or, where that path is too long, a private directory under
             the system's temporary one, remembered so that the next start finds it again.
Never:       uses a directory that others may enter, or one that somebody else owns: who put a
             socket of their own there would be asked to sign in, and might ask for the password.
Guarantees:  the same data directory gives the same answer for as long as that directory lives.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from talas_core.errors import UsageError

LIMIT_BYTES = 100
PORT = 5432
"""Part of the socket's name only: nothing listens on the network."""

_NAME = f".s.PGSQL.{PORT}"
_FOLDER = "socket"
_MEMO = "socket.path"
_ROOTS = ("", "/tmp")  # noqa: S108 - only to make a private directory in, as mkdtemp does


def folder(data_dir: Path, uid: int) -> Path:
    """A directory of mode 0700 that belongs to `uid`. Raises UsageError where none will do."""
    inside = data_dir / _FOLDER
    if _fits(inside):
        return _made_private(inside, uid)
    memo = data_dir / _MEMO
    if memo.is_file() and _private(known := Path(memo.read_text().strip()), uid):
        return known
    for root in _ROOTS:
        made = Path(tempfile.mkdtemp(prefix="talas-", dir=root or None))
        if _fits(made):
            os.chown(made, uid, -1)
            memo.write_text(f"{made}\n")
            return made
        made.rmdir()
    raise UsageError(f"TALAS_DATA_DIR: {data_dir} is too long a path for PostgreSQL's socket")


def remove_stale(directory: Path) -> None:
    """Remove the socket and lock of a server that is known to be gone."""
    for name in (_NAME, f"{_NAME}.lock"):
        (directory / name).unlink(missing_ok=True)


def discard(data_dir: Path) -> None:
    """Remove the private directory, if there is one, after the server has stopped."""
    memo = data_dir / _MEMO
    if memo.is_file():
        remove_stale(known := Path(memo.read_text().strip()))
        if known.is_dir():
            known.rmdir()
        memo.unlink()


def _fits(directory: Path) -> bool:
    """Short enough, and without the comma that separates hosts in a connection string."""
    text = os.fsencode(directory / _NAME)
    return len(text) <= LIMIT_BYTES and b"," not in text


def _made_private(directory: Path, uid: int) -> Path:
    """The directory inside the data directory, closed to others whatever it was."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        os.chown(directory, uid, -1, follow_symlinks=False)
        if stat.S_ISDIR(directory.lstat().st_mode):
            directory.chmod(0o700)
    except PermissionError:
        pass  # somebody else's, as is seen below
    if not _private(directory, uid):
        raise UsageError(f"{directory} belongs to somebody else; remove it, and start Talas again")
    return directory


def _private(directory: Path, uid: int) -> bool:
    try:
        seen = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(seen.st_mode) and stat.S_IMODE(seen.st_mode) == 0o700 and seen.st_uid == uid
