"""How long what is over is kept."""

from datetime import timedelta

from talas_api.retention.values import KEPT, Remains
from talas_core.settings import BY_NAME


def test_every_kind_of_rows_has_its_time() -> None:
    assert set(Remains) - set(KEPT) == {Remains.AUDIT_EVENTS}


def test_a_session_is_there_for_as_long_as_an_access_token_of_it_may_live() -> None:
    longest = BY_NAME["TALAS_ACCESS_TOKEN_SECONDS"].high
    assert longest is not None
    assert KEPT[Remains.SESSIONS] > timedelta(seconds=longest)
