import base64
from datetime import timedelta

import msgspec
import pytest

from talas_api.sessions.refresh import Verdict, issue, judge, read
from talas_api.sessions.values import Session
from talas_core.clock import FakeClock
from talas_core.errors import Unauthorized
from talas_core.ids import uuid7
from talas_core.security.seal import Sealer

OURS = Sealer("ab" * 32)
NOW = FakeClock().now()


def session(token_hash: bytes) -> Session:
    return Session(uuid7(), uuid7(), token_hash, NOW, NOW, NOW + timedelta(days=30))


def test_a_token_reads_back() -> None:
    session_id = uuid7()
    token, token_hash = issue(session_id, OURS)
    presented = read(token, OURS)
    assert (presented.session_id, presented.token_hash) == (session_id, token_hash)
    assert len(token_hash) == 32


def test_tokens_differ() -> None:
    session_id = uuid7()
    assert issue(session_id, OURS)[0] != issue(session_id, OURS)[0]


@pytest.mark.parametrize("place", range(0, 86, 5))
def test_an_altered_token_is_not_ours(place: int) -> None:
    token, _ = issue(uuid7(), OURS)
    altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises(Unauthorized):
        read(altered, OURS)


def test_nobody_else_can_make_one_for_a_session() -> None:
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
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        read(token, OURS)


def test_verdicts() -> None:
    _, current = issue(uuid7(), OURS)
    _, old = issue(uuid7(), OURS)
    live = session(current)
    ended = msgspec.structs.replace(live, ended=True)
    assert judge(live, current, NOW) is Verdict.ROTATE
    assert judge(live, old, NOW) is Verdict.REUSED
    assert judge(ended, current, NOW) is Verdict.OVER
    assert judge(ended, old, NOW) is Verdict.OVER
    assert judge(live, current, live.expires_at) is Verdict.OVER
    assert judge(live, current, live.expires_at - timedelta(seconds=1)) is Verdict.ROTATE
