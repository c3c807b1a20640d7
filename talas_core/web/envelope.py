"""The one shape every JSON answer has.

Does:        encode `{"success":true,"data":…,"meta":…}` and
             `{"success":false,"error":{"code":…,"message":…,"fields":{…}}}`.
Never:       decides a status; knows HTTP.
Guarantees:  `meta` and `fields` are present only where they say something; times are RFC 3339 in
             UTC, ids are strings.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_encode = msgspec.json.Encoder().encode


class _Success(msgspec.Struct, frozen=True, omit_defaults=True):
    success: bool
    data: object
    meta: object = None


class _Error(msgspec.Struct, frozen=True, omit_defaults=True):
    code: str
    message: str
    fields: Mapping[str, str] | None = None


class _Failure(msgspec.Struct, frozen=True):
    success: bool
    error: _Error


def success(data: object, meta: object = None) -> bytes:
    """The body of an answer that worked. `data` is anything msgspec can encode."""
    return _encode(_Success(True, data, meta))


def failure(code: str, message: str, fields: Mapping[str, str] | None = None) -> bytes:
    """The body of an answer that did not. `fields` maps a field's name to what is wrong with it."""
    return _encode(_Failure(False, _Error(code, message, fields or None)))
