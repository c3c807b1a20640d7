"""What comes in and goes out of second factors."""

from __future__ import annotations

import msgspec

from talas_api.identity.values import GivenCode, GivenPassword


class FactorWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To be offered a secret."""

    password: GivenPassword


class FactorProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That the authenticator has the secret."""

    code: GivenCode


class FactorEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To go without a second factor from now on."""

    password: GivenPassword
    code: GivenCode


class Offer(msgspec.Struct, frozen=True):
    """A secret for an authenticator: to type, as the address in a picture, and as that picture, a
    QR code: a text for each row, "1" for each dark module. Shown once."""

    secret: str
    uri: str
    qr: list[str]


class Recovery(msgspec.Struct, frozen=True):
    """Codes for when the authenticator is lost, each good once. Shown once."""

    recovery_codes: list[str]


class Status(msgspec.Struct, frozen=True):
    """Whether codes are asked for, and how many recovery codes are left."""

    enabled: bool
    recovery_codes_left: int


class Secret(msgspec.Struct, frozen=True):
    """A person's secret as it is kept. Until it is `on` it is only offered."""

    sealed: bytes
    on: bool
