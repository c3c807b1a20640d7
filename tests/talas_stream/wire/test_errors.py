"""What a peer gets wrong, and the status it is answered with."""

from __future__ import annotations

import pytest

from talas_core.errors import BadInput, TalasError
from talas_stream.wire.errors import BadRequest, HeadTooLarge, MalformedHeader, TargetTooLong


@pytest.mark.parametrize(
    ("kind", "status"),
    [(BadRequest, 400), (TargetTooLong, 414), (HeadTooLarge, 431), (MalformedHeader, 400)],
)
def test_each_error_carries_its_status_and_sentence(kind: type[BadInput], status: int) -> None:
    error = kind("A sentence.")
    assert isinstance(error, TalasError)
    assert (error.status, str(error)) == (status, "A sentence.")


def test_codes_are_all_different() -> None:
    kinds: list[type[BadInput]] = [
        BadInput,
        BadRequest,
        TargetTooLong,
        HeadTooLarge,
        MalformedHeader,
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
