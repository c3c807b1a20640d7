"""Every error of the driver, by what it is to our callers."""

import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError

from talas_core.errors import BadInput, TalasError, Unavailable
from talas_core.postgres.failures import (
    Away,
    Contended,
    Dangling,
    Duplicate,
    Hampered,
    constraint_fields,
    meaning,
    spoils,
    translated,
)


def told(state: str) -> asyncpg.PostgresError:
    """What asyncpg makes of a server's answer with that SQLSTATE."""
    return asyncpg.PostgresError.new({"S": "ERROR", "C": state, "M": "something is wrong"})


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08000", Away),
        ("08003", Away),
        ("08006", Away),
        ("08P01", Away),
        ("25006", Hampered),
        ("25P03", Away),
        ("25P04", Away),
        ("28000", Away),
        ("28P01", Away),
        ("3D000", Away),
        ("40001", Contended),
        ("40003", Contended),
        ("40P01", Contended),
        ("53000", Hampered),
        ("53100", Hampered),
        ("53200", Hampered),
        ("53300", Hampered),
        ("53400", Hampered),
        ("55P03", Contended),
        ("57014", Away),
        ("57P01", Away),
        ("57P02", Away),
        ("57P03", Away),
        ("57P04", Away),
        ("57P05", Away),
        ("58000", Hampered),
        ("58030", Hampered),
        ("58P01", Hampered),
        ("22003", BadInput),
        ("22021", BadInput),
        ("23514", BadInput),
        ("23505", Duplicate),
        ("23503", Dangling),
        ("23001", Dangling),
    ],
)
def test_state_of_the_server_is_one_of_our_errors(state: str, kind: type[TalasError]) -> None:
    assert type(meaning(told(state))) is kind


@pytest.mark.parametrize("state", ["42601", "42P01", "42501", "22P02", "23502", "XX000", "P0001"])
def test_state_that_is_our_mistake_is_none_of_our_errors(state: str) -> None:
    assert meaning(told(state)) is None


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(104, "Connection reset by peer"),
        ConnectionRefusedError(111, "Connection refused"),
        BrokenPipeError(32, "Broken pipe"),
        FileNotFoundError(2, "No such file or directory"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.InterfaceError("cannot perform operation: another operation is cancelling"),
        asyncpg.InterfaceError(
            "cannot call Transaction.__aexit__(): the underlying connection is closed"
        ),
        InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    ],
    ids=str,
)
def test_lost_database_connection_is_away(error: Exception) -> None:
    assert type(meaning(error)) is Away


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("the server expects 1 argument for this query, 0 were passed"),
        asyncpg.exceptions.DataError("invalid input for query argument $1: 'closed'"),
        ValueError("closed"),
        KeyError("name"),
    ],
    ids=repr,
)
def test_mistake_of_the_drivers_user_stays_visible(error: Exception) -> None:
    assert meaning(error) is None
    with pytest.raises(type(error)), translated():
        raise error


def test_database_error_is_raised_anew_with_its_cause_each_time() -> None:
    cause = told("53100")
    with pytest.raises(Hampered, match="no room") as first, translated():
        raise cause
    with pytest.raises(Hampered) as second, translated():
        raise cause
    assert first.value.__cause__ is cause
    assert first.value is not second.value
    assert isinstance(first.value, Unavailable)
    assert (first.value.code, first.value.status) == ("unavailable", 503)
    assert first.value.retry_after > 0


def test_connection_is_spoilt_where_it_only_seems_open() -> None:
    assert spoils(InternalClientError("cannot switch to state 15"))
    assert spoils(told("25006"))
    assert not spoils(told("53100"))


def test_met_constraint_names_its_field() -> None:
    error = Duplicate("parents_name")
    named = constraint_fields(error, [("x", "y", "is wrong"), ("parents_name", "name", "is taken")])
    assert named.fields == {"name": "is taken"}
    assert str(named) == "That name is taken."
    assert constraint_fields(error, []) is error
