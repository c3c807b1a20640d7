"""The audit log over HTTP.

GET /api/admin/audit   200 (Bearer: admin)   ?limit=, ?before=, ?user=, ?kind=; newest first
"""

from __future__ import annotations

from aiohttp import web

from talas_api.audit.service import Audit
from talas_api.audit.values import AuditQuery, PageMeta
from talas_api.request.access import Permission
from talas_api.roles.permit import Permit
from talas_core.web.answers import answer
from talas_core.web.body import query


def routes(audit: Audit, permit: Permit) -> list[web.RouteDef]:
    """The table of this feature."""

    async def listing(request: web.Request) -> web.Response:
        await permit(request, Permission.READ_AUDIT)
        page = await audit.list(query(request, AuditQuery))
        return answer(page.entries, meta=PageMeta(page.next))

    return [web.get("/api/admin/audit", listing)]
