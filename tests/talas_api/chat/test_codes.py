import re
from pathlib import Path

from talas_api.chat.codes import Close

DOCUMENT = Path(__file__).parents[3] / "docs" / "chat.md"


def test_close_code_tells_by_its_range_what_to_do() -> None:
    recover = {code for code in Close if 4000 <= code < 4100}
    sign_in = {code for code in Close if 4100 <= code < 4200}
    stay_away = {code for code in Close if 4200 <= code < 4300}
    assert recover == {Close.SLOW, Close.GAP, Close.DRAINING}
    assert sign_in == {Close.NO_SIGN_IN, Close.EXPIRED, Close.SESSION_ENDED}
    assert stay_away == {Close.BANNED, Close.BROKEN, Close.TOO_MANY}


def test_close_reasons_fit_into_a_control_frame() -> None:
    for code in Close:
        assert len(code.reason.encode("ascii")) <= 123
    assert all(code.reason for code in Close if code is not Close.NORMAL)


def test_documented_close_codes_are_those_there_are() -> None:
    listed = re.findall(r"^\| (\d{4}) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert [int(code) for code in listed] == sorted(Close)
