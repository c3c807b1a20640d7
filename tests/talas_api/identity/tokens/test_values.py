from typing import Any

import msgspec
import pytest

from talas_api.identity.tokens.values import NewToken
from talas_api.request.access import Scope
from talas_core.errors import BadInput
from talas_core.web.body import parse

GOOD = {
    "name": "my bot", "scopes": ["rooms:read", "chat:write"], "days": 30, "password": "right",
}  # fmt: skip


def wish(**more: Any) -> NewToken:
    return parse(msgspec.json.encode({**GOOD, **more}), NewToken)


def test_right_wish_for_a_personal_token_is_taken() -> None:
    scopes = frozenset({Scope.ROOMS_READ, Scope.CHAT_WRITE})
    assert wish() == NewToken("my bot", scopes, 30, "right")
    assert wish(code="123456") == NewToken("my bot", scopes, 30, "right", "123456")


@pytest.mark.checklist(23)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 65),
        ("name", "two\nlines"),
        ("name", "nul\x00"),
        ("scopes", []),
        ("scopes", ["admin"]),
        ("scopes", ["*"]),
        ("scopes", "rooms:read"),
        ("scopes", None),
        ("days", 0),
        ("days", 366),
        ("days", 1.5),
        ("days", None),
        ("password", None),
        ("password", "x" * 1025),
        ("code", "12345"),
        ("user_id", "00000000-0000-0000-0000-000000000001"),
        ("expires_at", "2999-01-01T00:00:00Z"),
    ],
)
def test_wrong_wish_for_a_personal_token_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(BadInput) as caught:
        wish(**{field: value})
    assert set(caught.value.fields) == {field}


def test_scopes_fit_their_audit_detail() -> None:
    assert len(" ".join(Scope)) <= 64
