"""Time-based one-time passwords: RFC 6238 over SHA-1, 6 digits, steps of 30 s.

Does:        compute the code of a step; find the step a code belongs to.
Never:       knows a clock or who has which secret.
Guarantees:  a code is compared in the same time whatever it is; the steps accepted are the present
             one and its neighbours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
WINDOW = 1
"""Steps that a clock may be off, either way."""
SECRET_BYTES = 20
ISSUER = "Talas"


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, seconds: float) -> int | None:
    """The step, near `seconds` since 1970, that `code` is right for."""
    present = int(seconds) // STEP_SECONDS
    found = None
    for step in range(max(0, present - WINDOW), present + WINDOW + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def text_of(secret: bytes) -> str:
    """The secret as people type it: base32."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, name: str) -> str:
    """What an authenticator reads from a picture; `name` is whose account it is."""
    label = f"{quote(ISSUER)}:{quote(name)}"
    return f"otpauth://totp/{label}?secret={text_of(secret)}&issuer={quote(ISSUER)}"
