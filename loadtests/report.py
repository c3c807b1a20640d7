"""The verdict for people (text, HTML) and for machines (JSON). Pure.

Does:        lay rows out; put the verdict on top of locust's own report.
Never:       lets a value break out of its cell.
Guarantees:  a report that locust lays out in another way still gets the verdict, at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import msgspec

from loadtests.verdict import Figures, Row, passed

Usage = tuple[str, float, float]
"""A process of the server's: its name, per cent of a core, and MiB of memory."""

_STYLE = (
    "font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:1.5rem auto;padding:1rem 1.5rem;"
    "border-radius:.5rem;background:#fff;color:#1c1c1c;border-left:.5rem solid "
)
_ROOT = '<div id="root"'
_GREEN, _RED = "#1a7f37", "#b42318"


def word(rows: Sequence[Row]) -> str:
    """PASS or FAIL."""
    return "PASS" if passed(rows) else "FAIL"


def text(
    rows: Sequence[Row], usage: Sequence[Usage], seconds: float, people: int,
    causes: Sequence[str] = (),
) -> str:  # fmt: skip
    """The summary for a terminal; `causes` say why it failed."""
    heads = ("", "what", "measured", "allowed")
    cells = [("ok" if row.good else "FAIL", row.what, row.measured, row.allowed) for row in rows]
    widths = [max(len(row[column]) for row in (heads, *cells)) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in (heads, *cells)]  # fmt: skip
    lines += [f"    {name}: {percent:.0f} % of a core, {mib:.0f} MiB"
              for name, percent, mib in usage]  # fmt: skip
    lines += [f"    because: {cause}" for cause in causes]
    return "\n".join([*lines, f"{word(rows)}: {people} people for {seconds:.0f} s"])


def section(rows: Sequence[Row], usage: Sequence[Usage], causes: Sequence[str] = ()) -> str:
    """The verdict as a piece of HTML."""
    colour = _GREEN if passed(rows) else _RED
    head = "<tr><th align=left>What<th align=left>Measured<th align=left>Allowed</tr>"
    body = "".join(
        f'<tr style="color:{"inherit" if row.good else _RED}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in (row.what, row.measured, row.allowed))
        + "</tr>"
        for row in rows
    )
    server = "".join(f"<li>{escape(name)}: {percent:.0f} % of a core, {mib:.0f} MiB</li>"
                     for name, percent, mib in usage)  # fmt: skip
    because = "".join(f"<li>{escape(cause)}</li>" for cause in causes)
    return (
        f'<section id="verdict" style="{_STYLE}{colour}"><h1 style="color:{colour};margin:0">'
        f'{word(rows)}</h1><table style="width:100%">{head}{body}</table>'
        f"{f'<h2>Because</h2><ul>{because}</ul>' if because else ''}"
        f"{f'<h2>The server</h2><ul>{server}</ul>' if server else ''}</section>"
    )


def insert(page: str, piece: str) -> str:
    """`page` with `piece` in front of the element that locust's script fills."""
    at = page.rfind(_ROOT)
    return page[:at] + piece + page[at:] if at >= 0 else page + piece


def machine(figures: Figures, rows: Sequence[Row], usage: Sequence[Usage]) -> bytes:
    """Everything, as JSON, to be kept and compared."""
    return msgspec.json.format(msgspec.json.encode({
        "verdict": word(rows), "rows": rows, "requests": figures.entries,
        "tally": figures.tally, "server": usage,
    }))  # fmt: skip
