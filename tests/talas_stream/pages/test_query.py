"""Queries in every charset that encoders send."""

from urllib.parse import quote

import pytest

from talas_core.errors import BadInput
from talas_stream.pages.query import fields


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("song=" + quote("夜"), "夜"),
        ("song=" + quote("Björk".encode("latin-1")), "Björk"),
        ("charset=windows-1251&song=" + quote("Ночь".encode("cp1251")), "Ночь"),
        ("song=" + quote("夜".encode("shift_jis")) + "&charset=Shift_JIS", "夜"),
        ("charset=utf-8&song=" + quote("Björk".encode("latin-1")), "Björk"),
        ("charset=rot13&song=abc", "abc"),
        ("song=a%0D%0Ab", "ab"),
        ("song=a&song=b", "a"),
        ("song=", ""),
    ],
)
def test_a_title_in_every_spelling(query: str, told: str) -> None:
    assert fields("/admin/metadata?" + query)["song"] == told


def test_too_many_fields_are_refused_and_none_are_none() -> None:
    assert fields("/admin/metadata") == {}
    with pytest.raises(BadInput, match="too many"):
        fields("/?" + "&".join("a=b" for _ in range(40)))
