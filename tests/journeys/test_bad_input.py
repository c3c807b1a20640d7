"""Bad input: what sources send that they should not, and what the listeners hear meanwhile.

The whole stream service runs in this process. Whatever comes in, what was not hit is heard as it
was sent and at its time, the damage is counted and named in the log, and the next source finds the
station as if nothing had been.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import numpy as np
import psutil
import pytest

from support.damage import (
    CODINGS,
    DATA,
    MONO,
    PLACES,
    SOUND,
    Damage,
    false_tag,
    longer_page,
    lying_page,
    noise,
    noise_within,
    overwritten,
    starts,
    tagged,
    truncated,
)
from support.hearing import AHEAD, Air, Body, check_sound, free, on_the_air
from support.sound import CONTENT_TYPES, SENT_ALSO, Array, coded, likeness
from support.stream import auth, record
from support.wait import PATIENCE, auntil
from talas_stream.media import RATE

pytestmark = pytest.mark.journey

EVERYWHERE: list[Damage] = [truncated, noise, noise_within, overwritten]
CASES = (
    [(coding, damage) for coding in CODINGS for damage in EVERYWHERE]
    + [("mp3", tagged), ("aac", tagged)]
    + [("opus", lying_page), ("opus", longer_page)]
)


@pytest.mark.parametrize(
    ("coding", "damage"), CASES, ids=lambda case: getattr(case, "__name__", case)
)
async def test_undamaged_audio_is_heard_at_its_time(
    tmp_path: Path, coding: str, damage: Damage
) -> None:
    data, dice = bytearray(DATA[coding]), random.Random(1)
    for at in reversed(starts(coding)[: 1 if damage is tagged else PLACES]):
        damage(data, at, dice, coding)
    async with on_the_air(tmp_path) as air:
        bodies = await air.heard(bytes(data), CONTENT_TYPES[coding], *CODINGS)
        left = (await auntil(lambda: air.told("source left")))[0]
        for body in bodies.values():
            # A frame that is cut short may cost the one behind it, too.
            check_sound(body, coding, 0 if damage is tagged else 2 * PLACES)
        in_step = damage is overwritten and coding != "opus"
        if damage is tagged:
            assert "garbage_bytes" not in left
        elif not in_step:
            assert left["garbage_bytes"] > 0
        await air.still_whole()


ALSO = {coding: SENT_ALSO[coding] for coding in ("vorbis", "ogg-flac", "flac", "wav", "webm")}


@pytest.mark.parametrize("damage", [truncated, noise, overwritten])
@pytest.mark.parametrize("coding", ALSO)
async def test_damaged_audio_coded_anew_is_heard_at_its_time(
    tmp_path: Path, coding: str, damage: Damage
) -> None:
    data = bytearray(coded(SOUND, coding))
    at = len(data) * 2 // 5
    damage(data, at - at % 4, random.Random(1), coding)
    async with on_the_air(tmp_path) as air:
        check_sound((await air.heard(bytes(data), ALSO[coding], "opus"))["opus"], coding, 1)
        left = (await auntil(lambda: air.told("source left")))[0]
        # Of bare samples nobody can tell; nor where a packet's bytes changed and nothing sums them.
        if coding != "wav" and (coding, damage) != ("webm", overwritten):
            assert any(left.get(name) for name in ("garbage_bytes", "damaged_frames"))
        assert not [line for line in air.logs if line["log_level"] in ("error", "critical")]


async def test_operator_sees_the_damage_while_it_happens(tmp_path: Path) -> None:
    async with on_the_air(tmp_path) as air:

        async def damaged() -> bool:
            request = f"GET /admin/stats?mount=/live HTTP/1.1\nHost: here\n{auth()}"
            return b"<garbage_bytes>" in await air.stream.ask(request)

        _, writer = await air.stream.source()
        writer.write(DATA["mp3"][:AHEAD])
        await auntil(air.stream.status)
        assert not await damaged()
        writer.write(random.Random(2).randbytes(900) + DATA["mp3"][AHEAD:])
        await auntil(damaged)
        writer.close()


WRONG_TYPES = {"mp3": "audio/ogg", "aac": "audio/mpeg", "opus": "application/octet-stream",
               "flac": "audio/mpeg", "webm": "audio/wav"}  # fmt: skip


@pytest.mark.parametrize("coding", WRONG_TYPES)
async def test_source_with_a_wrong_content_type_is_recognised(tmp_path: Path, coding: str) -> None:
    data = DATA.get(coding) or coded(SOUND, coding)
    async with on_the_air(tmp_path) as air:
        bodies = await air.heard(data, WRONG_TYPES[coding], "mp3", "opus")
        for body in bodies.values():
            check_sound(body, coding, 0)


async def test_tag_of_200_kb_before_the_audio_costs_nothing(tmp_path: Path) -> None:
    async with on_the_air(tmp_path) as air:
        _, writer = await air.stream.source()
        writer.write(false_tag("mp3") + DATA["mp3"][:AHEAD])
        assert (await auntil(air.stream.status))[0]["server_type"] == "audio/mpeg"
        body = Body(await air.stream.listen("/live.mp3"))
        writer.write(DATA["mp3"][AHEAD:])
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await body.reading
        assert bytes(body.heard) == DATA["mp3"]
        assert "garbage_bytes" not in (await auntil(lambda: air.told("source left")))[0]
        writer.close()


async def test_memory_is_flat_over_many_bad_sources(tmp_path: Path) -> None:
    dice = random.Random(5)
    bodies = [
        dice.randbytes(600_000),
        false_tag("mp3") * 4,  # the first one may be a picture
        (b"OggS\0\2" + bytes(20) + b"\xff" + b"\xff" * 255) * 2000,
        DATA["opus"][:30_000] + bytes(600_000),
        b"\xff\xfb\x90\x64" * 150_000,
    ]

    async def send_all(air: Air, slug: str) -> None:
        """To a station that is not held back for what it got before."""
        await air.stream.api.change(slug, record(slug))
        for body in bodies:
            reader, writer = await air.stream.source(slug=slug)
            writer.write(body)
            async with asyncio.timeout(PATIENCE):
                assert (await reader.read(4096)).startswith(b"HTTP/1.1 415")
            writer.close()
            await auntil(lambda: free(air.stream, slug))

    async with on_the_air(tmp_path) as air:
        process = psutil.Process()
        await send_all(air, "bad")
        before = process.memory_info().rss
        for number in range(6):
            await send_all(air, f"bad-{number}")
        assert process.memory_info().rss - before < 8_000_000
        named = [
            line for line in air.told("source refused") if "no audio frame in 5" in line["reason"]
        ]
        assert len(named) == 7 * len(bodies)
        await air.still_whole()


def test_measure_of_the_time_of_audio_finds_a_shift() -> None:
    """A recording with two frames missing is seen to lack them."""
    frames: list[Array] = [MONO[: 4 * RATE], MONO[4 * RATE + 2304 :]]
    torn = np.concatenate(frames)
    begin, end = torn[: 2 * RATE], torn[-3 * RATE :]
    places = [likeness(part, MONO) for part in (begin, end)]
    assert all(found > 0.999 for found, _ in places)
    assert places[1][1] - places[0][1] - (len(torn) - 3 * RATE) == 2304
