import time
from typing import Any

import pytest
from pyotp import TOTP

from support.api import PASSWORD, Composed
from talas_api.identity.factors import qr

PATH = "/api/auth/totp"
EMAIL = "testuser@example.com"


def code_of(secret: str, ahead: int = 0) -> str:
    """What an authenticator shows now, or so many steps later."""
    return TOTP(secret).at(time.time(), counter_offset=ahead)


async def sign_in(composed: Composed, **more: str) -> tuple[int, Any]:
    given = {"email": EMAIL, "password": PASSWORD, **more}
    return await composed.call("POST", "/api/auth/login", given)


async def test_second_factor_is_set_up_asked_for_and_switched_off(composed: Composed) -> None:
    token = (await composed.sign_up())["access_token"]
    status, body = await composed.call("POST", PATH, {"password": PASSWORD}, token)
    assert status == 201
    secret = body["data"]["secret"]
    assert body["data"]["qr"] == qr.modules(body["data"]["uri"])
    assert body["data"]["uri"].startswith("otpauth://totp/Talas:testuser?")
    assert (await sign_in(composed))[0] == 200, "not yet on"
    status, body = await composed.call("POST", PATH + "/confirm", {"code": code_of(secret)}, token)
    assert status == 200
    codes = body["data"]["recovery_codes"]
    status, body = await sign_in(composed)
    assert (status, body["error"]["code"]) == (401, "second_factor_required")
    status, body = await sign_in(composed, password="wrong", code=code_of(secret))
    assert (status, body["error"]["code"]) == (401, "unauthorized")
    later = code_of(secret, ahead=1)
    assert (await sign_in(composed, code=later))[0] == 200
    assert (await sign_in(composed, code=later))[0] == 401
    assert (await sign_in(composed, code=codes[0]))[0] == 200
    assert (await sign_in(composed, code=codes[0]))[0] == 401
    _, body = await composed.call("GET", PATH, token=token)
    assert body["data"] == {"enabled": True, "recovery_codes_left": 9}
    wish = {"password": PASSWORD, "code": codes[1]}
    assert (await composed.call("DELETE", PATH, wish, token))[0] == 204
    assert (await sign_in(composed))[0] == 200


REFUSED: list[tuple[tuple[str, str, Any], int, str]] = [
    (("POST", PATH, {"password": "wrong"}), 400, "password"),
    (("POST", PATH + "/confirm", {"code": "123456"}), 409, ""),
    (("DELETE", PATH, {"password": PASSWORD, "code": "123456"}), 404, ""),
    (("DELETE", PATH, {"password": "wrong", "code": "123456"}), 400, "password"),
]


@pytest.mark.parametrize(("asked", "status", "field"), REFUSED)
async def test_wrong_request_about_a_second_factor_is_refused(
    composed: Composed, asked: tuple[str, str, Any], status: int, field: str
) -> None:
    token = (await composed.sign_up())["access_token"]
    answer = await composed.call(*asked, token)
    assert answer[0] == status
    assert not field or list(answer[1]["error"]["fields"]) == [field]
