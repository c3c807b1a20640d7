"""From the bytes of a request to a checked value.

Does:        decode JSON straight into a msgspec struct; on a refusal, name every field at fault.
Never:       guesses a content type; reads more than the limit; unpacks; echoes a value back.
Guarantees:  nesting of any depth, lone surrogates, invalid UTF-8 and trailing text end in
             BadInput, never in a crash.
"""

from __future__ import annotations

import asyncio
import functools
import operator
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args

import msgspec
from aiohttp import hdrs, web

from talas_core.errors import BadInput, TooLarge, TooSlow, UnsupportedMedia

T = TypeVar("T", bound=msgspec.Struct)

JSON = "application/json"
PLAIN = "identity"
BODY_SECONDS = 10.0
"""Time a whole body has to arrive, from when it is asked for; however much of it trickles in."""


async def read(request: web.Request, kind: type[T]) -> T:
    """The request's body as a `kind`. Raises as `raw` does, and BadInput where it is none."""
    return parse(await raw(request), kind)


async def raw(request: web.Request) -> bytes:
    """The bytes of a request's JSON; asking again gives the same.

    Raises UnsupportedMedia unless it is declared JSON and not packed, TooLarge over the
    application's body limit, TooSlow where it does not arrive in time, BadInput where it ends
    early.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, PLAIN).strip().lower() != PLAIN:
        raise UnsupportedMedia("Send the body as it is, without a Content-Encoding.")
    if request.content_type != JSON or (request.charset or "utf-8").lower() not in _UTF8:
        raise UnsupportedMedia("Send JSON: Content-Type must be application/json, in UTF-8.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError as error:
        # Also what becomes of a body whose framing breaks midway: aiohttp then stops reading it
        # without telling the reader.
        raise TooSlow("The body did not arrive in time.") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge("The body is over its limit.") from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise BadInput("The body ended early.") from error


def parse(raw: bytes, kind: type[T]) -> T:
    """`raw` as a `kind`. Raises BadInput, with `fields` where single fields are at fault."""
    try:
        value: T = _decoder(kind).decode(raw)
    except msgspec.ValidationError as error:
        raise _complaint(raw, kind, error) from error
    except msgspec.DecodeError as error:
        raise BadInput(f"The body is not JSON: {_place(error, raw)}.") from error
    except UnicodeDecodeError as error:
        raise BadInput("The body is not UTF-8.") from error
    except RecursionError as error:
        raise BadInput("The body is nested too deeply.") from error
    return value


def query(request: web.Request, kind: type[T]) -> T:
    """The address's query as a `kind`; texts become numbers where it wants them. There is no null
    in an address: "null" is a text like any other.

    Raises BadInput, naming the parameters at fault; one given twice is at fault.
    """
    members: dict[str, Any] = dict(request.query)
    if len(members) < len(request.query):
        raise BadInput("A parameter of the address is given twice.")
    asked = _asked(kind)
    try:
        given = msgspec.convert(members, asked, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(
            "Some parameters are not right.", _faults(members, asked, strict=False)
        ) from error
    return msgspec.convert(given, kind, from_attributes=True)


@cache
def _asked(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """`kind` without null among what its fields take: msgspec reads it out of the text "null"."""
    fields = msgspec.structs.fields(kind)
    return msgspec.defstruct(
        kind.__name__,
        [(one.name, _without_null(one.type), _default(one)) for one in fields],
        rename={one.name: one.encode_name for one in fields},
        kw_only=True,
        forbid_unknown_fields=kind.__struct_config__.forbid_unknown_fields,
    )


def _without_null(annotated: Any) -> Any:
    choices = get_args(annotated)
    if NoneType not in choices:
        return annotated
    return functools.reduce(operator.or_, (one for one in choices if one is not NoneType))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.required else msgspec.field(default=field.default)


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind)


def _place(error: msgspec.DecodeError, raw: bytes) -> str:
    """What is wrong and at which byte; msgspec leaves out the byte where the text ends early."""
    sentence = str(error).removeprefix("JSON is malformed: ")
    return sentence if "(byte" in sentence else f"{sentence} (byte {len(raw)})"


def _complaint(raw: bytes, kind: type[msgspec.Struct], first: Exception) -> BadInput:
    """Every field at fault, where msgspec stops at the first: each is tried by itself."""
    try:
        members = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        members = None  # a struct refuses an unknown field before it has read the rest
    if not isinstance(members, dict):
        return BadInput(f"The body is not what this takes: {first}.")
    return BadInput("Some fields are not right.", _faults(members, kind, strict=True))


def _faults(members: dict[str, Any], kind: type[msgspec.Struct], *, strict: bool) -> dict[str, str]:
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    wrong = {name: _wrong(field, members, strict) for name, field in known.items()}
    # Names from outside are shown only where they are plain, and never many.
    strangers = [name for name in members if name not in known and name.isidentifier()][:8]
    faults = {name: sentence for name, sentence in wrong.items() if sentence}
    return faults | {name[:32]: "is not a field of this request" for name in strangers}


def _wrong(field: msgspec.structs.FieldInfo, members: dict[str, Any], strict: bool) -> str:
    """What is wrong with one field, or nothing."""
    if field.encode_name not in members:
        return "is required" if field.required else ""
    try:
        msgspec.convert(members[field.encode_name], field.type, strict=strict)
    except msgspec.ValidationError as error:
        return _rule(field.type) or str(error)
    return ""


def _rule(annotated: Any) -> str:
    """The field's own sentence: the description in its `Meta`."""
    for meta in getattr(annotated, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    inner = getattr(annotated, "__args__", ())
    return next((found for found in map(_rule, inner) if found), "")


_UTF8 = frozenset({"utf-8", "utf8"})
