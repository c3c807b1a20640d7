"""The rows of the route table: all that is to be known of an address of the API.

Does:        hold what a route takes, gives, who may use it and how often; hand its handler a
             request that was let through.
Never:       serves a request: identity/access/serving.py does, by these rows alone.
Guarantees:  the handler's input and output are the structs that the row names; the type checker
             compares them.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from aiohttp import web

from talas_api.request.access import Permission, Scope
from talas_api.request.device import device
from talas_api.request.limits import Rule
from talas_api.request.origin import Device
from talas_core.errors import NotFound
from talas_core.security.tokens import Claims

T = TypeVar("T")
R = TypeVar("R")


class Open(enum.Enum):
    """For whom a route is that names neither a scope nor a permission."""

    PUBLIC = "everybody"
    SIGNED_IN = "everybody who is signed in, and no personal token"


Access: TypeAlias = Open | Scope | Permission
"""Who may use a route. A scope: everybody signed in, and personal tokens that have it."""


class Call(Generic[T]):
    """A request that was let through. `given` is its body or its query, None where the route takes
    neither."""

    def __init__(self, request: web.Request, given: T, claims: Claims | None = None) -> None:
        self.request = request
        self.given = given
        self._claims = claims

    @property
    def who(self) -> Claims:
        """Who asks. A public route does not know."""
        if self._claims is None:
            raise RuntimeError("a public route asks who is there")
        return self._claims

    @property
    def person(self) -> UUID:
        """The id of who asks."""
        return UUID(self.who.sub)

    @property
    def device(self) -> Device:
        """Where the request comes from."""
        return device(self.request)

    def id(self, missing: Callable[[], NotFound]) -> UUID:
        """The `{id}` of the address. Raises what `missing` makes for text that is no id."""
        try:
            return UUID(self.request.match_info["id"])
        except ValueError as error:
            raise missing() from error


class Answer(msgspec.Struct, Generic[R], frozen=True):
    """What a handler gives that has more to say than its data."""

    data: R
    meta: msgspec.Struct | None = None
    headers: Mapping[str, str] | None = None


class Route(msgspec.Struct, Generic[T, R], frozen=True):
    """One row. A handler that gives None is answered with 204; one that gives a response of
    aiohttp's has that sent as it is, and the row's `gives` and `status` only describe it."""

    method: str
    path: str
    handler: Callable[[Call[T]], Awaitable[R | Answer[R] | web.StreamResponse]]
    summary: str
    access: Access = Open.PUBLIC
    body: type[T] | None = None
    query: type[T] | None = None
    gives: type[R] | None = None
    meta: type[msgspec.Struct] | None = None
    status: int = 200
    limits: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """How logs and tests call it."""
        return f"{self.method} {self.path}"


Table: TypeAlias = list[Route[Any, Any]]


def plain(definition: web.RouteDef, summary: str) -> Route[None, None]:
    """The row of a public route that is served without the envelope and reads its request itself,
    like a page or a health check."""

    async def handler(call: Call[None]) -> web.StreamResponse:
        response: web.StreamResponse = await definition.handler(call.request)
        return response

    return Route(definition.method, definition.path, handler, summary)
