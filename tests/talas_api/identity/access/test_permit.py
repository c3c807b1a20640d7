from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from support.fakes import Recorded
from talas_api.audit.values import Event, Kind
from talas_api.identity.access.gate import Gate
from talas_api.identity.access.permit import permit
from talas_api.request.access import Permission, Scope
from talas_core.errors import Forbidden
from talas_core.security.tokens import Claims

ANN, SESSION = UUID(int=1), UUID(int=2)
REQUEST = make_mocked_request("GET", "/")


def gate_of(role: str) -> Gate:
    async def gate(request: web.Request, scope: Scope | None = None) -> Claims:
        assert scope is None
        return Claims(str(ANN), str(SESSION), role, 0)

    return gate


async def test_role_with_the_permission_passes() -> None:
    recorded = Recorded()
    who = await permit(gate_of("admin"), recorded)(REQUEST, Permission.READ_AUDIT)
    assert who.role == "admin"
    assert recorded.events == []


@pytest.mark.checklist(29)
@pytest.mark.parametrize("role", ["user", "moderator", "", "root"])
async def test_role_without_the_permission_is_refused_and_recorded(role: str) -> None:
    recorded = Recorded()
    with pytest.raises(Forbidden):
        await permit(gate_of(role), recorded)(REQUEST, Permission.READ_AUDIT)
    about = {"name": "audit.read", "role": role}
    [event] = recorded.events
    assert event == Event(Kind.REFUSED, ANN, ANN, SESSION, event.address, about)
