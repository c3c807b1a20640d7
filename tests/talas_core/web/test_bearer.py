import pytest

from talas_core.errors import Unauthorized
from talas_core.web.bearer import LONGEST, bearer


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Bearer  "])
def test_takes_the_token(scheme: str) -> None:
    assert bearer({"Authorization": f"{scheme} a.b-c_d~e/f+g=="}) == "a.b-c_d~e/f+g=="


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer a b",
        "Bearer a\nb",
        "Bearer é",
        "a.b.c",
        "Bearer " + "a" * LONGEST,
    ],
)
def test_refuses_what_is_not_token_shaped(header: str) -> None:
    with pytest.raises(Unauthorized):
        bearer({"Authorization": header})


def test_refuses_no_header() -> None:
    with pytest.raises(Unauthorized):
        bearer({})
