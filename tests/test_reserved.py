"""Names that no station has because a page has them: three lists that must agree."""

import re
from pathlib import Path

from talas_api.stations.values import RESERVED
from talas_stream.door.address import PAGES

RULES = Path(__file__).parents[1] / "talas_api/site/static/js/broadcast/rules.js"


def test_slug_that_would_hide_a_page_of_the_stream_port_is_reserved() -> None:
    assert PAGES <= RESERVED


def test_page_refuses_the_slugs_that_the_api_refuses() -> None:
    listed = RULES.read_text().partition("RESERVED = new Set([")[2].partition("]")[0]
    assert set(re.findall(r"'([a-z-]+)'", listed)) == RESERVED
