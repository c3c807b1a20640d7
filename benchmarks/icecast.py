"""Debian's icecast2, the listeners' yardstick: started on a loopback port of its own.

Guarantees:  the same burst as ours, room for as many listeners; ended after the block.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from support.ports import free_port
from support.wait import until

USER = "icecast2"
PASSWORD = "of-the-source"  # noqa: S105 - of a server that lives for a minute, on loopback

CONFIG = """<icecast>
<limits><clients>20000</clients><sources>4</sources><queue-size>524288</queue-size>
<client-timeout>30</client-timeout><header-timeout>15</header-timeout>
<source-timeout>10</source-timeout><burst-size>65536</burst-size></limits>
<authentication><source-password>{password}</source-password>
<admin-user>admin</admin-user><admin-password>{password}</admin-password></authentication>
<hostname>localhost</hostname>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>{folder}</basedir><logdir>{folder}</logdir>
<webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>
<loglevel>2</loglevel></logging>
<security><chroot>0</chroot>{owner}</security>
</icecast>
"""


class Icecast(NamedTuple):
    """A running one."""

    port: int
    process: psutil.Process


@contextlib.contextmanager
def running_icecast() -> Iterator[Icecast]:
    """icecast2 for the time of the block; the test is skipped where it is not installed."""
    program = shutil.which("icecast2", path="/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("no icecast2 here to measure beside: install Debian's icecast2")
    # Not below pytest's folder: that is closed to the user it runs as.
    with tempfile.TemporaryDirectory(prefix="talas-icecast-") as name:
        folder, port = Path(name), free_port()
        owner = _give_up_root(folder) if os.geteuid() == 0 else ""
        config = folder / "icecast.xml"
        config.write_text(CONFIG.format(port=port, folder=folder, password=PASSWORD, owner=owner))
        running = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: _listens(port))
            assert running.poll() is None, "icecast2 did not start"
            yield Icecast(port, psutil.Process(running.pid))
        finally:
            running.terminate()
            running.wait(20)


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port)):
        return True


def _give_up_root(folder: Path) -> str:
    """Icecast does not run as root: whom it is to become, and whose the folder is."""
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        pytest.skip(f"icecast2 is not run as root, and there is no user {USER}")
    os.chown(folder, user.pw_uid, user.pw_gid)
    group = grp.getgrgid(user.pw_gid).gr_name
    return f"<changeowner><user>{USER}</user><group>{group}</group></changeowner>"
