"""Frames are read back with aiohttp's own reader."""

import asyncio

import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import EofStream

from talas_api.chat.delivery import wire


async def read(data: bytes) -> list[tuple[WSMsgType, object, object]]:
    """The frames in `data`."""
    loop = asyncio.get_running_loop()
    queue = WebSocketDataQueue(BaseProtocol(loop), 1 << 20, loop=loop)
    reader = WebSocketReader(queue, 1 << 20, compress=False, decode_text=False)
    reader.feed_data(data)
    queue.feed_eof()
    frames = []
    while True:
        try:
            one = await queue.read()
        except EofStream:
            return frames
        frames.append((one.type, one.data, one.extra))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
async def test_text_frame_of_any_size_has_the_right_head(size: int) -> None:
    payload = b"x" * size
    assert await read(wire.text(payload)) == [(WSMsgType.TEXT, payload, "")]


async def test_frames_joined_are_read_one_by_one() -> None:
    found = await read(wire.text(b"one") + wire.PING_FRAME + wire.pong(b"two"))
    assert [(kind, data) for kind, data, _ in found] == [
        (WSMsgType.TEXT, b"one"),
        (WSMsgType.PING, b""),
        (WSMsgType.PONG, b"two"),
    ]


async def test_close_frame_has_code_and_reason() -> None:
    assert await read(wire.close(4002, "later")) == [(WSMsgType.CLOSE, 4002, "later")]
