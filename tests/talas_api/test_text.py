import re

import pytest

from talas_api.text import LINE, LINES

BIDI_CONTROLS = [
    chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
]
"""All that have Unicode's property Bidi_Control (PropList.txt)."""
MARKS = "\u061c\u200e\u200f"


@pytest.mark.parametrize("text", ["a", "Ünïcödé 日本語 עברית", " padded ", "emoji 🎷", "a\u00a0b"])
def test_a_line_may_be_of_any_script(text: str) -> None:
    assert re.search(LINE, text)
    assert re.search(LINES, text)


@pytest.mark.parametrize("text", ["", " ", "\u00a0\u2003", "a\nb", "a\tb", "a\n"])
def test_a_line_is_one_line_and_not_blank(text: str) -> None:
    assert not re.search(LINE, text)
    assert re.search(LINES, text)


@pytest.mark.parametrize("control", BIDI_CONTROLS)
def test_name_with_a_control_of_direction_is_refused(control: str) -> None:
    assert not re.search(LINE, f"a{control}b")


@pytest.mark.parametrize("control", BIDI_CONTROLS)
def test_prose_may_hold_marks_of_direction_and_nothing_that_turns_text(control: str) -> None:
    assert bool(re.search(LINES, f"a{control}b")) == (control in MARKS)


@pytest.mark.parametrize("text", ["a\0b", "a\x1b[31m", "a\x7f", "a\x85", "a\u202eb", "a\u2066b"])
def test_text_with_a_control_character_is_refused(text: str) -> None:
    assert not re.search(LINE, text)
    assert not re.search(LINES, text)
