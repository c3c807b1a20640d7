"""A change of address over HTTP, without a mail server."""

from typing import Any

from support.api import PASSWORD, Composed

PATH = "/api/auth/email"


def wish(email: str, password: str = PASSWORD) -> dict[str, Any]:
    return {"email": email, "password": password}


async def test_changed_address_signs_in(composed: Composed) -> None:
    token = (await composed.sign_up("ann"))["access_token"]
    status, body = await composed.call("POST", PATH, wish("ann@new.example"), token)
    assert (status, body["data"]) == (200, {"changed": True})
    _, body = await composed.call("GET", "/api/auth/profile", token=token)
    assert body["data"]["email"] == "ann@new.example"
    assert (await composed.sign_in("ann@new.example"))["user"]["username"] == "ann"


async def test_refused_change_of_address_names_its_field(composed: Composed) -> None:
    await composed.sign_up("bob")
    token = (await composed.sign_up("ann"))["access_token"]
    for given, expected, field in (
        (wish("bob@example.com"), 409, "email"),
        (wish("ann@example.com"), 400, "email"),
        (wish("ann@new.example", "wrong"), 400, "password"),
    ):
        status, body = await composed.call("POST", PATH, given, token)
        assert (status, list(body["error"]["fields"])) == (expected, [field])
    assert (await composed.call("POST", PATH, wish("ann@new.example")))[0] == 401
    status, body = await composed.call("POST", f"{PATH}/confirm", {"token": "invented"})
    assert (status, list(body["error"]["fields"])) == (400, ["token"])
