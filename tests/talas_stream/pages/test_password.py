"""The operator's password: who it admits, and what guessing costs."""

import pytest

from talas_core.clock import FakeClock
from talas_core.errors import TooMany
from talas_stream.pages.password import MAX_ADDRESSES, MAX_WRONG, WINDOW_SECONDS, AdminPassword

RIGHT = "c\u00f4rrect horse"
WRONG = "wrong horse!"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def password(clock: FakeClock) -> AdminPassword:
    return AdminPassword(RIGHT, clock.monotonic)


def guess(password: AdminPassword, times: int, address: str = "a") -> None:
    for _ in range(times):
        assert not password.admits("admin", WRONG, address)


def test_the_user_and_the_password_must_be_right(password: AdminPassword) -> None:
    assert password.admits("admin", RIGHT, "a")
    assert not password.admits("admin", WRONG, "a")
    assert not password.admits("source", RIGHT, "a")


@pytest.mark.parametrize("given", ["", "admin"])
def test_empty_password_admits_nobody(clock: FakeClock, given: str) -> None:
    assert not AdminPassword("", clock.monotonic).admits("admin", given, "a")


def test_address_that_guesses_is_told_to_wait_and_no_other(
    password: AdminPassword, clock: FakeClock
) -> None:
    guess(password, MAX_WRONG)
    clock.advance(10)
    with pytest.raises(TooMany) as caught:
        password.admits("admin", RIGHT, "a")
    assert caught.value.retry_after == WINDOW_SECONDS - 10
    assert password.admits("admin", RIGHT, "b")
    clock.advance(WINDOW_SECONDS - 10)
    assert password.admits("admin", RIGHT, "a")


def test_right_ones_between_wrong_ones_do_not_start_the_count_again(
    password: AdminPassword,
) -> None:
    guess(password, MAX_WRONG - 1)
    assert password.admits("admin", RIGHT, "a")
    guess(password, 1)
    with pytest.raises(TooMany):
        password.admits("admin", RIGHT, "a")


def test_the_oldest_address_is_forgotten_first(password: AdminPassword) -> None:
    guess(password, MAX_WRONG)
    for number in range(MAX_ADDRESSES - 1):
        guess(password, 1, str(number))
    with pytest.raises(TooMany):
        password.admits("admin", RIGHT, "a")
    guess(password, 1, "one more")
    assert password.admits("admin", RIGHT, "a")
