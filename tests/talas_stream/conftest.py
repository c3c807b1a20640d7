"""Whoever meets a socket is tested on the loop that serves (uvloop): the door, a source's and a
listener's contract on asyncio's own too."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

BOTH = {"egress/test_http.py", "ingest/test_icecast.py", "door/test_front_door.py"}
SERVING = {
    "egress/test_renditions.py",
    "egress/test_slowness.py",
    "ingest/test_coming_and_going.py",
    "ingest/test_content.py",
    "test_compose.py",
    "test_web.py",
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    name = item.path.relative_to(Path(__file__).parent).as_posix()
    if name in BOTH:
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    if name in SERVING:
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
