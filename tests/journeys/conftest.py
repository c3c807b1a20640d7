"""What every journey is spared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _unmeasured() -> Iterator[None]:
    """No coverage of what a journey starts: that would double what the product costs there, and
    the bar is for the tests of each part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
