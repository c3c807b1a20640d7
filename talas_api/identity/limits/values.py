"""A rule applied to one subject, and what answers say of it.

Does:        hold a charge; name the refusal, and the header fields that tell limits.
Never:       says whom a charge is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from talas_api.request.limits import Rule
from talas_core.errors import TooMany
from talas_core.security.limits import Decision, Quota

FAMILIAR = timedelta(days=90)
"""How long an address stays one where the owner has signed in."""


class Charge(msgspec.Struct, frozen=True):
    """One rule applied to one subject: `key` stands for both, `familiar` for what is passed over
    if it is kept; each 16 bytes that do not tell whom they are for."""

    rule: Rule
    quota: Quota
    key: bytes
    familiar: bytes | None = None


class LimitReached(TooMany):
    """A rule was met. `rule` is its name."""

    code = "too_many_requests"

    def __init__(self, charge: Charge, retry_after: float) -> None:
        told = Decision(False, retry_after, 0, retry_after)
        super().__init__(
            "That is too often; try again later.", retry_after, headers([(charge, told)])
        )
        self.rule = charge.rule.name


def headers(told: Sequence[tuple[Charge, Decision]]) -> dict[str, str]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-10 for these decisions: in a policy `q`
    requests in `w` seconds, beside it the `r` that are left now and the seconds `t` until they
    are more."""
    left = ", ".join(f'"{c.rule.name}";r={d.remaining};t={math.ceil(d.reset)}' for c, d in told)
    quotas = [(charge.rule.name, charge.quota) for charge, _ in told]
    return policy(quotas) | {"RateLimit": left} if told else {}


def policy(quotas: Sequence[tuple[str, Quota]]) -> dict[str, str]:
    """The first of these fields alone, for quotas by rule name."""
    said = ", ".join(f'"{name}";q={quota.most};w={quota.seconds}' for name, quota in quotas)
    return {"RateLimit-Policy": said} if quotas else {}
