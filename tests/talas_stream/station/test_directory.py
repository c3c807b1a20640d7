"""What the stream service remembers of stations, with the API there, away, and back."""

import asyncio

import pytest

from support.stream import FakeApi, record
from support.wait import auntil
from talas_core import messages
from talas_core.errors import Unavailable
from talas_core.messages import FindStation, FoundStation, StationChanged
from talas_stream.station import directory as module
from talas_stream.station.directory import Directory


async def changed(api: FakeApi, slug: str) -> None:
    await api.bus.publish(messages.STATION_CHANGED, messages.encode(StationChanged(slug)))


@pytest.fixture
async def api() -> FakeApi:
    api = FakeApi(record("live"), record("demo"))
    await api.start()
    return api


@pytest.fixture
async def directory(api: FakeApi) -> Directory:
    directory = Directory(api.bus)
    await directory.start()
    return directory


async def test_a_station_is_asked_for_once(api: FakeApi, directory: Directory) -> None:
    assert directory.remembered("live") is None
    for _ in range(3):
        assert await directory.find("live") == record("live")
    assert directory.remembered("live") == record("live")
    assert api.asked == 1


async def test_station_that_does_not_exist_is_never_remembered(
    api: FakeApi, directory: Directory
) -> None:
    for _ in range(2):
        assert await directory.find("new") is None
    assert api.asked == 2
    api.stations["new"] = record("new")
    assert await directory.find("new") == record("new")


async def test_name_longer_than_any_slug_is_asked_of_nobody(
    api: FakeApi, directory: Directory
) -> None:
    assert await directory.find("a" * 63) is None
    assert api.asked == 1
    assert await directory.find("a" * 64) is None
    assert api.asked == 1


async def test_station_that_is_closed_is_never_remembered(
    api: FakeApi, directory: Directory
) -> None:
    await directory.find("live")
    await api.change("live", record("live", closed=True))
    await auntil(lambda: directory.remembered("live") is None)
    for _ in range(2):
        assert await directory.find("live") == record("live", closed=True)
    assert directory.remembered("live") is None
    api.stations["live"] = record("live")
    assert await directory.find("live") == record("live")
    assert directory.remembered("live") == record("live")


async def test_a_change_is_asked_for_at_the_next_use(api: FakeApi, directory: Directory) -> None:
    await directory.find("live")
    await directory.find("demo")
    api.stations["live"] = record("live", name="Morning Line")
    await changed(api, "live")
    await changed(api, "never-heard-of")
    await auntil(lambda: directory.remembered("live") is None)
    assert api.asked == 2
    found = await directory.find("live")
    assert found is not None
    assert found.name == "Morning Line"
    assert directory.remembered("demo") is not None
    assert directory.remembered("live") == found


async def test_a_removed_station_is_forgotten(api: FakeApi, directory: Directory) -> None:
    await directory.find("live")
    del api.stations["live"]
    await changed(api, "live")
    await auntil(lambda: directory.remembered("live") is None)
    assert await directory.find("live") is None
    assert await directory.find("live") is None
    assert api.asked == 3


async def test_asking_goes_past_what_is_remembered(api: FakeApi, directory: Directory) -> None:
    await directory.find("live")
    api.stations["live"] = record("live", name="Morning Line")
    assert await directory.ask("live") == record("live", name="Morning Line")
    assert directory.remembered("live") == record("live", name="Morning Line")
    api.bus.cut()
    with pytest.raises(Unavailable):
        await directory.ask("live")
    assert directory.remembered("live") is not None


async def test_known_stations_stay_known_while_the_api_is_away(
    api: FakeApi, directory: Directory
) -> None:
    await directory.find("live")
    api.bus.cut()
    assert await directory.find("live") == record("live")
    with pytest.raises(Unavailable):
        await directory.find("demo")
    api.bus.restore()
    # An event may have been missed: all is asked for again, and believed if nobody answers.
    assert directory.remembered("live") is None
    api.bus.cut()
    assert await directory.find("live") == record("live")


async def test_a_change_between_question_and_answer_is_not_lost() -> None:
    """The answer was read before the change, the event came before the answer."""
    api = FakeApi(record("live"))
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(payload: bytes) -> bytes:
        slug = messages.decode(payload, FindStation).slug
        answer = messages.encode(FoundStation(api.stations.get(slug)))
        asked.set()
        await go_on.wait()
        return answer

    await api.bus.serve(messages.STATION_FIND, slowly)
    directory = Directory(api.bus)
    await directory.start()
    finding = asyncio.create_task(directory.find("live"))
    await asked.wait()
    api.stations["live"] = record("live", key="1" * 32)
    await changed(api, "live")
    await asyncio.sleep(0)
    go_on.set()
    assert await finding == record("live")
    assert await directory.find("live") == record("live", key="1" * 32)
    assert directory.remembered("live") == record("live", key="1" * 32)


async def test_memory_is_bounded(
    api: FakeApi, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 3)
    for number in range(5):
        api.stations[f"s{number}"] = record(f"s{number}")
        await directory.find(f"s{number}")
    known = [n for n in range(5) if directory.remembered(f"s{n}") is not None]
    assert known == [2, 3, 4]
