"""The audit log over HTTP."""

from __future__ import annotations

from talas_api.audit.service import Audit
from talas_api.audit.values import AuditQuery, Entry, PageMeta
from talas_api.request.access import Permission
from talas_api.request.route import Answer, Call, Route, Table


def routes(audit: Audit) -> Table:
    """The rows of this feature."""

    async def listing(call: Call[AuditQuery]) -> Answer[list[Entry]]:
        page = await audit.list(call.given)
        return Answer(page.entries, PageMeta(page.next))

    return [
        Route("GET", "/api/admin/audit", listing, "Lists security events, newest first.",
              Permission.READ_AUDIT, query=AuditQuery, gives=list[Entry], meta=PageMeta),
    ]  # fmt: skip
