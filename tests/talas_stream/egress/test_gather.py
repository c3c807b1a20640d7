"""The first bytes of a player that reads in blocks: enough at once, at a fresh source too."""

import asyncio
from pathlib import Path

import pytest

from support.listeners import MP3, exactly, nobody_listens, on_air
from support.wait import PATIENCE, auntil
from talas_stream.egress import gather
from talas_stream.egress.gather import ENOUGH_BYTES, Gather

FIREFOX = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
FRESH = MP3[:24_000]
"""What a source has sent a second and a half after it began."""


async def test_bytes_are_held_until_they_are_enough_and_then_pass() -> None:
    got: list[bytes] = []
    first = Gather(got.append, 10)
    first.write(b"12345")
    assert (got, first.holds) == ([], True)
    first.write(b"67890a")
    assert (got, first.holds) == ([b"1234567890a"], False)
    first.write(b"b")
    assert got == [b"1234567890a", b"b"]


async def test_what_is_not_enough_is_handed_over_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gather, "PATIENCE_SECONDS", 0.01)
    got: list[bytes] = []
    Gather(got.append, 10).write(b"12345")
    await auntil(lambda: got)
    assert got == [b"12345"]


async def test_gathered_bytes_of_a_listener_that_left_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gather, "PATIENCE_SECONDS", 0.0)
    got: list[bytes] = []
    gone = Gather(got.append, 10)
    gone.write(b"12345")
    gone.stop()
    await asyncio.sleep(0.01)
    assert got == []


async def test_firefox_at_a_fresh_source_has_no_byte_before_it_can_play_on(tmp_path: Path) -> None:
    async with on_air(tmp_path, data=FRESH) as (stream, source):
        _, others, other = await stream.listen("/live.mp3")
        _, reader, writer = await stream.listen("/live.mp3", FIREFOX)
        first = asyncio.create_task(reader.read(1 << 20))
        source.write(MP3[len(FRESH) : ENOUGH_BYTES - 1000])
        # What the others have had is more than a frame short of what was sent.
        begun = await exactly(others, ENOUGH_BYTES - 3000)
        assert not first.done()
        source.write(MP3[ENOUGH_BYTES - 1000 : ENOUGH_BYTES + 3000])
        heard = await first
        heard += await exactly(reader, max(0, ENOUGH_BYTES - len(heard)))
        assert heard.startswith(begun)
        for connection in (writer, other):
            connection.close()
        await auntil(lambda: nobody_listens(stream))


async def test_firefox_at_a_source_that_ends_early_hears_all_of_it(tmp_path: Path) -> None:
    async with on_air(tmp_path, data=FRESH) as (stream, source):
        _, reader, writer = await stream.listen("/live.mp3", FIREFOX)
        source.write_eof()
        async with asyncio.timeout(PATIENCE):
            heard = await reader.read(-1)
        assert len(heard) > len(FRESH) - 1000
        assert FRESH.startswith(heard)
        writer.close()


async def test_firefox_that_asks_for_every_packet_at_once_gets_them(tmp_path: Path) -> None:
    async with on_air(tmp_path, data=FRESH) as (stream, _):
        _, reader, writer = await stream.listen("/live.mp3?latency=low", FIREFOX)
        await exactly(reader, 4000)
        writer.close()
