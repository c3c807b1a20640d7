import base64
from datetime import timedelta

import jwt
import msgspec
import pytest

from support.fakes import MemoryKeys, Recorded, memory_keys
from talas_api.audit.values import Kind
from talas_api.identity.keys.handlers import CACHE_SECONDS
from talas_api.identity.keys.rotation import PUBLISHED_BEFORE
from talas_api.identity.keys.service import Keys, make_key
from talas_core.clock import FakeClock
from talas_core.errors import Unavailable
from talas_core.messages import KeySet
from talas_core.security.seal import Sealer
from talas_core.security.tokens import TYPE, TokenVerifier

SEALER = Sealer("ab" * 32)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def claims(clock: FakeClock) -> dict[str, object]:
    now = int(clock.now().timestamp())
    return {"sub": "u", "sid": "s", "role": "user", "iat": now, "nbf": now, "exp": now + 900}


async def test_first_load_makes_a_key(clock: FakeClock) -> None:
    store = MemoryKeys()
    keys = memory_keys(store, SEALER, clock)
    assert not keys.loaded
    for attempt in (lambda: keys.sign({}), keys.published, keys.jwks):
        with pytest.raises(Unavailable):
            attempt()
    assert await keys.load() is True
    assert await keys.load() is False
    assert keys.loaded
    assert len(store.keys) == len(keys.published().keys) == 1


async def test_token_signed_by_the_ring_verifies(clock: FakeClock) -> None:
    keys = memory_keys(MemoryKeys(), SEALER, clock)
    await keys.load()
    token = keys.sign(claims(clock))
    assert jwt.get_unverified_header(token) == {
        "alg": "EdDSA", "kid": keys.public.keys[0].kid, "typ": TYPE,
    }  # fmt: skip
    assert TokenVerifier(keys.public, clock).verify(token).sub == "u"


async def test_processes_share_one_key(clock: FakeClock) -> None:
    store = MemoryKeys()
    one, two = memory_keys(store, SEALER, clock), memory_keys(store, SEALER, clock)
    await one.load()
    await two.load()
    assert one.public == two.public
    TokenVerifier(one.public, clock).verify(two.sign(claims(clock)))


async def test_private_key_is_kept_sealed(clock: FakeClock) -> None:
    store = MemoryKeys()
    await memory_keys(store, SEALER, clock).load()
    [key] = store.keys
    raw = SEALER.open(key.sealed_private, b"signing key " + key.kid.encode())
    assert len(raw) == 32
    assert raw not in key.sealed_private


async def test_a_key_of_another_master_still_verifies(clock: FakeClock) -> None:
    store = MemoryKeys()
    before = memory_keys(store, Sealer("cd" * 32), clock)
    await before.load()
    token = before.sign(claims(clock))
    clock.advance(1)
    after = memory_keys(store, SEALER, clock)
    await after.load()
    assert len(after.public.keys) == 2
    verifier = TokenVerifier(after.public, clock)
    verifier.verify(token)
    verifier.verify(after.sign(claims(clock)))


async def test_a_sealed_key_cannot_be_passed_off_as_another(clock: FakeClock) -> None:
    store = MemoryKeys()
    key = make_key(SEALER, clock.now())
    store.keys = [msgspec.structs.replace(key, kid="other")]
    keys = memory_keys(store, SEALER, clock)
    await keys.load()
    assert [one.kid for one in keys.public.keys] != ["other"]
    assert jwt.get_unverified_header(keys.sign(claims(clock)))["kid"] != "other"


async def test_newest_active_key_signs(clock: FakeClock) -> None:
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
    keys = memory_keys(store, SEALER, clock)
    await keys.load()
    assert len(keys.public.keys) == 4
    assert jwt.get_unverified_header(keys.sign(claims(clock)))["kid"] == new.kid
    clock.advance(3600)
    await keys.load()
    assert jwt.get_unverified_header(keys.sign(claims(clock)))["kid"] == coming.kid


async def test_published_keys_verify_a_token_for_a_third_party(clock: FakeClock) -> None:
    keys = memory_keys(MemoryKeys(), SEALER, clock)
    await keys.load()
    [published] = msgspec.to_builtins(keys.jwks())["keys"]
    key = jwt.PyJWK(published)
    token = keys.sign(claims(clock))
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    found = jwt.decode(token, key.key, algorithms=["EdDSA"], audience="talas", options=options)
    assert found["iss"] == "talas"
    raw = base64.urlsafe_b64decode(published["x"] + "=")
    assert raw == keys.public.keys[0].raw


class Office:
    """Several processes on one ring, and tokens they signed, over months."""

    def __init__(self, store: MemoryKeys, clock: FakeClock, processes: int = 3) -> None:
        self.store = store
        self.clock = clock
        self.rings = [memory_keys(store, SEALER, clock) for _ in range(processes)]
        # Somebody outside, who reads the published set and keeps it for as long as they may.
        self.outside = TokenVerifier(KeySet(()), clock)
        self.read_at = clock.now() - timedelta(days=1)
        self.tokens: list[tuple[float, str]] = []

    async def step(self, seconds: float) -> None:
        """Let time pass, let every process look and sign, check that everybody believes them."""
        self.clock.advance(seconds)
        now = self.clock.now()
        for ring in self.rings:
            await ring.load()
        if now - self.read_at >= timedelta(seconds=CACHE_SECONDS):
            self.outside.replace_keys(self.rings[0].public)
            self.read_at = now
        signed = [ring.sign(claims(self.clock)) for ring in self.rings]
        self.tokens += [(now.timestamp() + 900, token) for token in signed]
        self.tokens = [(end, token) for end, token in self.tokens if end > now.timestamp()]
        for _, token in self.tokens:
            self.outside.verify(token)


@pytest.mark.checklist(6)
async def test_keys_rotate_for_months_and_everybody_follows(clock: FakeClock) -> None:
    office = Office(MemoryKeys(), clock)
    await office.rings[0].load()
    most = 0
    signers: list[str] = []
    for _ in range(200 * 24):
        await office.step(3600)
        most = max(most, len(office.store.keys))
        kids = {jwt.get_unverified_header(token)["kid"] for _, token in office.tokens[-3:]}
        assert len(kids) == 1
        if kids != set(signers[-1:]):
            signers += kids
    assert len(signers) == len(set(signers)) == 7
    assert most == 2
    for key in office.store.keys[1:]:
        assert key.activates_at - key.created_at == PUBLISHED_BEFORE


@pytest.mark.checklist(6)
async def test_cached_keys_verify_tokens_through_a_rotation(clock: FakeClock) -> None:
    office = Office(MemoryKeys(), clock)
    await office.rings[0].load()
    await office.step(30 * 86_400 - 60)
    for _ in range(60 * 6):
        await office.step(10)
    assert len(office.store.keys) == 2


async def test_a_process_that_looks_late_still_signs_what_verifies(clock: FakeClock) -> None:
    store = MemoryKeys()
    awake, asleep = memory_keys(store, SEALER, clock), memory_keys(store, SEALER, clock)
    await awake.load()
    await asleep.load()
    clock.advance(30 * 86_400)
    await awake.load()
    clock.advance(86_400)
    await awake.load()
    token = asleep.sign(claims(clock))
    TokenVerifier(awake.public, clock).verify(token)
    assert await asleep.load() is True
    assert asleep.sign(claims(clock)) != token


async def test_after_a_long_stop_the_old_key_signs_until_the_new_is_known(
    clock: FakeClock,
) -> None:
    store = MemoryKeys()
    keys = memory_keys(store, SEALER, clock)
    await keys.load()
    [old] = store.keys
    clock.advance(400 * 86_400)
    again = memory_keys(store, SEALER, clock)
    await again.load()
    assert len(again.public.keys) == 2
    assert jwt.get_unverified_header(again.sign(claims(clock)))["kid"] == old.kid
    clock.advance(PUBLISHED_BEFORE.total_seconds())
    assert jwt.get_unverified_header(again.sign(claims(clock)))["kid"] != old.kid


@pytest.mark.checklist(29)
async def test_a_rotation_is_recorded_once(clock: FakeClock) -> None:
    store, audit = MemoryKeys(), Recorded()
    rings = [Keys(store, SEALER, clock, days=30, audit=audit) for _ in range(3)]
    for days in (0, 30, 0, 30):
        clock.advance(days * 86_400 + 3600)
        for ring in rings:
            await ring.load()
    assert audit.kinds == [Kind.KEYS_ROTATED] * 3


async def test_each_key_is_opened_once(clock: FakeClock) -> None:
    store = MemoryKeys()
    await memory_keys(store, Sealer("cd" * 32), clock).load()
    keys = memory_keys(store, SEALER, clock)
    opened: list[str] = []
    original = keys._open
    keys._open = lambda key: opened.append(key.kid) or original(key)  # type: ignore[method-assign, func-returns-value]
    for _ in range(5):
        await keys.load()
    assert len(opened) == len(set(opened)) == 2
