"""All pages together: each closes its connection."""

from pathlib import Path

import pytest

from support.pages import get
from support.stream import running_stream


@pytest.mark.parametrize(
    "target",
    ["/", "/status-json.xsl", "/live.m3u", "/live/now", "/live/history", "/admin/stats", "/none"],
)
async def test_every_answer_closes_its_connection(tmp_path: Path, target: str) -> None:
    async with running_stream(tmp_path) as stream:
        status, start, _ = await get(stream, target)
        assert "Connection: close" in start
        assert (status == 401) == ("WWW-Authenticate: Basic" in start)
