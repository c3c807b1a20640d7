import re

import pytest

from talas_api.text import LINE, LINES


@pytest.mark.parametrize("text", ["a", "Ünïcödé 日本語 עברית", " padded ", "emoji 🎷", "a\u00a0b"])
def test_a_line_may_be_of_any_script(text: str) -> None:
    assert re.search(LINE, text)
    assert re.search(LINES, text)


@pytest.mark.parametrize("text", ["", " ", "\u00a0\u2003", "a\nb", "a\tb", "a\n"])
def test_a_line_is_one_line_and_not_blank(text: str) -> None:
    assert not re.search(LINE, text)
    assert re.search(LINES, text)


@pytest.mark.parametrize("text", ["a\0b", "a\x1b[31m", "a\x7f", "a\x85", "a\u202eb", "a\u2066b"])
def test_nothing_unseen_gets_in(text: str) -> None:
    assert not re.search(LINE, text)
    assert not re.search(LINES, text)
