"""The verdict as text, HTML and JSON."""

from __future__ import annotations

import msgspec

from loadtests import report
from loadtests.results import Snapshot
from loadtests.verdict import Figures, Row

GOOD = Row("failures", "0 %", "≤ 0.1 %", True)
BAD = Row("longest <gap>", "2 s", "≤ 1 s", False)
USAGE = [("talas_api", 12.4, 80.0)]


def test_text_report_has_a_line_for_each_row_and_the_verdict_last() -> None:
    lines = report.text([GOOD, BAD], USAGE, 30, 60).splitlines()
    assert lines[1].split() == ["ok", "failures", "0", "%", "≤", "0.1", "%"]
    assert lines[2].startswith("FAIL  longest")
    assert lines[-2].strip() == "talas_api: 12 % of a core, 80 MiB"
    assert lines[-1] == "FAIL: 60 people for 30 s"
    assert report.text([GOOD], [], 1, 1).endswith("PASS: 1 people for 1 s")


def test_text_report_tells_causes_above_the_verdict() -> None:
    lines = report.text([BAD], USAGE, 30, 60, ["it was <slow>"]).splitlines()
    assert lines[-2:] == ["    because: it was <slow>", "FAIL: 60 people for 30 s"]
    assert "<li>it was &lt;slow&gt;</li>" in report.section([BAD], [], ["it was <slow>"])


def test_html_report_escapes_its_texts() -> None:
    piece = report.section([GOOD, BAD], USAGE)
    assert "longest &lt;gap&gt;" in piece
    assert "FAIL" in piece
    assert "talas_api" in piece
    assert "The server" not in report.section([GOOD], [])


def test_html_report_shows_the_verdict_above_locust_s_own() -> None:
    page = '<script>"<body>"</script><body><div id="root"></div></body>'
    assert report.insert(page, "HERE") == page.replace('<div id="root"', 'HERE<div id="root"')
    assert report.insert("something else", "HERE") == "something elseHERE"


def test_json_report_has_every_figure() -> None:
    figures = Figures(frozenset(("API",)), (), Snapshot({"a": 1}, {}, {}))
    found = msgspec.json.decode(report.machine(figures, [GOOD], USAGE))
    assert found["verdict"] == "PASS"
    assert found["rows"][0]["what"] == "failures"
    assert found["tally"]["sums"] == {"a": 1}
    assert found["server"][0][0] == "talas_api"
