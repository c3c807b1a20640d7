"""What is known of rooms, and when a telling differs from it."""

from __future__ import annotations

from stress import ledger
from stress.ledger import Ledger
from stress.members import Rooms


def test_another_text_at_a_known_offset_does_not_agree() -> None:
    book = Ledger()
    rooms = Rooms(book)
    rooms.sent |= {"a.1", "a.2"}
    assert rooms.agrees("room", 1, "a.1")
    assert rooms.agrees("room", 1, "a.1")
    assert not rooms.agrees("room", 1, "a.2")
    assert rooms.at["room"] == {1: "a.1"}


def test_text_at_two_offsets_and_text_nobody_sent_are_violations() -> None:
    book = Ledger()
    rooms = Rooms(book)
    rooms.sent.add("a.1")
    rooms.agrees("room", 1, "a.1")
    assert book.rows[ledger.NONCES].violated == 0
    rooms.agrees("room", 2, "a.1")
    assert book.rows[ledger.NONCES].violated == 1
    rooms.agrees("room", 3, "b.1")
    assert book.rows[ledger.NONCES].violated == 2
