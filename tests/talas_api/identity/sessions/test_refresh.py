import base64
from datetime import timedelta

import msgspec
import pytest

from talas_api.identity.sessions.refresh import Rules, Verdict, issue, judge, read
from talas_api.identity.sessions.values import Session
from talas_core.clock import FakeClock
from talas_core.errors import Unauthorized
from talas_core.ids import uuid7
from talas_core.security.seal import Sealer

OURS = Sealer("ab" * 32)
NOW = FakeClock().now()
RULES = Rules(grace=timedelta(seconds=10), idle=timedelta(days=14))


def session(token_hash: bytes) -> Session:
    return Session(uuid7(), uuid7(), token_hash, NOW, NOW, NOW + timedelta(days=30))


def test_refresh_token_reads_back_as_it_was_made() -> None:
    session_id = uuid7()
    token, token_hash = issue(session_id, OURS)
    presented = read(token, OURS)
    assert (presented.session_id, presented.token_hash) == (session_id, token_hash)
    assert len(token_hash) == 32


def test_a_token_has_one_successor_that_only_we_can_tell() -> None:
    session_id = uuid7()
    token, _ = issue(session_id, OURS)
    one, again = read(token, OURS), read(token, OURS)
    assert one == again
    next_one = read(one.successor, OURS)
    assert (next_one.session_id, next_one.token_hash) == (session_id, one.successor_hash)
    assert len({token, one.successor, next_one.successor}) == 3
    other_key = Sealer("cd" * 32).follow(base64.urlsafe_b64decode(token + "=="))
    assert other_key not in base64.urlsafe_b64decode(one.successor + "==")


@pytest.mark.checklist(7)
def test_a_token_has_256_random_bits_and_is_kept_as_a_hash() -> None:
    session_id = uuid7()
    raws = [base64.urlsafe_b64decode(issue(session_id, OURS)[0] + "==") for _ in range(200)]
    assert len({raw[16:48] for raw in raws}) == 200
    # Every one of the 256 bits takes both values: none is fixed.
    seen = [int.from_bytes(raw[16:48]) for raw in raws]
    ones = zeros = 0
    for value in seen:
        ones |= value
        zeros |= ~value
    assert ones & (1 << 256) - 1 == zeros & (1 << 256) - 1 == (1 << 256) - 1
    assert len(issue(session_id, OURS)[1]) == 32


def test_refresh_tokens_differ() -> None:
    session_id = uuid7()
    assert issue(session_id, OURS)[0] != issue(session_id, OURS)[0]


@pytest.mark.parametrize("place", range(0, 86, 5))
def test_altered_refresh_token_is_refused(place: int) -> None:
    token, _ = issue(uuid7(), OURS)
    altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises(Unauthorized):
        read(altered, OURS)


def test_refresh_token_of_another_key_is_refused() -> None:
    for stranger in (Sealer("cd" * 32),):
        with pytest.raises(Unauthorized):
            read(issue(uuid7(), stranger)[0], OURS)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b.c",
        "é" * 86,
        "A" * 86,
        "A" * 1000,
        "\ud800",
        base64.urlsafe_b64encode(bytes(64)).decode(),
    ],
)
def test_malformed_refresh_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        read(token, OURS)


def test_presented_token_gets_the_verdict_of_its_state() -> None:
    _, current = issue(uuid7(), OURS)
    _, old = issue(uuid7(), OURS)
    live = session(current)
    ended = msgspec.structs.replace(live, ended=True)
    assert judge(live, current, NOW, RULES) is Verdict.ROTATE
    assert judge(live, old, NOW, RULES) is Verdict.REUSED
    assert judge(ended, current, NOW, RULES) is Verdict.OVER
    assert judge(ended, old, NOW, RULES) is Verdict.OVER


def test_a_session_is_over_at_its_end_or_when_long_unused() -> None:
    _, current = issue(uuid7(), OURS)
    fresh = session(current)
    second = timedelta(seconds=1)
    for live, end in (
        (fresh, NOW + RULES.idle),
        (msgspec.structs.replace(fresh, refreshed_at=NOW + 28 * RULES.idle / 14), fresh.expires_at),
    ):
        assert judge(live, current, end, RULES) is Verdict.OVER
        assert judge(live, current, end - second, RULES) is Verdict.ROTATE


@pytest.mark.parametrize(
    ("seconds", "grace", "verdict"),
    [
        (0, 10, Verdict.REPEAT),
        (9.999, 10, Verdict.REPEAT),
        (10, 10, Verdict.REUSED),
        (-0.5, 10, Verdict.REPEAT),
        (0, 0, Verdict.REUSED),
        (-0.5, 0, Verdict.REUSED),
        (0.287, 0.25, Verdict.REUSED),
    ],
)
def test_token_before_the_current_one_is_good_for_the_grace(
    seconds: float, grace: float, verdict: Verdict
) -> None:
    _, current = issue(uuid7(), OURS)
    _, previous = issue(uuid7(), OURS)
    _, older = issue(uuid7(), OURS)
    live = msgspec.structs.replace(session(current), previous_hash=previous)
    rules = Rules(grace=timedelta(seconds=grace), idle=timedelta(days=14))
    moment = NOW + timedelta(seconds=seconds)
    assert judge(live, previous, moment, rules) is verdict
    assert judge(live, older, moment, rules) is Verdict.REUSED
    assert judge(live, current, moment, rules) is Verdict.ROTATE
    ended = msgspec.structs.replace(live, ended=True)
    assert judge(ended, previous, moment, rules) is Verdict.OVER
