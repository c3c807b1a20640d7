import asyncio

import pytest

from support.wait import PATIENCE
from talas_core.postgres.slots import Slots


async def test_client_with_many_requests_that_wait_takes_turns_with_others() -> None:
    slots, served = Slots(1), []

    async def use(whose: str) -> None:
        await slots.enter(whose, 10)
        served.append(whose)
        await asyncio.sleep(0)
        slots.leave()

    await asyncio.gather(*map(use, "aaaabb"), use("c"))
    assert "".join(served) == "aabcaba"
    await asyncio.wait_for(slots.enter("d", 0), PATIENCE)


async def test_client_that_waited_too_long_is_told_and_takes_no_slot() -> None:
    slots = Slots(1)
    await slots.enter("a", 10)
    with pytest.raises(TimeoutError):
        await slots.enter("b", 0.001)
    slots.leave()
    await slots.enter("c", 10)


async def test_client_cancelled_as_its_slot_comes_hands_it_on() -> None:
    slots = Slots(1)
    await slots.enter("a", 10)
    second = asyncio.create_task(slots.enter("b", 10))
    third = asyncio.create_task(slots.enter("c", 10))
    await asyncio.sleep(0)
    slots.leave()
    second.cancel()
    await third
    assert second.cancelled()


async def test_clients_inside_are_never_more_than_the_slots() -> None:
    slots, inside, most = Slots(3), 0, 0

    async def use(number: int) -> None:
        nonlocal inside, most
        await slots.enter(number % 4, 10)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        slots.leave()

    await asyncio.gather(*map(use, range(50)))
    assert most == 3
