"""The blocking WebSocket, against aiohttp's."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import msgspec
import pytest

from loadtests.chat.socket import ABNORMAL, ChatClosed, ChatSocket
from support.fake_talas import FakeTalas
from support.ports import free_port
from support.wait import until


@pytest.fixture
def chat(talas: FakeTalas) -> Iterator[ChatSocket]:
    """An open socket."""
    opened = ChatSocket(f"ws://127.0.0.1:{talas.chat}/ws", 5)
    yield opened
    opened.close()


def ask(chat: ChatSocket) -> None:
    chat.send(msgspec.json.encode({"type": "auth", "token": "t", "ref": 1}))


def received(chat: ChatSocket) -> list[bytes]:
    return until(lambda: chat.receive(0.5))


def test_socket_carries_text_both_ways(chat: ChatSocket) -> None:
    ask(chat)
    assert msgspec.json.decode(received(chat)[0]) == {"type": "auth.ok", "ref": 1}


def test_socket_stops_waiting_at_its_deadline(chat: ChatSocket) -> None:
    assert chat.receive(0.01) == []
    ask(chat)
    assert received(chat)


def test_close_code_of_the_server_is_raised(talas: FakeTalas, chat: ChatSocket) -> None:
    talas.hang_up_code = 4101
    ask(chat)
    with pytest.raises(ChatClosed, match="closed with 4101 so") as closed:
        received(chat)
    assert closed.value.code == 4101
    with pytest.raises(ChatClosed):
        ask(chat)


def test_server_sees_a_close_frame_or_a_cut_connection(talas: FakeTalas) -> None:
    address = f"ws://127.0.0.1:{talas.chat}/ws"
    ChatSocket(address, 5).close()
    until(lambda: talas.sockets and talas.sockets[0].closed)
    assert talas.sockets[0].close_code == 1000
    ChatSocket(address, 5).cut()
    until(lambda: len(talas.sockets) == 2 and talas.sockets[1].closed)
    assert talas.sockets[1].close_code != 1000


def test_address_without_a_websocket_is_refused_with_its_reason(talas: FakeTalas) -> None:
    with pytest.raises(ChatClosed, match="no connection") as closed:
        ChatSocket(f"ws://127.0.0.1:{free_port()}/ws", 5)
    assert closed.value.code == ABNORMAL
    with pytest.raises(ChatClosed, match="200"):
        ChatSocket(f"ws://127.0.0.1:{talas.api}/ws", 5)


def answering(data: bytes, *, wait: bool) -> int:
    """A port where one connection gets `data`; then it is closed, or left without an answer."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(data)
            with contextlib.suppress(ConnectionError):
                _ = wait and connection.recv(4096)

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


def test_silence_or_a_hang_up_in_place_of_the_upgrade_is_an_error() -> None:
    with pytest.raises(ChatClosed, match="no answer to the upgrade"):
        ChatSocket(f"ws://127.0.0.1:{answering(b'', wait=True)}/ws", 0.1)
    with pytest.raises(ChatClosed):
        ChatSocket(f"ws://127.0.0.1:{answering(b'', wait=False)}/ws", 5)


def test_broken_connection_is_raised_as_lost(talas: FakeTalas, chat: ChatSocket) -> None:
    chat._socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ChatClosed):
        until(lambda: chat.receive(0.1) or ask(chat))
