"""Access tokens: how any service knows who is asking.

Does:        verify an Ed25519 JWT (RFC 9068) against the published keys, once; remember it until
             it expires, its session ends, or the keys change.
Never:       takes an algorithm, a key or an address of keys from the token: its `kid` is looked up
             among the pinned keys and does nothing else; honours an extension; asks anyone; signs.
Guarantees:  after `end_session` no token of that session passes here. What is remembered is
             bounded: where more sessions end than can be told apart, all tokens issued until the
             oldest of those ends are refused, of sessions that go on too; a refresh gives others.
             Who was not told, because the bus was away, asks when it is back: talas_api its
             database for every session, others talas_api for those that ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from talas_core.clock import Clock
from talas_core.errors import Unauthorized
from talas_core.messages import KeySet

ISSUER = "talas"
AUDIENCE = "talas"
TYPE = "at+jwt"
ALGORITHM = "EdDSA"
REQUIRED = ("sub", "sid", "role", "iss", "aud", "iat", "nbf", "exp")
LEEWAY_SECONDS = 5
LONGEST_LIFE_SECONDS = 86_400
"""The most that a verifier may be told tokens live."""
MOST_ENDED = 100_000
"""How many ended sessions a verifier tells apart: some 30 MB."""

_JWT = jwt.PyJWT()
_OPTIONS: Any = {
    "require": list(REQUIRED),
    # One audience, as a text: a list of several is nothing we sign.
    "strict_aud": True,
    # The three times are compared with our own clock, below.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class Claims(msgspec.Struct, frozen=True):
    """Who is asking. `exp` and `iat` are in seconds since 1970."""

    sub: str
    sid: str
    role: str
    exp: int
    iat: int = 0


class _Times(msgspec.Struct, frozen=True):
    iat: int
    nbf: int
    exp: int


class TokenVerifier:
    """Verifies tokens; `capacity` bounds how many are remembered, `most_ended` how many ended
    sessions. A token that claims to live for more than `life` seconds is refused."""

    def __init__(
        self,
        keys: KeySet,
        clock: Clock,
        *,
        life: int = LONGEST_LIFE_SECONDS,
        capacity: int = 50_000,
        most_ended: int = MOST_ENDED,
    ) -> None:
        self._clock = clock
        self._life = life
        self._capacity = capacity
        self._most_ended = most_ended
        self._published = keys.keys
        self._keys = _usable(keys)
        self._known: OrderedDict[str, Claims] = OrderedDict()
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._void_until = 0.0

    def verify(self, token: str) -> Claims:
        """The token's claims. Raises Unauthorized, with the same sentence for every forgery."""
        claims = self._known.get(token)
        if claims is None:
            claims = self._check(token)
            self._remember(token, claims)
        if claims.exp + LEEWAY_SECONDS <= self._now():
            self._known.pop(token, None)
            raise Unauthorized("The access token has expired.")
        if claims.sid in self._ended:
            raise Unauthorized("The session has ended; sign in again.")
        if claims.iat <= self._void_until:
            raise Unauthorized("The access token is void; refresh it.")
        return claims

    def end_session(self, sid: str) -> None:
        """From now on every token of session `sid` is refused."""
        self.end_sessions((sid,))

    def end_sessions(self, sids: Iterable[str]) -> None:
        """From now on every token of each of these sessions is refused."""
        now = self._now()
        for sid in sids:
            # Told again it is kept no longer: all its tokens were issued before the first time.
            self._ended.setdefault(sid, now)
        oldest = now - self._life - 2 * LEEWAY_SECONDS
        while self._ended and next(iter(self._ended.values())) < oldest:
            self._ended.popitem(last=False)
        while len(self._ended) > self._most_ended:
            self.void_until(self._ended.popitem(last=False)[1])

    def void_until(self, moment: float) -> None:
        """From now on every token issued until `moment`, in seconds since 1970, is refused."""
        self._void_until = max(self._void_until, moment + LEEWAY_SECONDS)

    def replace_keys(self, keys: KeySet) -> None:
        """Verify with these keys only; tokens of others stop passing."""
        if keys.keys != self._published:
            self._keys = _usable(keys)
            self._published = keys.keys
            self._known.clear()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _remember(self, token: str, claims: Claims) -> None:
        self._known[token] = claims
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)

    def _check(self, token: str) -> Claims:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid", ""))
            typed = str(header.get("typ", "")).lower() == TYPE
            if key is None or not typed or "crit" in header:
                raise jwt.InvalidTokenError
            found = _JWT.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=_OPTIONS,
            )
            claims = msgspec.convert(found, Claims)
            times = msgspec.convert(found, _Times)
        except (jwt.PyJWTError, msgspec.ValidationError, TypeError, ValueError) as error:
            raise Unauthorized("The access token is not valid.") from error
        now = self._now()
        if max(times.nbf, times.iat) > now + LEEWAY_SECONDS:
            raise Unauthorized("The access token is not valid yet.")
        if times.exp - times.iat > self._life:
            raise Unauthorized("The access token is not valid.")
        return claims


def _usable(keys: KeySet) -> dict[str, Ed25519PublicKey]:
    return {key.kid: Ed25519PublicKey.from_public_bytes(key.raw) for key in keys.keys}
