"""Ports that are ours from the first moment to the last."""

from __future__ import annotations

import socket

import pytest

from support.ports import free_ports
from support.strangers import OPTIONS, UID, attempt_to_listen
from talas_core import settings as knobs
from talas_core.errors import SettingError
from talas_core.settings import Settings
from talas_core.supervisor import ports


def settings(**values: object) -> Settings:
    api, chat, stream = free_ports(3)
    return knobs.load({}, **{"api_port": api, "chat_port": chat, "stream_port": stream, **values})


@pytest.mark.parametrize("options", OPTIONS)
async def test_kept_port_is_closed_to_other_users_while_no_service_listens(
    options: tuple[int, ...],
) -> None:
    mine = settings()
    kept = await ports.claim(mine, 0)
    for port in (mine.api_port, mine.chat_port, mine.stream_port):
        assert attempt_to_listen(port, UID, *options) == "Address already in use"
    kept.release()
    assert attempt_to_listen(mine.api_port, UID, *options) == ""


async def test_kept_port_is_listened_on_by_our_own_service_again_and_again() -> None:
    mine = settings()
    kept = await ports.claim(mine, 0)
    for _ in range(2):
        with socket.create_server(("127.0.0.1", mine.api_port), reuse_port=True) as service:
            client = socket.create_connection(service.getsockname())
            accepted, _ = service.accept()
            accepted.close()  # first, so that what is left of the connection is on this port
            client.close()
    kept.release()
    (await ports.claim(mine, 0)).release()


async def test_kept_port_without_a_service_refuses_connections_at_once() -> None:
    mine = settings()
    kept = await ports.claim(mine, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", mine.chat_port), timeout=10)
    kept.release()


@pytest.mark.parametrize("field", ["api_port", "chat_port", "stream_port"])
async def test_second_claim_of_a_port_by_the_same_user_is_refused_by_name(field: str) -> None:
    first = settings()
    kept = await ports.claim(first, 0)
    second = settings(**{field: getattr(first, field)})
    with pytest.raises(SettingError, match=f"TALAS_{field.upper()}: cannot listen on .*already"):
        await ports.claim(second, 0)
    kept.release()
    (await ports.claim(second, 0)).release()  # what was refused has left nothing taken
    assert attempt_to_listen(first.api_port, None) == ""


async def test_port_is_kept_at_every_address_of_a_list() -> None:
    mine = settings(host="127.0.0.1,127.0.0.2")
    kept = await ports.claim(mine, 0)
    for host in ("127.0.0.1", "127.0.0.2", "0.0.0.0"):
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((host, mine.stream_port))
    kept.release()
