"""Whose process is at the other end."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from support.ports import free_port
from support.strangers import UID, squatter
from support.wait import until
from talas_core import loopback


def test_a_connection_to_ourselves_is_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        assert loopback.owner(client.getpeername(), client.getsockname()) == os.geteuid()
        accepted.close()
        client.close()


def test_a_connection_to_another_user_is_theirs(tmp_path: Path) -> None:
    port = free_port()
    with squatter(tmp_path, port, "hello"):
        client = until(lambda: socket.create_connection(("127.0.0.1", port)))
        assert client.recv(5) == b"hello"
        assert loopback.owner(client.getpeername(), client.getsockname()) == UID
        client.close()


def test_connection_that_is_not_there_has_no_owner() -> None:
    assert loopback.owner(("127.0.0.1", 1), ("127.0.0.1", 2)) is None
    assert loopback.owner(("::1", 1), ("::1", 2)) is None
    assert loopback.owner(("example", 1), ("127.0.0.1", 2)) is None
