"""Access tokens as talas_api signs them, by a key of the tests' own."""

from __future__ import annotations

import time

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from talas_core.messages import KeySet, PublicKey
from talas_core.security.tokens import AUDIENCE, ISSUER, TYPE

KEY_ID = "k1"
_PRIVATE = Ed25519PrivateKey.generate()
PUBLIC_KEYS = KeySet(
    (PublicKey(KEY_ID, _PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),)
)


def token(sub: str = "u1", role: str = "user", sid: str = "s1", life: int = 900) -> str:
    """A token that is good from now on for `life` seconds."""
    now = int(time.time())
    claims = {"sub": sub, "sid": sid, "role": role, "iss": ISSUER, "aud": AUDIENCE,
              "iat": now, "nbf": now, "exp": now + life}  # fmt: skip
    headers = {"kid": KEY_ID, "typ": TYPE}
    return jwt.encode(claims, _PRIVATE, algorithm="EdDSA", headers=headers)
