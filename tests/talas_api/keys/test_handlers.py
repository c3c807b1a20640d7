import jwt

from support.api import Composed


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
