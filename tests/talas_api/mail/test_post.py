import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from support.wait import auntil
from talas_api.mail.port import Letter, Undelivered
from talas_api.mail.post import Errand, Post
from talas_core.errors import Unavailable
from talas_core.ids import uuid7

ANN = uuid7()


def letter(subject: str) -> Letter:
    return Letter("reset", ANN, "ann@example.com", subject, "text")


def errand(subject: str) -> Errand:
    async def write() -> Letter:
        return letter(subject)

    return write


class Carrier:
    """A Mailer that fails as it is told to, per try."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.tries: list[str] = []
        self.taken: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, letter: Letter) -> None:
        await self.gate.wait()
        self.tries.append(letter.subject)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.taken.append(letter.subject)


@pytest.fixture
async def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
async def post(carrier: Carrier) -> AsyncIterator[Post]:
    made = Post(carrier, delivers=True, waiting=5, pauses=(0.01, 0.01))
    made.start()
    yield made
    made.close()


async def test_letters_are_carried_in_the_background(post: Post, carrier: Carrier) -> None:
    carrier.gate.clear()
    post.add(errand("one"))
    post.add(errand("two"))
    assert carrier.tries == []
    carrier.gate.set()
    await auntil(lambda: sorted(carrier.taken) == ["one", "two"])


async def test_an_errand_may_find_nothing_to_write(post: Post, carrier: Carrier) -> None:
    async def nothing() -> None:
        return None

    post.add(nothing)
    post.add(errand("next"))
    await auntil(lambda: carrier.taken == ["next"])


async def test_a_failed_errand_harms_no_other(post: Post, carrier: Carrier) -> None:
    async def away() -> Letter:
        raise Unavailable("The database does not answer.")

    async def broken() -> Letter:
        raise ZeroDivisionError

    with capture_logs() as lines:
        for one in (away, broken, away, broken, errand("after")):
            post.add(one)
        await auntil(lambda: carrier.taken == ["after"])
    assert [line["event"] for line in lines] == ["letter not written"] * 4


async def test_letter_that_may_pass_later_is_tried_again(post: Post, carrier: Carrier) -> None:
    carrier.failures = [Undelivered("answered 451", later=True), TimeoutError(), None]
    post.add(errand("one"))
    await auntil(lambda: carrier.taken == ["one"])
    assert len(carrier.tries) == 3


async def test_letter_that_never_passes_is_given_up(post: Post, carrier: Carrier) -> None:
    carrier.failures = [Undelivered("answered 451", later=True)] * 3
    with capture_logs() as lines:
        post.add(errand("one"))
        await auntil(lambda: any(line["event"] == "letter given up" for line in lines))
    assert (len(carrier.tries), carrier.taken) == (3, [])
    assert "ann@example.com" not in str(lines)


@pytest.mark.parametrize(
    "failure", [Undelivered("answered 550", later=False), ValueError("ann@example.com")]
)
async def test_letter_refused_for_good_is_tried_once(
    post: Post, carrier: Carrier, failure: Exception
) -> None:
    carrier.failures = [failure]
    with capture_logs() as lines:
        post.add(errand("one"))
        post.add(errand("two"))
        await auntil(lambda: carrier.taken)
    assert len(carrier.tries) == 2
    assert [line["event"] for line in lines] == ["letter not taken"]
    assert "ann@example.com" not in str(lines)


async def test_full_queue_of_letters_drops_and_says_so(post: Post, carrier: Carrier) -> None:
    carrier.gate.clear()
    with capture_logs() as lines:
        for number in range(8):
            post.add(errand(str(number)))
    assert [line["event"] for line in lines] == ["letter dropped: too many wait"] * 3
    carrier.gate.set()
    await auntil(lambda: len(carrier.taken) == 5)


async def test_drain_sends_letters_that_wait_and_ends_at_its_deadline(
    post: Post, carrier: Carrier
) -> None:
    for subject in ("one", "two", "three"):
        post.add(errand(subject))
    await post.drain(10)
    assert sorted(carrier.taken) == ["one", "three", "two"]
    carrier.gate.clear()
    post.add(errand("four"))
    await post.drain(0.01)
    assert "four" not in carrier.taken


async def test_letters_left_at_the_end_are_counted_in_the_log(carrier: Carrier) -> None:
    post = Post(carrier, delivers=True)
    post.add(errand("one"))
    with capture_logs() as lines:
        post.close()
    assert [(line["event"], line["count"]) for line in lines] == [
        ("letters left unsent at the end", 1)
    ]
