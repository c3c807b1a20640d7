import pytest

from support.wait import auntil
from talas_api.announcer import Announcer
from talas_core import messages
from talas_core.bus.memory import MemoryBus
from talas_core.bus.session_news import SessionNews
from talas_core.clock import FakeClock
from talas_core.ids import uuid7
from talas_core.messages import KEYS_CHANGED, STATION_CHANGED, StationChanged


async def test_announced_event_is_heard_by_other_processes() -> None:
    bus = MemoryBus()
    heard: dict[str, list[bytes]] = {}
    for subject in (STATION_CHANGED, KEYS_CHANGED):
        await bus.subscribe(subject, heard.setdefault(subject, []).append)
    over: list[str] = []
    news = SessionNews(bus, FakeClock(), ended=over.append)
    await news.start()
    announcer = Announcer(bus, news)
    session_id = uuid7()
    await announcer.station_changed("my-radio")
    await announcer.session_ended(session_id, uuid7())
    await announcer.keys_changed()
    await auntil(lambda: all(heard.values()) and over)
    assert messages.decode(heard[STATION_CHANGED][0], StationChanged).slug == "my-radio"
    assert over == [str(session_id)]
    news.stop()


@pytest.mark.checklist(3)
async def test_end_of_a_session_is_heard_here_without_the_bus() -> None:
    bus = MemoryBus()
    heard: list[str] = []
    news = SessionNews(bus, FakeClock(), ended=heard.append)
    announcer = Announcer(bus, news, heard.append)
    bus.cut()
    session_id = uuid7()
    await announcer.session_ended(session_id, uuid7())
    assert heard == [str(session_id)]
