import msgspec
import pytest

from talas_api.rooms.values import LARGEST_PAGE, RoomQuery


@pytest.mark.parametrize("limit", [1, LARGEST_PAGE])
def test_a_page_has_bounds(limit: int) -> None:
    assert msgspec.convert({"limit": limit}, RoomQuery).limit == limit


@pytest.mark.parametrize("limit", [0, LARGEST_PAGE + 1, "x"])
def test_a_page_out_of_bounds_is_refused(limit: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"limit": limit}, RoomQuery)
