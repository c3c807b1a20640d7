"""Who is let in, wired: news of an end reaches sessions and personal tokens alike."""

from support.api import PASSWORD, Composed
from talas_core.postgres.pool import Database

GONE = (
    "UPDATE sessions SET ended_at = now(), end_reason = 'ended'",
    "UPDATE personal_tokens SET revoked_at = now()",
)


async def signed_in(composed: Composed) -> tuple[str, str]:
    """An access token and a personal token, both seen already."""
    session = (await composed.sign_up())["access_token"]
    wish = {"name": "bot", "scopes": ["profile:read"], "days": 1, "password": PASSWORD}
    _, body = await composed.call("POST", "/api/auth/tokens", wish, session)
    tokens = session, body["data"]["token"]
    assert await answers(composed, tokens) == [200, 200]
    return tokens


async def answers(composed: Composed, tokens: tuple[str, str]) -> list[int]:
    return [(await composed.call("GET", "/api/auth/profile", token=one))[0] for one in tokens]


async def test_ends_are_heard_of_both(composed: Composed, db: Database) -> None:
    tokens = await signed_in(composed)
    for change in GONE:
        await db.run(change)
    assert await answers(composed, tokens) == [200, 200], "no news yet"
    for row in await db.rows("SELECT id FROM sessions UNION SELECT id FROM personal_tokens"):
        composed.api.admission.ended(str(row["id"]))
    assert await answers(composed, tokens) == [401, 401]


async def test_after_a_doubt_the_database_is_asked(composed: Composed, db: Database) -> None:
    tokens = await signed_in(composed)
    for change in GONE:
        await db.run(change)
    composed.api.admission.doubt()
    assert await answers(composed, tokens) == [401, 401]
