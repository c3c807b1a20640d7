"""What all requests of the chat have in common.

Does:        name the base of their structs, and what a row of their table holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from talas_api.chat.replies import Ref, Reply
from talas_api.chat.requests.client import Client

RoomId = Annotated[UUID, Meta(description="must be the id of a room")]


class Request(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True
):
    """Base of what a client asks. `ref` comes back in every reply."""

    ref: Ref = None


class Verb(msgspec.Struct, frozen=True):
    """One kind of request. `answer` gives what is told at once, None where that comes later or was
    said already. `extra` is what it takes out of the client's allowance beside what its frame
    does."""

    kind: type[Request]
    answer: Callable[[Client, Any], Awaitable[Reply | None]]
    extra: int = 0
