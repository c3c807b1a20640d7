import pytest

from talas_core.errors import Unauthorized
from talas_core.web.bearer import LONGEST, bearer


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Bearer  "])
def test_bearer_token_is_read_from_its_header(scheme: str) -> None:
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
def test_bearer_token_of_another_shape_is_refused(header: str) -> None:
    with pytest.raises(Unauthorized):
        bearer({"Authorization": header})


def test_request_without_a_bearer_token_is_refused() -> None:
    with pytest.raises(Unauthorized):
        bearer({})
