"""The token a request carries.

Does:        take the token out of `Authorization: Bearer …` (RFC 6750, section 2.1).
Never:       takes one from the address or a form field, where logs and histories would keep it.
Guarantees:  returns text of a token's alphabet and of bounded length, or raises Unauthorized.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from talas_core.errors import Unauthorized

LONGEST = 4096
_SHAPE = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/-]+=*)")


def bearer(headers: Mapping[str, str]) -> str:
    """The token. Raises Unauthorized where there is none or it is not token-shaped."""
    header = headers.get("Authorization")
    if header is None:
        raise Unauthorized("Sign in first: this needs an access token.")
    found = _SHAPE.fullmatch(header) if len(header) <= LONGEST else None
    if found is None:
        raise Unauthorized("The Authorization header does not carry a Bearer token.")
    return found[1]
