"""The administration of people over HTTP."""

import pytest

from support.api import Composed
from support.chat import talking
from support.wait import auntil
from talas_api.chat.codes import Close
from talas_core import messages
from talas_core.messages import FindStation, FoundStation, StationChanged
from talas_core.postgres.pool import Database


async def test_a_new_role_counts_at_once(composed: Composed, admin_token: str) -> None:
    grant = await composed.sign_up("ann")
    path = f"/api/admin/users/{grant['user']['id']}/role"
    status, body = await composed.call("PUT", path, {"role": "moderator"}, admin_token)
    assert (status, body["data"]["role"]) == (200, "moderator")
    assert (await composed.call("GET", "/api/rooms", token=grant["access_token"]))[0] == 401
    refresh = {"refresh_token": grant["refresh_token"]}
    assert (await composed.call("POST", "/api/auth/refresh", refresh))[0] == 401
    token = (await composed.sign_in("ann@example.com"))["access_token"]
    assert (await composed.call("GET", "/api/admin/users", token=token))[0] == 200
    await composed.call("PUT", path, {"role": "user"}, admin_token)
    assert (await composed.call("GET", "/api/admin/users", token=token))[0] == 401


async def test_people_are_found_by_how_they_begin(composed: Composed, admin_token: str) -> None:
    await composed.sign_up("ann")
    for begins, found in (("AN", ["ann"]), ("boss@exam", ["boss"]), ("zoe", [])):
        path = f"/api/admin/users?begins={begins}"
        status, body = await composed.call("GET", path, token=admin_token)
        assert (status, [one["username"] for one in body["data"]]) == (200, found)
    status, _ = await composed.call("GET", "/api/admin/users?begins=", token=admin_token)
    assert status == 400


@pytest.mark.checklist(3)
async def test_who_is_disabled_is_out_at_once_and_may_come_back(
    composed: Composed, db: Database, admin_token: str
) -> None:
    moderator = await composed.sign_up_as("mod", "moderator", db)
    grant = await composed.sign_up("ann")
    path = f"/api/admin/users/{grant['user']['id']}"
    status, body = await composed.call("POST", f"{path}/disable", token=moderator)
    assert status == 200
    assert body["data"]["disabled_at"] is not None
    assert (await composed.call("GET", "/api/rooms", token=grant["access_token"]))[0] == 401
    credentials = {"email": "ann@example.com", "password": "correct horse"}
    assert (await composed.call("POST", "/api/auth/login", credentials))[0] == 401
    assert (await composed.call("POST", f"{path}/enable", token=moderator))[0] == 200
    assert (await composed.call("GET", "/api/rooms", token=grant["access_token"]))[0] == 401
    await composed.sign_in("ann@example.com")
    _, body = await composed.call("GET", "/api/admin/audit?limit=100", token=admin_token)
    kinds = [entry["kind"] for entry in body["data"]]
    assert {"account.disabled", "account.enabled"} <= set(kinds)


async def test_the_stations_of_the_disabled_are_closed(
    composed: Composed, admin_token: str
) -> None:
    grant = await composed.sign_up("ann")
    wish = {"slug": "anns", "name": "Ann's"}
    assert (await composed.call("POST", "/api/stations", wish, grant["access_token"]))[0] == 201
    heard: list[bytes] = []
    await composed.bus.subscribe(messages.STATION_CHANGED, heard.append)
    for verb, closed in (("disable", True), ("enable", False)):
        path = f"/api/admin/users/{grant['user']['id']}/{verb}"
        assert (await composed.call("POST", path, token=admin_token))[0] == 200
        await auntil(lambda: heard)
        assert messages.decode(heard.pop(), StationChanged).slug == "anns"
        question = messages.encode(FindStation("anns"))
        reply = await composed.bus.request(messages.STATION_FIND, question, timeout=2)
        station = messages.decode(reply, FoundStation).station
        assert station is not None
        assert station.closed is closed


async def test_list_of_people_shows_no_e_mail_address(composed: Composed, admin_token: str) -> None:
    for name in ("ann", "bob"):
        await composed.sign_up(name)
    _, body = await composed.call("GET", "/api/admin/users?limit=2", token=admin_token)
    assert [person["username"] for person in body["data"]] == ["boss", "ann"]
    assert set(body["data"][0]) == {
        "id", "username", "display_name", "role", "created_at", "disabled_at",
        "email_verified",
    }  # fmt: skip
    after = body["meta"]["next"]
    _, body = await composed.call("GET", f"/api/admin/users?after={after}", token=admin_token)
    assert [person["username"] for person in body["data"]] == ["bob"]
    assert body["meta"]["next"] is None


async def test_last_admin_can_be_neither_demoted_nor_disabled(
    composed: Composed, admin_token: str
) -> None:
    _, body = await composed.call("GET", "/api/admin/users", token=admin_token)
    path = f"/api/admin/users/{body['data'][0]['id']}"
    assert (await composed.call("PUT", f"{path}/role", {"role": "user"}, admin_token))[0] == 409
    assert (await composed.call("POST", f"{path}/disable", token=admin_token))[0] == 409
    assert (await composed.call("GET", "/api/admin/users", token=admin_token))[0] == 200


async def test_moderator_cannot_change_admins_or_moderators(
    composed: Composed, db: Database, admin_token: str
) -> None:
    moderator = await composed.sign_up_as("mod", "moderator", db)
    _, body = await composed.call("GET", "/api/admin/users", token=admin_token)
    for person in body["data"]:
        path = f"/api/admin/users/{person['id']}"
        assert (await composed.call("POST", f"{path}/disable", token=moderator))[0] == 403
        status, _ = await composed.call("PUT", f"{path}/role", {"role": "admin"}, moderator)
        assert status == 403


@pytest.mark.parametrize("who", ["00000000-0000-0000-0000-000000000001", "me", "%00"])
async def test_unknown_person_is_404(composed: Composed, admin_token: str, who: str) -> None:
    path = f"/api/admin/users/{who}"
    assert (await composed.call("POST", f"{path}/disable", token=admin_token))[0] == 404
    assert (await composed.call("PUT", f"{path}/role", {"role": "user"}, admin_token))[0] == 404


@pytest.mark.checklist(3)
async def test_a_chat_socket_of_the_disabled_closes(composed: Composed, admin_token: str) -> None:
    grant = await composed.sign_up("ann")
    async with talking(composed.chat, grant["access_token"]) as talker:
        path = f"/api/admin/users/{grant['user']['id']}/disable"
        assert (await composed.call("POST", path, token=admin_token))[0] == 200
        assert await talker.closed(1) == Close.SESSION_ENDED
