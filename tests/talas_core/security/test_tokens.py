import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from talas_core.clock import FakeClock
from talas_core.errors import Unauthorized
from talas_core.messages import KeySet, PublicKey
from talas_core.security.tokens import (
    AUDIENCE,
    ISSUER,
    LEEWAY_SECONDS,
    LONGEST_LIFE_SECONDS,
    TYPE,
    Claims,
    TokenVerifier,
)

PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
KEYS = KeySet((PublicKey("k1", PUBLIC),))
NOW = int(FakeClock().now().timestamp())


def payload(**changes: Any) -> dict[str, Any]:
    claims = {
        "sub": "u1",
        "sid": "s1",
        "role": "user",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 900,
    }
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def token(
    key: Ed25519PrivateKey = PRIVATE, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A token with a good signature, whatever it says: made below where the library looks."""
    headers = {"kid": "k1", "typ": TYPE} | (header or {})
    claims = json.dumps(payload(**changes)).encode()
    return jwt.api_jws.encode(claims, key, algorithm="EdDSA", headers=headers)


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A token the library would refuse to make."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    signed = part(json.dumps(header).encode()) + "." + part(json.dumps(claims).encode())
    signature = hmac.digest(secret, signed.encode(), hashlib.sha256) if secret else b""
    return signed + "." + part(signature)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def verifier(clock: FakeClock) -> TokenVerifier:
    return TokenVerifier(KEYS, clock)


@pytest.mark.checklist(4)
@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_address_of_a_key_in_a_token_is_ignored(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("socket.socket", None)  # nothing is fetched
    header = {name: "http://127.0.0.1:9/keys"}
    assert verifier.verify(token(header=header)).sub == "u1"
    with pytest.raises(Unauthorized):
        verifier.verify(token(Ed25519PrivateKey.generate(), header))


@pytest.mark.checklist(6)
def test_other_spelling_of_an_ended_token_is_refused_too(verifier: TokenVerifier) -> None:
    """What is denied is the session, not the text of a token."""
    text = token()
    verifier.verify(text)
    verifier.end_session("s1")
    for spelling in (text, text + "=", token(nbf=NOW - 1)):
        with pytest.raises(Unauthorized):
            verifier.verify(spelling)


@pytest.mark.checklist(5)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "iss", "aud", "sub", "sid", "role"])
def test_token_without_every_claim_of_its_kind_is_refused(
    verifier: TokenVerifier, name: str
) -> None:
    for value in (..., None, [], {}, "", True, -1.5):
        if name in ("sub", "sid", "role") and value == "":
            continue
        changes: dict[str, Any] = {name: value}
        with pytest.raises(Unauthorized):
            verifier.verify(token(**changes))


def test_right_token_tells_whose_it_is(verifier: TokenVerifier) -> None:
    assert verifier.verify(token()) == Claims("u1", "s1", "user", NOW + 900, NOW)


def test_a_known_token_is_not_checked_again(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = token()
    first = verifier.verify(text)
    monkeypatch.setattr(jwt, "get_unverified_header", None)
    assert verifier.verify(text) is first


ATTACKS = {
    "alg none": by_hand({"alg": "none", "kid": "k1", "typ": TYPE}, payload()),
    "alg None in capitals": by_hand({"alg": "NONE", "kid": "k1", "typ": TYPE}, payload()),
    "HS256 with the public key as secret": by_hand(
        {"alg": "HS256", "kid": "k1", "typ": TYPE}, payload(), PUBLIC
    ),
    "HS256 with the public PEM as secret": by_hand(
        {"alg": "HS256", "kid": "k1", "typ": TYPE}, payload(), PEM
    ),
    "no algorithm": by_hand({"kid": "k1", "typ": TYPE}, payload()),
    "unknown kid": token(header={"kid": "k2"}),
    "no kid": by_hand({"alg": "EdDSA", "typ": TYPE}, payload(), b"x"),
    "kid is a path": token(header={"kid": "../../etc/passwd"}),
    "kid is not text": by_hand({"alg": "EdDSA", "kid": ["k1"], "typ": TYPE}, payload(), b"x"),
    "a key of its own in the header": token(
        Ed25519PrivateKey.generate(),
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "jku": "http://evil.example/k"},
    ),
    "another key": token(Ed25519PrivateKey.generate()),
    "wrong typ": token(header={"typ": "JWT"}),
    "no typ": jwt.encode(payload(), PRIVATE, algorithm="EdDSA", headers={"kid": "k1", "typ": None}),
    "HS512 with the public key as secret": by_hand(
        {"alg": "HS512", "kid": "k1", "typ": TYPE}, payload(), PUBLIC
    ),
    "ES256": by_hand({"alg": "ES256", "kid": "k1", "typ": TYPE}, payload(), b"x"),
    "kid is SQL": token(header={"kid": "k1' OR '1'='1"}),
    "kid is empty": token(header={"kid": ""}),
    "kid is huge": token(header={"kid": "k1" * 100_000}),
    "kid is an object": by_hand({"alg": "EdDSA", "kid": {"k": 1}, "typ": TYPE}, payload(), b"x"),
    "kid of another key": token(Ed25519PrivateKey.generate(), {"kid": "k1"}),
    "typ of a refresh token": token(header={"typ": "rt+jwt"}),
    "typ is not text": by_hand({"alg": "EdDSA", "kid": "k1", "typ": [TYPE]}, payload(), b"x"),
    "unknown critical extension": token(header={"crit": ["x"], "x": 1}),
    "known critical extension": token(header={"crit": ["b64"], "b64": True}),
    "empty list of critical extensions": token(header={"crit": []}),
    "payload not encoded": token(header={"b64": False}),
    "several audiences": token(aud=[AUDIENCE, "other"]),
    "audience in a list": token(aud=[AUDIENCE]),
    "issuer in a list": token(iss=[ISSUER]),
    "wrong audience": token(aud="other"),
    "wrong issuer": token(iss="other"),
    "issuer that only begins right": token(iss=ISSUER + "x"),
    "subject is a number": by_hand({"alg": "EdDSA", "kid": "k1", "typ": TYPE}, payload(sub=1)),
    "sid is a number": token(sid=5),
    "exp is a text": token(exp="never"),
    "exp is a float": token(exp=NOW + 900.5),
    "a life too long": token(exp=NOW + LONGEST_LIFE_SECONDS + 1),
    "not yet": token(nbf=NOW + LEEWAY_SECONDS + 1),
    "issued in the future": token(iat=NOW + LEEWAY_SECONDS + 1),
    "expired": token(iat=NOW - 900, exp=NOW - LEEWAY_SECONDS),
    "empty": "",
    "no dots": "abc",
    "too many dots": token() + ".x",
    "payload is not an object": jwt.api_jws.encode(
        b"[]", PRIVATE, algorithm="EdDSA", headers={"kid": "k1", "typ": TYPE}
    ),
    "header is not an object": "W10." + token().split(".", 1)[1],
    "not ASCII": "é.é.é",
} | {f"no {name}": token(**{name: ...}) for name in payload()}


@pytest.mark.checklist(4, 5)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_forged_token_is_refused(verifier: TokenVerifier, attack: str) -> None:
    for _ in range(2):  # the second time from memory, were it remembered
        with pytest.raises(Unauthorized):
            verifier.verify(attack)


def test_a_changed_claim_breaks_the_signature(verifier: TokenVerifier) -> None:
    head, _, signature = token().split(".")
    claims = json.dumps(payload(role="admin")).encode()
    forged = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    with pytest.raises(Unauthorized):
        verifier.verify(f"{head}.{forged}.{signature}")


def test_remembered_token_expires(verifier: TokenVerifier, clock: FakeClock) -> None:
    text = token()
    verifier.verify(text)
    clock.advance(900 + LEEWAY_SECONDS - 1)
    verifier.verify(text)
    clock.advance(1)
    with pytest.raises(Unauthorized, match="expired"):
        verifier.verify(text)


@pytest.mark.checklist(3, 6)
def test_an_ended_session_is_refused_at_once(verifier: TokenVerifier) -> None:
    text = token()
    verifier.verify(text)
    verifier.end_session("s1")
    for each in (text, token(exp=NOW + 800)):
        with pytest.raises(Unauthorized, match="ended"):
            verifier.verify(each)
    assert verifier.verify(token(sid="s2")).sid == "s2"


def test_an_ended_session_is_remembered_as_long_as_a_token_may_live(clock: FakeClock) -> None:
    verifier = TokenVerifier(KEYS, clock, life=900)
    verifier.end_session("s1")
    clock.advance(900 + 2 * LEEWAY_SECONDS)
    verifier.end_session("s2")
    moment = int(clock.now().timestamp())
    with pytest.raises(Unauthorized, match="ended"):
        verifier.verify(token(iat=moment, nbf=moment, exp=moment + 60))
    clock.advance(1)
    verifier.end_session("s1")  # told again, it is kept no longer: all its tokens have expired
    assert verifier.verify(token(iat=moment, nbf=moment, exp=moment + 60)).sid == "s1"
    assert list(verifier._ended) == ["s2"]


def test_token_that_lives_longer_than_ends_are_remembered_is_refused(clock: FakeClock) -> None:
    verifier = TokenVerifier(KEYS, clock, life=60)
    assert verifier.verify(token(exp=NOW + 60)).sub == "u1"
    with pytest.raises(Unauthorized, match="not valid"):
        verifier.verify(token(exp=NOW + 61))


@pytest.mark.checklist(3)
def test_older_tokens_are_void_where_too_many_sessions_ended(
    clock: FakeClock,
) -> None:
    verifier = TokenVerifier(KEYS, clock, life=900, most_ended=3)

    def fresh(sid: str) -> str:
        moment = int(clock.now().timestamp())
        return token(sid=sid, iat=moment, nbf=moment, exp=moment + 900)

    first, other = fresh("s1"), fresh("goes on")
    verifier.end_session("s1")
    clock.advance(LEEWAY_SECONDS + 1)
    later = fresh("goes on")
    for number in range(2, 5):
        assert verifier.verify(other).sid == "goes on"
        verifier.end_session(f"s{number}")
    assert len(verifier._ended) == 3
    for text in (first, other):
        with pytest.raises(Unauthorized, match="void"):
            verifier.verify(text)
    assert verifier.verify(later).sid == "goes on"
    verifier.end_sessions(f"s{number}" for number in range(5, 1000))
    assert len(verifier._ended) == 3
    with pytest.raises(Unauthorized, match="void"):
        verifier.verify(later)
    clock.advance(LEEWAY_SECONDS + 1)
    assert verifier.verify(fresh("goes on")).sid == "goes on"


def test_tokens_issued_until_a_given_moment_are_void(
    verifier: TokenVerifier, clock: FakeClock
) -> None:
    text = token()
    verifier.void_until(NOW - LEEWAY_SECONDS - 1)
    assert verifier.verify(text).sub == "u1"
    verifier.void_until(NOW - LEEWAY_SECONDS)
    verifier.void_until(0)
    with pytest.raises(Unauthorized, match="void"):
        verifier.verify(text)


@pytest.mark.checklist(6)
def test_new_keys_replace_the_old_for_verification(verifier: TokenVerifier) -> None:
    text = token()
    verifier.verify(text)
    other = Ed25519PrivateKey.generate()
    raw = other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    verifier.replace_keys(KeySet((PublicKey("k2", raw),)))
    with pytest.raises(Unauthorized):
        verifier.verify(text)
    assert verifier.verify(token(other, {"kid": "k2"})).sub == "u1"


def test_same_keys_again_forget_no_token(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = token()
    first = verifier.verify(text)
    monkeypatch.setattr(jwt, "get_unverified_header", None)
    verifier.replace_keys(KeySet(KEYS.keys, ("s2",), 1.0))
    assert verifier.verify(text) is first


def test_memory_of_verified_tokens_is_bounded(clock: FakeClock) -> None:
    verifier = TokenVerifier(KEYS, clock, capacity=3)
    for number in range(10):
        assert verifier.verify(token(sub=f"u{number}")).sub == f"u{number}"
    assert len(verifier._known) == 3
