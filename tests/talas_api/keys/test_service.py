import base64
from datetime import timedelta

import jwt
import msgspec
import pytest

from support.fakes import MemoryKeys
from talas_api.keys.service import Keys, make_key
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_core.security.seal import Sealer
from talas_core.security.tokens import TYPE, TokenVerifier

SEALER = Sealer("ab" * 32)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def claims(clock: FakeClock) -> dict[str, object]:
    now = int(clock.now().timestamp())
    return {"sub": "u", "sid": "s", "role": "user", "iat": now, "nbf": now, "exp": now + 900}


async def test_the_first_load_makes_a_key(clock: FakeClock) -> None:
    store = MemoryKeys()
    keys = Keys(store, SEALER, clock)
    assert not keys.loaded
    for attempt in (lambda: keys.sign({}), keys.published, keys.jwks):
        with pytest.raises(Unavailable):
            attempt()
    assert await keys.load() is True
    assert await keys.load() is False
    assert keys.loaded
    assert len(store.keys) == len(keys.published().keys) == 1


async def test_what_it_signs_verifies(clock: FakeClock) -> None:
    keys = Keys(MemoryKeys(), SEALER, clock)
    await keys.load()
    token = keys.sign(claims(clock))
    assert jwt.get_unverified_header(token) == {
        "alg": "EdDSA", "kid": keys.public.keys[0].kid, "typ": TYPE,
    }  # fmt: skip
    assert TokenVerifier(keys.public, clock).verify(token).sub == "u"


async def test_processes_share_one_key(clock: FakeClock) -> None:
    store = MemoryKeys()
    one, two = Keys(store, SEALER, clock), Keys(store, SEALER, clock)
    await one.load()
    await two.load()
    assert one.public == two.public
    TokenVerifier(one.public, clock).verify(two.sign(claims(clock)))


async def test_no_private_key_is_kept_open(clock: FakeClock) -> None:
    store = MemoryKeys()
    await Keys(store, SEALER, clock).load()
    [key] = store.keys
    raw = SEALER.open(key.sealed_private, b"signing key " + key.kid.encode())
    assert len(raw) == 32
    assert raw not in key.sealed_private


async def test_a_key_of_another_master_still_verifies(clock: FakeClock) -> None:
    store = MemoryKeys()
    before = Keys(store, Sealer("cd" * 32), clock)
    await before.load()
    token = before.sign(claims(clock))
    clock.advance(1)
    after = Keys(store, SEALER, clock)
    await after.load()
    assert len(after.public.keys) == 2
    verifier = TokenVerifier(after.public, clock)
    verifier.verify(token)
    verifier.verify(after.sign(claims(clock)))


async def test_a_sealed_key_cannot_be_passed_off_as_another(clock: FakeClock) -> None:
    store = MemoryKeys()
    key = make_key(SEALER, clock.now())
    store.keys = [msgspec.structs.replace(key, kid="other")]
    keys = Keys(store, SEALER, clock)
    await keys.load()
    assert [one.kid for one in keys.public.keys] != ["other"]
    assert jwt.get_unverified_header(keys.sign(claims(clock)))["kid"] != "other"


async def test_the_newest_that_is_active_signs(clock: FakeClock) -> None:
    store = MemoryKeys()
    now = clock.now()
    old, new, retired, coming = [make_key(SEALER, now) for _ in range(4)]
    store.keys = [
        msgspec.structs.replace(old, activates_at=now - timedelta(days=2)),
        msgspec.structs.replace(new, activates_at=now - timedelta(days=1)),
        msgspec.structs.replace(
            retired, activates_at=now - timedelta(hours=2), retires_at=now - timedelta(hours=1)
        ),
        msgspec.structs.replace(coming, activates_at=now + timedelta(hours=1)),
    ]
    keys = Keys(store, SEALER, clock)
    await keys.load()
    assert len(keys.public.keys) == 4
    assert jwt.get_unverified_header(keys.sign(claims(clock)))["kid"] == new.kid
    clock.advance(3600)
    await keys.load()
    assert jwt.get_unverified_header(keys.sign(claims(clock)))["kid"] == coming.kid


async def test_published_keys_verify_as_a_stranger_would(clock: FakeClock) -> None:
    keys = Keys(MemoryKeys(), SEALER, clock)
    await keys.load()
    [published] = msgspec.to_builtins(keys.jwks())["keys"]
    key = jwt.PyJWK(published)
    token = keys.sign(claims(clock))
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    found = jwt.decode(token, key.key, algorithms=["EdDSA"], audience="talas", options=options)
    assert found["iss"] == "talas"
    raw = base64.urlsafe_b64decode(published["x"] + "=")
    assert raw == keys.public.keys[0].raw
