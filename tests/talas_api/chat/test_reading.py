from uuid import UUID

from support.memory_log import MemoryLog
from talas_api.chat.limits import PAGE_CHARACTERS, TEXT_CHARACTERS
from talas_api.chat.reading import Reader
from talas_api.chat.values import Draft, Sender
from talas_core.clock import FakeClock
from talas_core.ids import uuid7

ADA = Sender(uuid7(), "ada")


async def filled(texts: list[str]) -> tuple[Reader, UUID]:
    log = MemoryLog()
    room = await log.add_room()
    now = FakeClock().now()
    await log.append([Draft(room, ADA, str(n), text, uuid7(), now)
                      for n, text in enumerate(texts)])  # fmt: skip
    return Reader(log), room


async def walk(reader: Reader, room: UUID, limit: int) -> list[list[int]]:
    """Every page from the newest to the first, as offsets."""
    pages, before = [], None
    while True:
        page = await reader.page(room, before, limit)
        pages.append([entry.offset for entry in page.entries])
        before = page.next
        if before is None:
            return pages


async def test_pages_of_history_give_every_message_once() -> None:
    reader, room = await filled([str(n) for n in range(10)])
    assert await walk(reader, room, 4) == [[7, 8, 9, 10], [3, 4, 5, 6], [1, 2]]
    assert await walk(reader, room, 10) == [list(range(1, 11))]


async def test_an_empty_room_has_one_empty_page() -> None:
    reader, room = await filled([])
    assert await walk(reader, room, 4) == [[]]


async def test_long_messages_make_a_page_short() -> None:
    reader, room = await filled(["x" * TEXT_CHARACTERS] * 60)
    pages = await walk(reader, room, 100)
    assert [len(page) for page in pages] == [PAGE_CHARACTERS // TEXT_CHARACTERS] * 7 + [4]
    assert sorted(offset for page in pages for offset in page) == list(range(1, 61))
