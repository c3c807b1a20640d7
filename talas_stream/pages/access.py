"""Who may look after a station on the stream port.

Does:        tell the station's source (Basic, its key), its owner and admins (Bearer, or Basic with
             the admin password where the operator has set one) from strangers; find the station
             that a request names; report who was refused, and what was done by whom.
Never:       logs a key, a password or a token.
Guarantees:  a page of another site cannot use what a browser remembers of a sign-in (see
             same_site.py), and that it tried is reported; the source reaches its own station only.
             An address that guesses at the admin password is soon told to wait, whatever it sends.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from aiohttp import BasicAuth, web

from talas_core.errors import Forbidden, NotFound, TooMany, Unauthorized
from talas_core.messages import SecurityEvent, StationRecord, StreamEvent
from talas_core.web import peer
from talas_core.web.bearer import bearer
from talas_core.web.host import Hosts
from talas_stream.access.keys import Keys
from talas_stream.access.reports import Reports
from talas_stream.ingest.credentials import key_matches
from talas_stream.pages import same_site
from talas_stream.pages.password import USER, AdminPassword
from talas_stream.station.directory import Directory


class Who(StrEnum):
    """As whom somebody was let in, or was not."""

    SOURCE = "source"
    OWNER = "owner"
    ADMIN = "admin"
    STRANGER = "stranger"


class Means(StrEnum):
    """What somebody shows, as the audit log calls it."""

    KEY = "stream_key"
    PASSWORD = "admin_password"  # noqa: S105 - its name
    TOKEN = "access_token"  # noqa: S105 - its name


WRONG, LIMITED, OTHER_SITE = "wrong", "limited", "other_site"
"""Why somebody was refused, in the audit log."""


class Caller(msgspec.Struct, frozen=True):
    """Somebody who was let in: as whom, by what means; with a token also by the ids of person and
    session."""

    who: Who
    means: Means
    person_id: str = ""
    session_id: str = ""


class Access:
    """Lets in or refuses."""

    def __init__(
        self,
        directory: Directory,
        keys: Keys,
        password: AdminPassword,
        reports: Reports,
        hosts: Hosts,
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._password = password
        self._reports = reports
        self._hosts = hosts

    async def record(self, slug: str) -> StationRecord:
        """The station of `slug`. Raises NotFound, also where it is closed, or Unavailable where
        nobody knows."""
        record = await self._directory.find(slug)
        if record is None or record.closed:
            raise NotFound(f"there is no station {slug!r}")
        return record

    def of(self, request: web.Request, record: StationRecord, *, order: bool = False) -> Caller:
        """Who asks about this station, or gives it an `order`. Raises Unauthorized, or Forbidden
        for a stranger; Unavailable while nobody knows whether a token is still good."""
        if request.headers.get("Authorization", "").lower().startswith("bearer "):
            return self._holder(request, record)
        login = self._login(request, record, order=order)
        if self._admits(request, login, record):
            return Caller(Who.ADMIN, Means.PASSWORD)
        if not key_matches(login.login, login.password, record):
            self._refused(request, login, record, WRONG)
            raise Unauthorized("wrong user or stream key")
        return Caller(Who.SOURCE, Means.KEY)

    def admin(self, request: web.Request) -> None:
        """For what concerns all stations. Raises Unauthorized, or Forbidden for
        anybody but an admin."""
        if not request.headers.get("Authorization", "").lower().startswith("basic "):
            self._holder(request, None)
            return
        login = self._login(request, None)
        if not self._admits(request, login, None):
            self._refused(request, login, None, WRONG)
            raise Unauthorized("without a mount, this needs an admin")

    def report(
        self,
        request: web.Request,
        kind: StreamEvent,
        outcome: str,
        record: StationRecord | None,
        caller: Caller,
    ) -> None:
        """Have it written down what somebody did, or was refused, about a station."""
        self._reports.tell(
            SecurityEvent(
                kind,
                address=str(peer.client(request) or ""),
                station_id=record.id if record else "",
                owner_id=record.owner_id if record else "",
                actor_id=caller.person_id,
                session_id=caller.session_id,
                method=caller.means,
                outcome=outcome,
            )
        )

    def _holder(self, request: web.Request, record: StationRecord | None) -> Caller:
        """Whose token it is: an admin's or, of a station, its owner's."""
        claims = self._keys.verify(bearer(request.headers))
        who = Who.STRANGER
        if claims.role == "admin":
            who = Who.ADMIN
        elif record is not None and claims.sub == record.owner_id:
            who = Who.OWNER
        caller = Caller(who, Means.TOKEN, claims.sub, claims.sid)
        if who is Who.STRANGER:
            self.report(request, StreamEvent.ACCESS_REFUSED, "not_allowed", record, caller)
            raise Forbidden("this station is somebody else's" if record else "this is for admins")
        return caller

    def _admits(self, request: web.Request, login: BasicAuth, record: StationRecord | None) -> bool:
        """Whether it is the admin's password. Raises TooMany."""
        # Of IPv6 the /64: everybody has more addresses than guesses are allowed.
        address = peer.subscriber(peer.client(request))
        try:
            return self._password.admits(login.login, login.password, address)
        except TooMany:
            self._refused(request, login, record, LIMITED)
            raise

    def _login(
        self, request: web.Request, record: StationRecord | None, *, order: bool = False
    ) -> BasicAuth:
        """User and password. Raises Unauthorized without, OtherSite where a browser remembered
        them for a page that is not ours."""
        try:
            login = BasicAuth.decode(request.headers.get("Authorization", ""), encoding="utf-8")
        except ValueError:
            raise Unauthorized("sign in as the source, or with a token") from None
        check = same_site.check_order if order else same_site.check_reading
        try:
            check(request.headers, self._hosts)
        except same_site.OtherSite:
            self._refused(request, login, record, OTHER_SITE, StreamEvent.ACCESS_REFUSED)
            raise
        return login

    def _refused(
        self,
        request: web.Request,
        login: BasicAuth,
        record: StationRecord | None,
        outcome: str,
        kind: StreamEvent = StreamEvent.SIGN_IN_REFUSED,
    ) -> None:
        means = Means.PASSWORD if login.login == USER else Means.KEY
        self.report(request, kind, outcome, record, Caller(Who.STRANGER, means))
