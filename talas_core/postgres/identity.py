"""Who runs the embedded PostgreSQL, which refuses to be run by root.

Does:        pick, for an ordinary user, that user; for root, a user namespace in which root's files
             belong to `nobody`; where namespaces are forbidden, `nobody`.
Never:       adds a user, or changes the mode of a directory that is not Talas' own.
Guarantees:  what is picked has been seen to run the program and to reach the data directory.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from talas_core import process
from talas_core.errors import UsageError

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""What PostgreSQL's programs see: nothing of the caller's PG* variables."""

UNPRIVILEGED = "nobody"
_CLONE_NEWUSER = 0x10000000
_RELEASE = re.compile(r"\(PostgreSQL\) (\d+)")
_libc = ctypes.CDLL(None, use_errno=True)


class Identity(msgspec.Struct, frozen=True):
    """`become` turns a forked child into whoever runs PostgreSQL; `owner` must own its files.

    Both are None where the caller runs it as they are. `release` is the program's major one.
    """

    become: Callable[[], None] | None = None
    owner: tuple[int, int] | None = None
    release: int = 0

    def give(self, path: Path) -> None:
        """Make `path` belong to whoever runs PostgreSQL."""
        if self.owner:
            os.chown(path, *self.owner)


def enter_namespace(uid: int, gid: int) -> Callable[[], None]:
    """What makes a forked child the user `uid` in a namespace where its files are ours.

    It raises OSError in the child where namespaces are forbidden.
    """

    def become() -> None:
        outer_uid, outer_gid = os.geteuid(), os.getegid()
        if _libc.unshare(_CLONE_NEWUSER) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")

    return become


def leave_root(uid: int, gid: int) -> Callable[[], None]:
    """What makes a forked child the user `uid`, for good."""

    def become() -> None:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)

    return become


async def choose(postgres: Path, data_dir: Path) -> Identity:
    """The identity to run `postgres` with, on files below `data_dir`.

    Raises UsageError where there is none: it names the path that is closed, or the id that has no
    name (initdb insists on one, and containers are often run without).
    """
    uid = os.geteuid()
    if uid != 0 and _has_name(uid):
        return await _seen(Identity(), postgres)
    nobody = _nobody()
    try:
        become = enter_namespace(nobody.pw_uid, nobody.pw_gid)
        return await _seen(Identity(become), postgres)
    except (OSError, subprocess.SubprocessError) as error:
        if uid == 0:
            return await unprivileged(postgres, data_dir)
        raise UsageError(
            f"the user id {uid} has no name on this machine, and PostgreSQL needs one; "
            "name it in /etc/passwd, or set TALAS_DATABASE_URL"
        ) from error


async def unprivileged(postgres: Path, data_dir: Path) -> Identity:
    """The identity of `nobody`, if it can run `postgres` and reach `data_dir`.

    Raises UsageError naming the first path it may not enter.
    """
    for path in (postgres.parent, data_dir.parent):
        if closed := _closed_to_others(path):
            raise UsageError(
                f"PostgreSQL does not run as root, and the user {UNPRIVILEGED} may not enter "
                f"{closed}; run Talas as an ordinary user, or set TALAS_DATABASE_URL"
            )
    _let_through(data_dir)
    user = _nobody()
    become = leave_root(user.pw_uid, user.pw_gid)
    try:
        return await _seen(Identity(become, (user.pw_uid, user.pw_gid)), postgres)
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"PostgreSQL does not run as root, and this root may not become {UNPRIVILEGED}; "
            "run Talas as an ordinary user, or set TALAS_DATABASE_URL"
        ) from error


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise UsageError(
            f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED} to run it; "
            "run Talas as an ordinary user, or set TALAS_DATABASE_URL"
        ) from error


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


def _closed_to_others(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that strangers may not enter."""
    for folder in (*reversed(path.parents), path):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            return folder
    return None


def _let_through(data_dir: Path) -> None:
    """Our own folder may be passed through, not listed; the secrets below it stay closed."""
    data_dir.chmod(data_dir.stat().st_mode | 0o001)


async def _seen(identity: Identity, postgres: Path) -> Identity:
    """`identity`, seen to run the program, with its release. Raises as `process.run` does."""
    outcome = await process.run([postgres, "--version"], env=ENVIRONMENT, become=identity.become)
    found = _RELEASE.search(outcome.output)
    if outcome.status != 0 or not found:
        raise UsageError(f"{postgres} is not a PostgreSQL that runs here: {outcome.output}")
    return msgspec.structs.replace(identity, release=int(found[1]))
