"""Who may look after a station on the stream port.

Does:        tell the station's source (Basic, its key), its owner and admins (Bearer, or Basic with
             the admin password where the operator has set one) from strangers; find the station
             that a request names.
Never:       logs a key, a password or a token.
Guarantees:  a page of another site cannot use what a browser remembers of a sign-in; the source
             reaches its own station only. An address that guesses at the admin password is soon
             told to wait, whatever it sends.
"""

from __future__ import annotations

from enum import StrEnum

from aiohttp import BasicAuth, web

from talas_core.errors import Forbidden, NotFound, Unauthorized
from talas_core.messages import StationRecord
from talas_core.security.tokens import TokenVerifier
from talas_core.web import peer
from talas_core.web.bearer import bearer
from talas_stream.directory import Directory
from talas_stream.pages.password import AdminPassword
from talas_stream.sources.credentials import key_matches


class Who(StrEnum):
    """As whom somebody was let in."""

    SOURCE = "source"
    OWNER = "owner"
    ADMIN = "admin"


class Access:
    """Lets in or refuses."""

    def __init__(
        self, directory: Directory, tokens: TokenVerifier, password: AdminPassword
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._password = password

    async def record(self, slug: str) -> StationRecord:
        """The station of `slug`. Raises NotFound, or Unavailable where nobody knows."""
        record = await self._directory.find(slug)
        if record is None:
            raise NotFound(f"there is no station {slug!r}")
        return record

    def of(self, request: web.Request, record: StationRecord) -> Who:
        """Who asks about this station. Raises Unauthorized, or Forbidden for a stranger."""
        given = request.headers.get("Authorization", "")
        if given.lower().startswith("bearer "):
            claims = self._tokens.verify(bearer(request.headers))
            if claims.role == "admin":
                return Who.ADMIN
            if claims.sub != record.owner_id:
                raise Forbidden("this station is somebody else's")
            return Who.OWNER
        login = _login(request)
        if self._password.admits(login.login, login.password, _address(request)):
            return Who.ADMIN
        if not key_matches(login.login, login.password, record):
            raise Unauthorized("wrong user or stream key")
        return Who.SOURCE

    def admin(self, request: web.Request) -> None:
        """For what concerns all stations. Raises Unauthorized, or Forbidden for who is none."""
        if request.headers.get("Authorization", "").lower().startswith("basic "):
            login = _login(request)
            if not self._password.admits(login.login, login.password, _address(request)):
                raise Unauthorized("without a mount, this needs an admin")
            return
        if self._tokens.verify(bearer(request.headers)).role != "admin":
            raise Forbidden("this is for admins")


def _address(request: web.Request) -> str:
    # Of IPv6 the /64: everybody has more addresses than guesses are allowed.
    return peer.subscriber(peer.client(request))


def _login(request: web.Request) -> BasicAuth:
    """User and password. Raises Unauthorized without, Forbidden where a browser remembered them."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Forbidden("a page of another site may not use a remembered sign-in")
    try:
        return BasicAuth.decode(request.headers.get("Authorization", ""), encoding="utf-8")
    except ValueError:
        raise Unauthorized("sign in as the source, or with a token") from None
