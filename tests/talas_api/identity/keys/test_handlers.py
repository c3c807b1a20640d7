from typing import Any

import jwt
import pytest

from support.api import Composed
from support.wait import auntil
from talas_core import messages
from talas_core.messages import KEYS_CHANGED, Nothing
from talas_core.postgres.pool import Database


async def test_the_published_keys_verify_our_tokens(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    async with composed.client.get("/.well-known/jwks.json") as response:
        assert response.status == 200
        assert response.content_type == "application/jwk-set+json"
        assert response.headers["Cache-Control"] == "public, max-age=60"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        published = jwt.PyJWKSet.from_dict(await response.json(content_type=None))
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(
        token, published[kid].key, algorithms=["EdDSA"], audience="talas", issuer="talas"
    )
    assert claims["role"] == "user"


async def published(composed: Composed) -> list[dict[str, Any]]:
    async with composed.client.get("/.well-known/jwks.json") as response:
        return list((await response.json(content_type=None))["keys"])


@pytest.mark.checklist(6)
async def test_the_next_key_is_published_before_it_signs(composed: Composed, db: Database) -> None:
    token = (await composed.sign_up())["access_token"]
    [old] = await published(composed)
    await db.run("UPDATE signing_keys SET activates_at = activates_at - interval '31 days'")
    await composed.bus.publish(KEYS_CHANGED, messages.encode(Nothing()))

    async def two() -> list[dict[str, Any]] | None:
        keys = await published(composed)
        return keys if len(keys) == 2 else None

    keys = await auntil(two)
    assert old in keys
    assert all(set(key) == set(old) and "d" not in key for key in keys)
    later = (await composed.sign_in("testuser@example.com"))["access_token"]
    assert jwt.get_unverified_header(later)["kid"] == old["kid"]
    for each in (token, later):
        assert (await composed.call("GET", "/api/auth/profile", token=each))[0] == 200
    coming = next(key for key in keys if key != old)
    await db.run("UPDATE signing_keys SET activates_at = now() WHERE kid = $1", coming["kid"])
    await composed.bus.publish(KEYS_CHANGED, messages.encode(Nothing()))

    async def signs() -> bool:
        access = (await composed.sign_in("testuser@example.com"))["access_token"]
        assert (await composed.call("GET", "/api/auth/profile", token=access))[0] == 200
        return bool(jwt.get_unverified_header(access)["kid"] == coming["kid"])

    await auntil(signs, every=0.1)
    assert (await composed.call("GET", "/api/auth/profile", token=token))[0] == 200
