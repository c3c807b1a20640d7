import string

import pytest

from talas_api.seed import words

LISTS = {name: value for name, value in vars(words).items() if name.isupper()}
KNOWN = {"name", "title", "city", "genre", "gear"}


@pytest.mark.parametrize("name", LISTS)
def test_words_are_neither_repeated_nor_blank(name: str) -> None:
    assert all(word.strip() == word and word for word in LISTS[name])
    assert len(set(LISTS[name])) == len(LISTS[name])


def test_patterns_name_only_what_is_filled_in() -> None:
    for pattern in (*words.OPENERS, *words.REMARKS, *words.REPLIES):
        fields = {field for _, field, _, _ in string.Formatter().parse(pattern) if field}
        assert fields <= KNOWN
        assert ("name" in fields) is (pattern in words.REPLIES)
