"""The head of a request at the front door, where encoders and listeners arrive.

Does:        read the request line and the fields; decode path, query and Basic credentials.
Never:       reads a body; decides who may enter.
Guarantees:  a head that two parsers could read in two ways is refused: folded lines, control
             characters, space before a colon, repeated fields that may stand only once.
Tolerates:   what old encoders do: the methods SOURCE and PUT without a length, the version ICE/1.0,
             a bare line feed as the end of a line, Latin-1 in values.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from talas_stream.wire.errors import BadRequest, HeadTooLarge, TargetTooLong

MAX_HEAD_BYTES = 16 * 1024
MAX_LINE_BYTES = 8 * 1024
MAX_FIELDS = 64
MAX_QUERY_FIELDS = 64

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105
_REQUEST_LINE = re.compile(
    rf"({_TOKEN}) +([\x21-\x7e\x80-\xff]+) +(HTTP/\d\.\d|ICE/1\.0)", re.ASCII
)
_FIELD = re.compile(rf"({_TOKEN}):[ \t]*((?:[^\x00-\x1f\x7f]|\t)*)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_END = re.compile(rb"\n\r?\n")
# Where two of these differ, two parsers may disagree about where the body ends or whose it is.
_SINGLE = {"authorization", "content-length", "content-type", "host", "transfer-encoding"}


class RequestHead(msgspec.Struct, frozen=True):
    """A request without its body.

    `target` is as it was sent, `path` decoded and without the query, `headers` by lower-case name
    with values read as Latin-1 (see `text`); repeated fields are joined by ", ". The body begins
    `size` bytes into what was parsed.
    """

    method: str
    target: str
    path: str
    query: dict[str, str]
    version: str
    headers: dict[str, str]
    size: int


def parse_head(data: bytes) -> RequestHead | None:
    """The head that `data` begins with, or None when more bytes are needed.

    Raises BadRequest, TargetTooLong (request line over 8 KiB) or HeadTooLarge (over 16 KiB, or over
    64 fields); each carries the status to answer with.
    """
    start = 2 if data.startswith(b"\r\n") else 0  # left over from a request before
    line_end = data.find(b"\n", start)
    if (line_end if line_end >= 0 else len(data)) - start > MAX_LINE_BYTES:
        raise TargetTooLong("The request line is too long.")
    end = _END.search(data, start, MAX_HEAD_BYTES)
    if end is None:
        if len(data) >= MAX_HEAD_BYTES:
            raise HeadTooLarge("The request's head is too large.")
        return None
    lines = data[start : end.start()].decode("latin-1").split("\n")
    first, *fields = [line.removesuffix("\r") for line in lines]
    matched = _REQUEST_LINE.fullmatch(first)
    if matched is None:
        raise BadRequest("The request line is malformed.")
    method, target, version = matched.groups()
    path, query = _split_target(target)
    return RequestHead(method, target, path, query, version, _fields(fields), end.end())


def text(value: str) -> str:
    """A field's value read as UTF-8 where it is UTF-8, else left as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def basic_credentials(head: RequestHead) -> tuple[str, str] | None:
    """User and password of HTTP Basic authentication; None when there are none to read."""
    scheme, _, encoded = head.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip().encode("latin-1"), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text(decoded.decode("latin-1")).partition(":")
    return (user, password) if colon else None


def _split_target(target: str) -> tuple[str, dict[str, str]]:
    if target.lower().startswith(("http://", "https://")):
        target = "/" + target.partition("//")[2].partition("/")[2]
    if target == "*":
        return target, {}
    if not target.startswith("/"):
        raise BadRequest("The request's target is not a path.")
    raw_path, _, raw_query = target.partition("?")
    try:
        path = unquote_to_bytes(raw_path.encode("latin-1")).decode()
        pairs = parse_qsl(
            raw_query, keep_blank_values=True, encoding="latin-1", max_num_fields=MAX_QUERY_FIELDS
        )
    except ValueError:
        raise BadRequest("The request's target cannot be decoded.") from None
    if _CONTROL.search(path):
        raise BadRequest("The request's path holds control characters.")
    return path, {text(name): text(value) for name, value in pairs}


def _fields(lines: list[str]) -> dict[str, str]:
    if len(lines) > MAX_FIELDS:
        raise HeadTooLarge("The request has too many header fields.")
    headers: dict[str, str] = {}
    for line in lines:
        matched = _FIELD.fullmatch(line)
        if matched is None:
            raise BadRequest("A header field is malformed.")
        name, value = matched[1].lower(), matched[2].rstrip(" \t")
        if name in headers and name in _SINGLE:
            raise BadRequest("A header field that may stand only once is repeated.")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "transfer-encoding" in headers and "content-length" in headers:
        raise BadRequest("The request tells its body's length in two ways.")
    return headers
