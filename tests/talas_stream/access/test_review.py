"""Whether sources may stay: what is asked, when, and who is let go."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from support.sound import coded, programme
from support.stream import Stream, auth, record, running_stream
from support.wait import PATIENCE, auntil
from talas_core.clock import FakeClock
from talas_core.errors import Forbidden, NotFound, TalasError, Unauthorized, Unavailable
from talas_core.ids import uuid7
from talas_core.messages import StationRecord
from talas_stream.access.review import CONFIRM_SECONDS, Review

MP3 = coded(programme(4.0), "mp3")


class Source:
    def __init__(self, slug: str) -> None:
        self.record = record(slug)
        self.expelled: list[TalasError] = []

    def expel(self, error: TalasError) -> None:
        self.expelled.append(error)


class World:
    """Sources, what is remembered of their stations, and what would be answered."""

    def __init__(self, *slugs: str) -> None:
        self.sources = [Source(slug) for slug in slugs]
        self.memory: dict[str, StationRecord] = {slug: record(slug) for slug in slugs}
        self.answers: dict[str, StationRecord | Exception] = dict(self.memory)
        self.asked: list[str] = []
        self.clock = FakeClock()
        self.waiting: list[Source] = []
        parts: Any = self
        self.review = Review(parts, parts, parts, self.clock)

    def held(self) -> list[Source]:
        return self.waiting

    def remembered(self, slug: str) -> StationRecord | None:
        return self.memory.get(slug)

    async def ask(self, slug: str) -> StationRecord | None:
        self.asked.append(slug)
        answer = self.answers.get(slug)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def look(self) -> None:
        """One look, with the questions it leads to."""
        before = asyncio.all_tasks()
        self.review.look()
        await asyncio.gather(*(asyncio.all_tasks() - before))


async def test_source_whose_station_is_unchanged_is_not_asked_about() -> None:
    world = World("live", "demo")
    for _ in range(3):
        await world.look()
    assert world.asked == []


CLOSED, REKEYED = record("live", closed=True), record("live", key="1" * 32)
FAULTS = [(None, NotFound), (CLOSED, Forbidden), (REKEYED, Unauthorized)]


@pytest.mark.parametrize(("now", "error"), FAULTS)
async def test_source_whose_station_was_changed_is_asked_about_and_cut_if_it_may_not_stay(
    now: StationRecord | None, error: type[TalasError]
) -> None:
    world = World("live", "demo")
    del world.memory["live"], world.answers["live"]
    if now is not None:
        world.answers["live"] = now
    await world.look()
    assert world.asked == ["live"]
    [live, demo] = world.sources
    assert [type(one) for one in live.expelled] == [error]
    assert demo.expelled == []


async def test_answer_to_another_s_question_is_used_by_the_review() -> None:
    world = World("live")
    world.memory["live"] = CLOSED
    await world.look()
    assert world.asked == []
    assert len(world.sources[0].expelled) == 1


async def test_source_stays_after_any_other_change_of_its_station() -> None:
    world = World("live")
    del world.memory["live"]
    world.answers["live"] = record("live", name="Morning Line")
    await world.look()
    assert world.sources[0].expelled == []


async def test_sources_stay_while_no_answer_comes_and_one_question_is_asked() -> None:
    world = World("live", "demo")
    world.memory.clear()
    world.answers = {slug: Unavailable("away") for slug in ("live", "demo")}
    await world.look()
    assert len(world.asked) == 1
    await world.look()
    assert len(world.asked) == 2
    assert not any(source.expelled for source in world.sources)


async def test_fault_with_one_source_does_not_spare_the_next() -> None:
    world = World("live", "demo")
    world.memory.clear()
    world.answers = {"live": ZeroDivisionError(), "demo": record("demo", closed=True)}
    await world.look()
    assert len(world.sources[1].expelled) == 1


async def test_change_whose_announcement_was_missed_is_found_at_the_next_confirmation() -> None:
    world = World("live")
    world.answers["live"] = CLOSED
    world.clock.advance(CONFIRM_SECONDS - 1)
    await world.look()
    assert world.asked == []
    world.clock.advance(1)
    await world.look()
    assert len(world.sources[0].expelled) == 1
    await world.look()
    assert world.asked == ["live"]


async def test_one_question_is_out_at_a_time() -> None:
    world = World("live")
    world.memory.clear()
    world.review.look()
    world.review.look()
    world.review.close()
    await asyncio.sleep(0)
    assert world.asked == []
    await world.look()
    assert world.asked == ["live"]


@pytest.mark.checklist(3)
@pytest.mark.parametrize(("now", "status"), [(None, b"404"), (CLOSED, b"403"), (REKEYED, b"401")])
async def test_a_source_on_the_air_is_refused_and_its_listeners_are_ended(
    tmp_path: Path, now: StationRecord | None, status: bytes
) -> None:
    async with running_stream(tmp_path) as stream:
        reader, writer = await stream.source()
        writer.write(MP3)
        await auntil(stream.status)
        listening = [await stream.listen(path) for path in ("/live.mp3", "/live.opus")]
        await stream.api.change("live", now)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
            for _, body, _ in listening:
                await body.read()
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert await stream.status() == []
        gone = b"503" if now is REKEYED else b"404"
        assert gone in (await stream.ask("GET /live.mp3 HTTP/1.1")).split(b"\r\n")[0]
        again = await stream.ask(f"PUT /live HTTP/1.1\nContent-Type: audio/mpeg\n{auth()}")
        assert again.startswith(b"HTTP/1.1 " + status)
        await stream.api.change("live", record("live"))
        _, writer = await stream.source()
        writer.write(MP3)
        await auntil(stream.status)
        writer.close()


async def test_station_whose_listeners_wait_is_asked_about_as_a_source_is() -> None:
    world = World("live")
    world.waiting, world.sources = world.sources, []
    world.answers["live"] = None
    del world.memory["live"]
    await world.look()
    assert [type(error) for error in world.waiting[0].expelled] == [NotFound]


async def test_another_station_under_the_same_name_is_not_the_one_that_was_let_in() -> None:
    world = World("live")
    other = structs.replace(world.memory["live"], id=uuid7())
    world.memory["live"] = other
    await world.look()
    assert [type(error) for error in world.sources[0].expelled] == [NotFound]


@pytest.mark.parametrize("now", [None, CLOSED, structs.replace(REKEYED, id=uuid7())])
async def test_listeners_who_wait_for_a_source_are_ended_where_their_station_is_gone(
    tmp_path: Path, now: StationRecord | None
) -> None:
    async with running_stream(tmp_path, hold_seconds=600.0) as stream:
        _, writer = await stream.source()
        writer.write(MP3)
        await auntil(stream.status)
        _, body, _ = await stream.listen("/live.mp3")
        writer.close()
        await auntil(lambda: _off_the_air(stream))
        await stream.api.change("live", now)
        async with asyncio.timeout(PATIENCE):
            await body.read()


async def _off_the_air(stream: Stream) -> bool:
    return await stream.status() == []
