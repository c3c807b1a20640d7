"""Secrets at rest in the data directory.

Does:        read a named secret, or make it once.
Never:       prints or logs one; leaves one readable to others, even for a moment.
Guarantees:  two processes that ask for the same name at once get the same value.
"""

from __future__ import annotations

import os
import secrets as random
from collections.abc import Callable
from pathlib import Path

from talas_core.errors import UsageError

FOLDER = "secrets"
MASTER_KEY = "master.key"
"""The one secret that nothing can make anew: what it sealed opens with no other."""


def hex128() -> str:
    """128 random bits as 32 hexadecimal characters."""
    return random.token_hex(16)


def hex256() -> str:
    """256 random bits as 64 hexadecimal characters."""
    return random.token_hex(32)


def secret(data_dir: Path, name: str, make: Callable[[], str] = hex128) -> str:
    """The secret kept in `<data_dir>/secrets/<name>`; made with `make` where there is none.

    Raises UsageError, naming the path, if it cannot be read or written, or is empty.
    """
    folder = data_dir / FOLDER
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _publish(path, make())
        value = path.read_text().strip()
    except OSError as error:
        raise UsageError(f"cannot keep a secret at {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the secret at {path} is not text") from error
    if not value:
        # An empty token or password would leave a door open.
        raise UsageError(f"the secret at {path} is empty; remove the file to have a new one made")
    return value


def kept(data_dir: Path, name: str) -> bool:
    """Whether there is such a secret."""
    return (data_dir / FOLDER / name).exists()


def write(path: Path, text: str) -> None:
    """Put `text` into a file that nobody else may read, in place of what was there. A reader sees
    the old or the new whole."""
    aside = _aside(path, text)
    try:
        aside.rename(path)
    except OSError:
        aside.unlink()
        raise


def _publish(path: Path, value: str) -> None:
    """Write aside, then link into place: a reader sees nothing or all; the first writer wins."""
    aside = _aside(path, value + "\n")
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    finally:
        aside.unlink()


def _aside(path: Path, text: str) -> Path:
    """A new file beside `path`, on disk, that only we may read."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{random.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # the disk is full: no part of a secret stays behind
        aside.unlink()
        raise
    return aside
