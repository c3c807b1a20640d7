"""What a peer can get wrong on the wire.

BadInput                   400 (talas_core)
├── BadRequest             400: an HTTP head, or the chunks of a body, broke the rules
│   ├── TargetTooLong      414
│   └── HeadTooLarge       431
└── MalformedHeader        400: a codec's own header cannot be read
"""

from __future__ import annotations

from talas_core.errors import BadInput


class BadRequest(BadInput):
    """The peer does not speak HTTP, or not as it should. `status` is the answer it deserves."""

    code = "bad_request"


class TargetTooLong(BadRequest):
    """The request line is over its limit."""

    code = "target_too_long"
    status = 414


class HeadTooLarge(BadRequest):
    """The request's head is over its limit, in bytes or in fields."""

    code = "head_too_large"
    status = 431


class MalformedHeader(BadInput):
    """The bytes that should describe a codec do not."""

    code = "malformed_header"
