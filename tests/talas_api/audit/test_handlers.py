import pytest

from support.api import Composed
from talas_api.audit.values import Event, Kind


async def test_audit_log_is_read_by_admins_newest_first(
    composed: Composed, admin_token: str
) -> None:
    for kind in (Kind.RECOVERY_USED, Kind.LIMITED, Kind.RECOVERY_USED):
        await composed.api.audit.record(Event(kind, detail={"reason": "test"}))
    path = "/api/admin/audit?limit=1&kind=totp.recovery_used"
    status, body = await composed.call("GET", path, token=admin_token)
    assert status == 200
    [newest] = body["data"]
    assert (newest["kind"], newest["detail"]) == ("totp.recovery_used", {"reason": "test"})
    path += f"&before={body['meta']['next']}"
    _, body = await composed.call("GET", path, token=admin_token)
    assert len(body["data"]) == 1
    assert body["data"][0]["id"] < newest["id"]
    assert body["meta"]["next"] is None


async def test_audit_log_is_closed_to_everybody_else(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    assert (await composed.call("GET", "/api/admin/audit", token=token))[0] == 403


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "kind=x", "user=me", "before=1", "q=1"])
async def test_audit_query_with_wrong_parameters_is_refused(
    composed: Composed, admin_token: str, query: str
) -> None:
    status, _ = await composed.call("GET", f"/api/admin/audit?{query}", token=admin_token)
    assert status == 400


@pytest.mark.checklist(29)
async def test_audit_log_holds_no_secret_that_people_sent(
    composed: Composed, admin_token: str
) -> None:
    grant = await composed.sign_up("sally")
    await composed.call("POST", "/api/auth/refresh", {"refresh_token": grant["refresh_token"]})
    credentials = {"email": "sally@example.com", "password": "wrong password"}
    await composed.call("POST", "/api/auth/login", credentials)
    _, body = await composed.call("GET", "/api/admin/audit?limit=100", token=admin_token)
    text = str(body)
    for secret in ("sally", "wrong password", "correct horse", grant["refresh_token"]):
        assert secret not in text
