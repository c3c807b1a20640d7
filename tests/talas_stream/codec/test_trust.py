"""What a codec worker that was broken into tells, and how little of it is believed."""

import asyncio
import math

import msgspec
import pytest
from structlog.testing import capture_logs

from support.codec import OPUS
from support.wait import auntil
from talas_stream.codec import trust
from talas_stream.codec.load import Load
from talas_stream.codec.messages import Coded, Fact, Said
from talas_stream.codec.stages.meter import Reading
from talas_stream.codec.trust import (
    LINES_A_SECOND,
    MOST_CONFIG_BYTES,
    MOST_FACTS,
    MOST_GAP_TICKS,
    MOST_NAME,
    MOST_PACKET_BYTES,
    MOST_PACKET_TICKS,
    MOST_TEXT,
    MOST_TICKS,
    Lines,
    Track,
    check_load,
    check_reading,
)
from talas_stream.media import Packet

LOAD = Load(0.5, 0.25, 0.005, 10, 7, 1, 1 << 26)
READING = Reading(-23.0, None, None, 4.5, -1.0, 0.3)
HOUR = 3600 * 48_000


async def test_flood_of_lines_is_cut_and_the_number_left_out_is_one_line() -> None:
    lines = Lines(asyncio.get_running_loop(), 1)
    with capture_logs() as logs:
        for _ in range(20 * LINES_A_SECOND):
            lines.say(Said("info", "an event", {}))
        await auntil(lambda: any("number" in line for line in logs))
    said = [line for line in logs if line["event"] == "an event"]
    told = [line["number"] for line in logs if line["event"] == "lines of a codec worker left out"]
    assert len(said) + sum(told) == 20 * LINES_A_SECOND
    assert len(said) <= (len(told) + 1) * LINES_A_SECOND


async def test_line_is_said_again_in_the_next_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "WINDOW_SECONDS", 0.05)
    lines = Lines(asyncio.get_running_loop(), 1)
    with capture_logs() as logs:
        for _ in range(LINES_A_SECOND + 1):
            lines.say(Said("info", "an event", {}))
        await auntil(lambda: "number" in logs[-1])
        lines.say(Said("info", "another event", {}))
    assert logs[-1]["event"] == "another event"


async def test_line_is_in_the_worker_s_own_name_and_clipped() -> None:
    lines = Lines(asyncio.get_running_loop(), 1)
    with capture_logs() as logs:
        lines.say(Said("error", "e" * 2 * MOST_TEXT, {"worker": 7, "how": "x" * 2 * MOST_TEXT}))
    assert (logs[0]["event"], logs[0]["how"]) == ("e" * MOST_TEXT, "x" * MOST_TEXT)
    assert logs[0]["worker"] == 1


@pytest.mark.parametrize("level", ["loud", "notset", "INFO", ""])
async def test_level_that_no_worker_uses_is_refused(level: str) -> None:
    with pytest.raises(ValueError, match="level"):
        Lines(asyncio.get_running_loop(), 1).say(Said(level, "an event", {}))


@pytest.mark.parametrize(
    "facts",
    [
        {"event": "another"},
        {"level": "info"},
        {"service": "talas_api"},
        {"exc_info": True},
        {"two words": 1},
        {"n" * (MOST_NAME + 1): 1},
        {f"fact{number}": number for number in range(MOST_FACTS + 1)},
    ],
)
async def test_facts_that_no_worker_tells_are_refused(facts: dict[str, Fact]) -> None:
    with pytest.raises(ValueError, match="facts"):
        Lines(asyncio.get_running_loop(), 1).say(Said("info", "an event", facts))


def test_packets_follow_each_other_and_begin_anew_with_a_config() -> None:
    track = Track()
    assert not track.takes(Coded(OPUS, [Packet(b"old", 9 * HOUR, 960)])), "of a closed encoder"
    assert track.takes(Coded(OPUS, [Packet(b"one", -312, 960)], b"head"))
    assert track.takes(Coded(OPUS, [Packet(b"two", 648, 960), Packet(b"three", 1608, 960)]))
    assert track.takes(Coded(OPUS, [Packet(b"one", 0, 960)], b"head"))


@pytest.mark.parametrize(
    "packet",
    [
        Packet(b"back", 959, 960),
        Packet(b"hours ahead", HOUR, 960),
        Packet(b"a little too far", 1921 + MOST_GAP_TICKS, 960),
        Packet(b"long", 1920, MOST_PACKET_TICKS + 1),
        Packet(b"shrinks", 1920, -1),
        Packet(bytes(MOST_PACKET_BYTES + 1), 1920, 960),
        Packet(b"woven", 1920, 960, opening=b"what only a feed makes"),
    ],
)
def test_packet_that_cannot_be_what_follows_is_refused(packet: Packet) -> None:
    track = Track()
    assert track.takes(Coded(OPUS, [Packet(b"one", 960, 960)], b"head"))
    with pytest.raises(ValueError, match="packet"):
        track.takes(Coded(OPUS, [packet]))


@pytest.mark.parametrize("at", [MOST_TICKS + 1, -MOST_TICKS - 1, (1 << 64) - 1])
def test_first_packet_has_a_place_that_wire_formats_have_room_for(at: int) -> None:
    with pytest.raises(ValueError, match="packet"):
        Track().takes(Coded(OPUS, [Packet(b"one", at, 960)], b"head"))


def test_config_of_absurd_size_is_refused() -> None:
    with pytest.raises(ValueError, match="config"):
        Track().takes(Coded(OPUS, [], bytes(MOST_CONFIG_BYTES + 1)))


@pytest.mark.parametrize(
    "change",
    [
        {"busy": math.nan}, {"busy": -0.1}, {"late": math.inf}, {"quantum": -math.inf},
        {"complexity": -1}, {"room": -1}, {"shed": -1},
    ],
)  # fmt: skip
def test_load_that_cannot_be_is_refused(change: dict[str, float]) -> None:
    check_load(LOAD, 3, 3)
    with pytest.raises(ValueError, match="load"):
        check_load(msgspec.structs.replace(LOAD, **change), 0, 0)


@pytest.mark.parametrize("opened", [4, -1])
def test_more_renditions_opened_than_ordered_are_refused(opened: int) -> None:
    with pytest.raises(ValueError, match="opened"):
        check_load(LOAD, opened, 3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_reading_that_is_no_number_is_refused(value: float) -> None:
    check_reading(READING)
    check_reading(None)
    with pytest.raises(ValueError, match="number"):
        check_reading(msgspec.structs.replace(READING, peak=value))
