from typing import Any

import msgspec
import pytest

from talas_api.identity.addresses.values import EmailChange
from talas_core.errors import BadInput
from talas_core.web.body import parse

GOOD = {"email": "ann@new.example", "password": "right"}


def wish(**more: Any) -> EmailChange:
    return parse(msgspec.json.encode({**GOOD, **more}), EmailChange)


def test_right_change_of_address_is_taken() -> None:
    assert wish() == EmailChange("ann@new.example", "right")
    assert wish(code="123456") == EmailChange("ann@new.example", "right", "123456")


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no address"), ("email", "a@b\r\nBcc: c@d"), ("email", 1), ("code", "1"), ("x", 1)],
)
def test_wrong_change_of_address_is_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        wish(**{field: value})
    assert field in refused.value.fields
