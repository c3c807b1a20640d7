"""From a client's frame to its request, strictly.

Never:       lets a value past its stated limit.
Guarantees:  what is not a JSON object raises Broken, what is not UTF-8 its kind NotUtf8; an object
             that is wrong raises Refused, which still carries the request's `ref`. Half a surrogate
             pair in a text is wrong, and no more.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec

from talas_api.chat.incoming import is_utf8
from talas_api.chat.replies import Error, Ref, failure
from talas_api.chat.requests.base import Request
from talas_api.chat.requests.table import BY_TYPE, VERBS
from talas_api.chat.requests.torn import torn
from talas_core.errors import BadInput
from talas_core.web import body


class Broken(Exception):
    """What came is not a frame of this protocol at all."""


class NotUtf8(Broken):
    """What came is no text at all."""


class Refused(Exception):
    """A request that is wrong; `reply` says how."""

    def __init__(self, reply: Error) -> None:
        super().__init__(reply.message)
        self.reply = reply


class _Head(msgspec.Struct, frozen=True):
    """What can be told of a frame that is wrong elsewhere."""

    type: str = ""
    ref: Ref = None


_requests: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Union[tuple(verb.kind for verb in VERBS)]  # noqa: UP007 - of a table, not of names
)
_heads = msgspec.json.Decoder(_Head)


def decode(raw: bytes) -> Request:
    """The request in `raw`. Raises Broken, or Refused with the error to send back."""
    try:
        request: Request = _requests.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A request that was decoded is UTF-8 throughout: nothing in it was passed over.
        if not is_utf8(raw):
            raise NotUtf8(str(error)) from None
        if isinstance(error, msgspec.ValidationError):
            raise _refusal(raw) from None
        raise _half_a_pair(raw) or Broken(str(error)) from None
    return request


def _refusal(raw: bytes) -> Exception:
    """What is wrong with a frame that is JSON, but not a request."""
    try:
        head = _heads.decode(raw)
    except msgspec.ValidationError as error:
        if "$." not in str(error):
            return Broken("not an object")
        return Refused(_bad("`type` must be a text and `ref` a short text or a number."))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _half_a_pair(raw) or Broken(str(error))
    verb = BY_TYPE.get(head.type)
    if verb is None:
        return Refused(_bad("There is no request of this type.", "type", head.ref))
    try:
        body.parse(raw, verb.kind)
    except BadInput as error:
        error.fields.pop("type", None)
        return Refused(failure(error, head.ref))
    return Broken("the same member twice")


def _half_a_pair(raw: bytes) -> Refused | None:
    """The refusal of a frame that would be an object with whole texts."""
    found = torn(raw)
    if found is None:
        return None
    try:
        ref = msgspec.convert({"ref": found.whole.get("ref")}, _Head).ref
    except msgspec.ValidationError:
        ref = None
    # A name from outside is shown only where it is plain, see body.parse.
    field = next((name[:32] for name in found.torn if name.isidentifier()), None)
    return Refused(_bad("A text holds half of a surrogate pair.", field, ref))


def _bad(sentence: str, field: str | None = None, ref: Ref = None) -> Error:
    return Error(code=BadInput.code, message=sentence, field=field, ref=ref)
