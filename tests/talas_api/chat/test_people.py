from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from support.api import PASSWORD, Composed
from support.chat import add_sender
from talas_api.chat.codes import Close
from talas_api.chat.people import People
from talas_api.identity.values import Account
from talas_core.errors import Forbidden, Unauthorized
from talas_core.ids import uuid7
from talas_core.postgres.pool import Database

ADD_SESSION = """
INSERT INTO sessions (id, user_id, refresh_hash, created_at, refreshed_at, expires_at)
VALUES ($1, $2, $3, $4, $4, $5)
"""
NOW = datetime.now(UTC)


@pytest.fixture
def people(composed: Composed, db: Database) -> People:
    return People(composed.api.sessions, composed.api.tokens, composed.api.accounts, db)


async def session(db: Database, user: UUID, hours: int = 1) -> UUID:
    sid = uuid7()
    born = NOW - timedelta(days=1)
    await db.run(ADD_SESSION, sid, user, sid.bytes * 2, born, NOW + timedelta(hours=hours))
    return sid


async def test_token_signs_its_person_in(composed: Composed, people: People) -> None:
    grant = await composed.sign_up("ada")
    person = await people.sign_in(grant["access_token"])
    assert person.sender.username == "ada"
    assert str(person.sender.id) == grant["user"]["id"]
    lasts = person.expires - datetime.now(UTC).timestamp()
    assert grant["expires_in"] - 10 < lasts <= grant["expires_in"]


async def test_forged_token_signs_nobody_in(people: People) -> None:
    with pytest.raises(Unauthorized):
        await people.sign_in("a.b.c")


async def test_personal_token_signs_its_person_in_if_it_is_for_chatting(
    composed: Composed, people: People, db: Database
) -> None:
    grant = await composed.sign_up("ada")
    made = {}
    for scope in ("chat:write", "rooms:read"):
        wish = {"name": "bot", "scopes": [scope], "days": 1, "password": PASSWORD}
        _, body = await composed.call("POST", "/api/auth/tokens", wish, grant["access_token"])
        made[scope] = body["data"]
    person = await people.sign_in(made["chat:write"]["token"])
    assert (person.sender.username, str(person.sid)) == ("ada", made["chat:write"]["id"])
    with pytest.raises(Forbidden):
        await people.sign_in(made["rooms:read"]["token"])
    assert await people.over([person.sid], NOW) == {}
    await db.run("UPDATE users SET disabled_at = now()")
    assert await people.over([person.sid], NOW) == {person.sid: Close.BANNED}
    await db.run("UPDATE users SET disabled_at = NULL")
    await db.run("UPDATE personal_tokens SET revoked_at = now()")
    assert await people.over([person.sid], NOW) == {person.sid: Close.SESSION_ENDED}


@pytest.mark.checklist(3)
async def test_session_that_ends_during_the_sign_in_signs_nobody_in(
    composed: Composed, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await composed.sign_up("ada")
    profile = composed.api.accounts.profile

    async def slow(user_id: UUID) -> Account:
        found = await profile(user_id)
        await composed.call("POST", "/api/auth/logout", token=grant["access_token"])
        return found

    monkeypatch.setattr(composed.api.accounts, "profile", slow)
    with pytest.raises(Unauthorized):
        await people.sign_in(grant["access_token"])


async def test_disabled_account_signs_nobody_in(
    composed: Composed, people: People, db: Database
) -> None:
    token = (await composed.sign_up("ada"))["access_token"]
    await db.run("UPDATE users SET disabled_at = now()")
    with pytest.raises(Unauthorized):
        await people.sign_in(token)


async def test_sessions_that_are_over_are_told_with_the_reason(
    people: People, db: Database
) -> None:
    ada = (await add_sender(db, "ada")).id
    banned = (await add_sender(db, "banned")).id
    good, late, left = [await session(db, ada, hours) for hours in (1, -1, 1)]
    bad, unknown = await session(db, banned), uuid7()
    await db.run("UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE id = $1", left)
    await db.run("UPDATE users SET disabled_at = now() WHERE id = $1", banned)
    assert await people.over([good, late, left, bad, unknown], NOW) == {
        late: Close.SESSION_ENDED,
        left: Close.SESSION_ENDED,
        bad: Close.BANNED,
        unknown: Close.SESSION_ENDED,
    }
    assert await people.over([], NOW) == {}
