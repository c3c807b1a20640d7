"""Access tokens: how any service knows who is asking.

Does:        verify an Ed25519 JWT (RFC 9068) against the published keys, once; remember it until
             it expires, its session ends, or the keys change.
Never:       takes an algorithm, a key or an address of keys from the token: its `kid` is looked up
             among the pinned keys and does nothing else; honours an extension; asks anyone; signs.
Guarantees:  after `end_session` no token of that session passes here. A process that was told late,
             because the bus was away, accepts such a token until it is told or the token expires,
             whichever is first: tokens live for minutes, and whoever can ask the database on
             a reconnect asks for every session again, as talas_api does.
"""

from __future__ import annotations

from collections import OrderedDict
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
"""No token is taken that claims to live longer; so this long an ended session is remembered."""

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
    """Who is asking. `exp` is in seconds since 1970."""

    sub: str
    sid: str
    role: str
    exp: int


class _Times(msgspec.Struct, frozen=True):
    iat: int
    nbf: int
    exp: int


class TokenVerifier:
    """Verifies tokens; `capacity` bounds how many are remembered."""

    def __init__(self, keys: KeySet, clock: Clock, *, capacity: int = 50_000) -> None:
        self._clock = clock
        self._capacity = capacity
        self._keys = _usable(keys)
        self._known: OrderedDict[str, Claims] = OrderedDict()
        self._ended: OrderedDict[str, float] = OrderedDict()

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
        return claims

    def end_session(self, sid: str) -> None:
        """From now on every token of session `sid` is refused."""
        now = self._now()
        self._ended.pop(sid, None)
        self._ended[sid] = now + LONGEST_LIFE_SECONDS + LEEWAY_SECONDS
        while self._ended and next(iter(self._ended.values())) <= now:
            self._ended.popitem(last=False)

    def replace_keys(self, keys: KeySet) -> None:
        """Verify with these keys only; tokens of others stop passing."""
        self._keys = _usable(keys)
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
        if times.exp - times.iat > LONGEST_LIFE_SECONDS:
            raise Unauthorized("The access token is not valid.")
        return claims


def _usable(keys: KeySet) -> dict[str, Ed25519PublicKey]:
    return {key.kid: Ed25519PublicKey.from_public_bytes(key.raw) for key in keys.keys}
