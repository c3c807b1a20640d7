"""Time-based one-time passwords: RFC 6238 over SHA-1, 6 digits, steps of 30 s, by pyotp.

Does:        find the step that a code is right for; say a secret as people and authenticators read
             it.
Never:       knows a clock or who has which secret.
Guarantees:  a code is compared in the same time whatever it is; the steps accepted are the present
             one and its neighbours.
"""

from __future__ import annotations

import base64

from pyotp import TOTP, OTPVerificationError

STEP_SECONDS = 30
DIGITS = 6
WINDOW = 1
"""Steps that a clock may be off, either way."""
SECRET_BYTES = 20
ISSUER = "Talas"


def step_of(secret: bytes, code: str, seconds: float) -> int | None:
    """The step, near `seconds` since 1970, that `code` is right for."""
    try:
        return _totp(secret).verify_and_get_timecode(
            code, for_time=int(seconds), valid_window=WINDOW
        )
    except OTPVerificationError:
        return None


def text_of(secret: bytes) -> str:
    """The secret as people type it: base32."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, name: str) -> str:
    """What an authenticator reads from a picture; `name` is whose account it is."""
    return _totp(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def _totp(secret: bytes) -> TOTP:
    return TOTP(text_of(secret), digits=DIGITS, interval=STEP_SECONDS)
