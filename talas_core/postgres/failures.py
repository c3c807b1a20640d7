"""What an error of the driver means: one table, by SQLSTATE (PostgreSQL's manual, appendix A).

Does:        turn every error of asyncpg, and of the operating system below it, into one of ours.
Never:       hides a fault of ours: what is in no row passes unchanged, and is logged as a failure.
Guarantees:  whatever comes of a database that is away, full, read-only, stopping or out of
             connections is Unavailable. Of a commit that was cut it is not known whether it was
             made: that is Unavailable too, and who asks again must be ready to find it made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import asyncpg  # type: ignore[import-untyped]
from asyncpg.exceptions import InternalClientError  # type: ignore[import-untyped]

from talas_core.errors import BadInput, Conflict, TalasError, Unavailable


class Duplicate(Conflict):
    """A unique constraint was met; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        super().__init__("That exists already.")
        self.constraint = constraint


class Dangling(Conflict):
    """A row would refer to one that is not there; `constraint` is the foreign key's name."""

    def __init__(self, constraint: str) -> None:
        super().__init__("Something this depends on is gone, or something still depends on it.")
        self.constraint = constraint


class Contended(Unavailable):
    """Others were changing the same rows; the same again may well succeed."""


class Away(Unavailable):
    """The database cannot be asked now."""


class Hampered(Away):
    """The database answers, and yet does not do what it was asked: a SELECT may still succeed."""


NO_ANSWER = "The database does not answer."

STATES: dict[str, TalasError] = {
    "08": Away(NO_ANSWER),  # connection exception
    "25006": Hampered("The database is read-only."),
    "25P03": Away("The database cut a transaction that took too long."),
    "25P04": Away("The database cut a transaction that took too long."),
    "28": Away("The database refuses our user."),
    "3D000": Away("The database is not there."),
    "40": Contended("Others are changing the same thing; try again."),
    "53": Hampered("The database lacks resources."),
    "53100": Hampered("The database has no room on its disk."),
    "53200": Hampered("The database has no memory to spare."),
    "53300": Hampered("The database has no connection to spare."),
    "55P03": Contended("Others are changing the same thing; try again."),
    "57014": Away("The database takes too long."),
    "57P": Away(NO_ANSWER),  # shutdown, crash, starting, dropped, idle for too long
    "58": Hampered("The database cannot use its disk."),
    "22021": BadInput("A value is outside what can be kept."),  # not in the character set
    "22003": BadInput("A value is outside what can be kept."),  # out of a number's range
    "23514": BadInput("A value is outside what can be kept."),  # refused by a CHECK
}
"""By SQLSTATE, or the beginning of one: the longest that fits counts. Two more are met with the
constraint's name, see `meaning`."""

UNIQUE, REFERENCES = "23505", ("23503", "23001")

_LOST = ("clos", "another operation")
"""In what the driver says of a connection that broke, or whose last query is being cancelled. The
rest of its InterfaceErrors are mistakes of its user, which is us: those must stay visible."""


def meaning(error: BaseException) -> TalasError | None:
    """What `error` is to our callers, None for a fault of ours."""
    if isinstance(error, asyncpg.PostgresError):
        return _of_state(error)
    if isinstance(error, asyncpg.InterfaceError):
        # Of a value that does not fit (a ValueError, too) the driver's sentence tells the text.
        lost = not isinstance(error, ValueError) and any(word in str(error) for word in _LOST)
        return Away(NO_ANSWER) if lost else None
    # The driver loses count of itself (InternalClientError) where a connection breaks between the
    # sending of a query and its answer. OSError includes ConnectionError and TimeoutError.
    if isinstance(error, OSError | TimeoutError | InternalClientError):
        return Away(NO_ANSWER)
    return None


def spoils(error: BaseException) -> bool:
    """Whether the connection that raised it is of no more use, although it may seem open: the
    driver has lost count, or the server at its end has become one that only reads."""
    return isinstance(error, InternalClientError | asyncpg.ReadOnlySQLTransactionError)


def _of_state(error: asyncpg.PostgresError) -> TalasError | None:
    state = error.sqlstate or ""
    if state == UNIQUE:
        return Duplicate(error.constraint_name or "")
    if state in REFERENCES:
        return Dangling(error.constraint_name or "")
    for length in range(len(state), 1, -1):
        found = STATES.get(state[:length])
        if found is not None:
            return type(found)(found.message)  # a fresh one: it is raised, with a cause of its own
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Inside, errors of the driver become ours. What is a fault of ours passes unchanged."""
    try:
        yield
    except Exception as error:
        found = meaning(error)
        if found is None:
            raise
        raise found from error


def constraint_fields(error: Duplicate, fields: Iterable[tuple[str, str, str]]) -> Conflict:
    """A Conflict that names the field of the constraint met and what is wrong with it, from
    (constraint, field, sentence)."""
    for constraint, field, sentence in fields:
        if constraint == error.constraint:
            return Conflict(f"That {field} {sentence}.", {field: sentence})
    return error
