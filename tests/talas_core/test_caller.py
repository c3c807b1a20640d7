import asyncio

import pytest

from talas_core import caller
from talas_core.errors import CallerGone


class Client:
    """Somebody who asks, and may leave."""

    def __init__(self) -> None:
        self.left = False

    def gone(self) -> bool:
        return self.left


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(caller, "LOOK_SECONDS", 0.005)
    return Client()


def test_work_for_nobody_is_never_refused() -> None:
    caller.check()
    caller.served()


def test_caller_who_has_left_is_not_served_at_all(client: Client) -> None:
    client.left = True
    with pytest.raises(CallerGone), caller.serving(client.gone):
        pytest.fail("was served")
    caller.check()


def test_caller_who_leaves_is_refused_until_something_was_changed(client: Client) -> None:
    with caller.serving(client.gone):
        caller.check()
        client.left = True
        with pytest.raises(CallerGone):
            caller.check()
        caller.served()
        caller.check()


def test_what_is_done_aside_is_done_for_a_caller_who_has_left(client: Client) -> None:
    with caller.serving(client.gone):
        client.left = True
        with caller.aside():
            caller.check()
            caller.served()
        with pytest.raises(CallerGone):
            caller.check()


async def test_task_that_outlives_the_request_is_not_refused(client: Client) -> None:
    over = asyncio.Event()

    async def later() -> None:
        await over.wait()
        caller.check()

    with caller.serving(client.gone):
        task = asyncio.create_task(later())
        await asyncio.sleep(0)
    client.left = True
    over.set()
    await task


async def test_wait_gives_the_result_to_a_caller_who_stays(client: Client) -> None:
    turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.03, turn.set_result, 7)
    with caller.serving(client.gone):
        assert await caller.wait(turn) == 7


async def test_wait_ends_and_is_cancelled_when_the_caller_leaves(client: Client) -> None:
    turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def waiting() -> None:
        with caller.serving(client.gone):
            await caller.wait(turn)

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    client.left = True
    with pytest.raises(CallerGone):
        await task
    assert turn.cancelled()


@pytest.mark.parametrize("asked", [False, True])
async def test_cancelled_wait_cancels_what_it_waits_for(client: Client, asked: bool) -> None:
    turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def waiting() -> None:
        if asked:
            with caller.serving(client.gone):
                await caller.wait(turn)
        else:
            await caller.wait(turn)

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert turn.cancelled()
