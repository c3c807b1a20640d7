"""What `talas user` does: the use cases of administration, by name and in sentences.

Does:        take an operator's words to jobs for an Administration.
Never:       asks for anything; knows a terminal.
Guarantees:  what a job returns says what was done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from talas_api.admin.service import Administration
from talas_api.admin.values import LARGEST_PAGE, OPERATOR, PeopleQuery, Person, RoleChange
from talas_api.identity.accounts.values import Registration
from talas_core.web.body import parse

Job = Callable[[Administration], Awaitable[str]]


def created(username: str, email: str, password: str) -> Job:
    """Make an account. The job raises BadInput, Conflict."""

    async def job(administration: Administration) -> str:
        fields = {"username": username, "email": email, "password": password}
        made = await administration.create(parse(msgspec.json.encode(fields), Registration))
        return (
            f"{made.username} has an account now, as {made.role}; `talas user promote` gives roles."
        )

    return job


def promoted(username: str, role: str) -> Job:
    """Give a role. The job raises BadInput, NotFound, Conflict."""

    async def job(administration: Administration) -> str:
        wish = parse(msgspec.json.encode({"role": role}), RoleChange)
        person = await administration.find(username)
        after = await administration.set_role(person.id, wish.role, OPERATOR)
        return f"{after.username} is {after.role} now, having been {person.role}."

    return job


def disabled(username: str) -> Job:
    """Shut somebody out. The job raises NotFound, Conflict."""

    async def job(administration: Administration) -> str:
        person = await administration.find(username)
        await administration.disable(person.id, OPERATOR)
        return f"{person.username} is disabled; sessions and tokens have ended, stations closed."

    return job


def enabled(username: str) -> Job:
    """Let somebody in again. The job raises NotFound."""

    async def job(administration: Administration) -> str:
        person = await administration.find(username)
        await administration.enable(person.id, OPERATOR)
        return f"{person.username} may sign in."

    return job


async def listed(administration: Administration) -> str:
    """Everybody, one a line, in the order they came."""
    people: list[Person] = []
    query: PeopleQuery | None = PeopleQuery(LARGEST_PAGE)
    while query is not None:
        page = await administration.list(query, OPERATOR)
        people += page.people
        query = PeopleQuery(LARGEST_PAGE, page.next) if page.next else None
    lines = (
        f"{person.username:32}  {person.role:9}  {person.created_at:%Y-%m-%d}"
        f"{'  disabled' if person.disabled_at else ''}"
        for person in people
    )
    return "\n".join(lines) or "Nobody is here yet."
