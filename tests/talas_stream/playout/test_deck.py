from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from talas_core.errors import UsageError
from talas_stream.playout.deck import BATCH, LOOK_AHEAD, Deck
from talas_stream.playout.player import Page


class Counter:
    """A player whose pages are numbered."""

    head = b"OpusHead"

    def __init__(self, fail_at: int = -1) -> None:
        self.made = 0
        self.threads: set[int] = set()
        self._fail_at = fail_at

    def page(self) -> Page:
        if self.made == self._fail_at:
            raise UsageError("no more music")
        self.threads.add(threading.get_ident())
        self.made += 1
        return Page((b"%d" % self.made,), "even" if self.made % 2 == 0 else "")


async def test_pages_come_in_order_from_one_other_thread() -> None:
    player = Counter()
    deck = Deck(lambda: player)  # type: ignore[arg-type,return-value]
    assert await deck.head() == b"OpusHead"
    got = [int((await deck.page()).packets[0]) for _ in range(57)]
    assert got == list(range(1, 58))
    await deck.close()
    assert len(player.threads) == 1
    assert threading.get_ident() not in player.threads


async def test_deck_keeps_so_many_pages_ahead_and_no_more(until: Any) -> None:
    player = Counter()
    deck = Deck(lambda: player)  # type: ignore[arg-type,return-value]
    deck.start()
    deck.start()
    await until(lambda: player.made == BATCH)
    for _ in range(5):
        await deck.page()
    await until(lambda: player.made == 2 * BATCH)
    await asyncio.sleep(0.02)
    assert player.made <= LOOK_AHEAD + 5
    await deck.close()


async def test_the_title_is_that_of_the_last_page_taken() -> None:
    deck = Deck(Counter)  # type: ignore[arg-type,return-value]
    await deck.page()
    assert deck.title == ""
    await deck.page()
    await deck.page()
    assert deck.title == "even"
    await deck.close()


async def test_player_that_fails_reaches_the_caller_of_page() -> None:
    deck = Deck(lambda: Counter(fail_at=3))  # type: ignore[arg-type,return-value]
    with pytest.raises(UsageError, match="no more music"):
        await deck.page()
    await deck.close()


async def test_a_player_that_cannot_be_made_is_a_failure_too() -> None:
    def fail() -> Any:
        raise UsageError("no player")

    deck = Deck(fail)
    with pytest.raises(UsageError, match="no player"):
        await deck.head()
    await deck.close()


async def test_deck_closed_before_its_start_is_closed() -> None:
    await Deck(Counter).close()  # type: ignore[arg-type,return-value]
