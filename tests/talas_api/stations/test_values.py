import re

import msgspec
import pytest

from talas_api.stations.values import (
    RESERVED,
    SLUG,
    Keyed,
    NewStation,
    Station,
    StationChange,
)
from talas_core.clock import FakeClock
from talas_core.errors import BadInput
from talas_core.ids import uuid7
from talas_core.messages import DEFAULT_RENDITIONS
from talas_core.web.body import parse


@pytest.mark.parametrize("slug", ["ab", "my-radio", "r2d2", "a-b-c", "0-0", "a" * 32])
def test_right_slug_is_taken(slug: str) -> None:
    assert parse(msgspec.json.encode({"slug": slug, "name": "x"}), NewStation).slug == slug


@pytest.mark.parametrize(
    "slug",
    ["", "a", "-ab", "ab-", "a--b", "Ab", "a_b", "a.b", "a/b", "ä2", "ab\n", "a" * 33, "ab.mp3"],
)
def test_malformed_slug_is_refused_by_field(slug: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(msgspec.json.encode({"slug": slug, "name": "x"}), NewStation)
    assert list(caught.value.fields) == ["slug"]


def test_reserved_slugs_would_otherwise_pass() -> None:
    assert all(re.fullmatch(SLUG, slug) for slug in RESERVED)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 81),
        ("name", "a\nb"),
        ("description", "x" * 1001),
        ("description", "nul\0"),
        ("owner_id", "x"),
        ("key_hash", "x"),
        ("renditions", []),
        ("renditions", ["wav"]),
        ("renditions", ["opus", "opus\n"]),
        ("renditions", ["opus"] * 6),
        ("renditions", "opus"),
        ("renditions", [1]),
    ],
)
def test_wrong_field_of_a_station_is_refused_by_name(field: str, value: str) -> None:
    wish = {"slug": "ab", "name": "x", field: value}
    with pytest.raises(BadInput) as caught:
        parse(msgspec.json.encode(wish), NewStation)
    assert list(caught.value.fields) == [field]


def test_a_change_may_name_one_thing() -> None:
    assert parse(b'{"description":"a\\nb"}', StationChange) == StationChange(description="a\nb")
    with pytest.raises(BadInput):
        parse(b'{"slug":"other"}', StationChange)


def test_renditions_are_the_usual_ones_or_those_named() -> None:
    assert parse(b'{"slug":"ab","name":"x"}', NewStation).renditions == DEFAULT_RENDITIONS
    assert parse(b"{}", StationChange).renditions is None
    wish = parse(b'{"renditions":["32.opus","flac"]}', StationChange)
    assert wish.renditions == ("32.opus", "flac")
    with pytest.raises(BadInput) as caught:
        parse(b'{"renditions":["vorbis"]}', StationChange)
    assert caught.value.fields == {
        "renditions": "must be a list of one or more of opus, aac, mp3, flac, 32.opus"
    }


def test_a_keyed_station_is_the_station_and_its_key() -> None:
    station = Station(uuid7(), "ab", "Ab", "", uuid7(), None, FakeClock().now())
    keyed = msgspec.structs.asdict(Keyed.of(station, "key"))
    assert keyed.pop("stream_key") == "key"
    assert keyed == msgspec.structs.asdict(station)
