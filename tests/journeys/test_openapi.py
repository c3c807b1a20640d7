"""The OpenAPI document against the API that it describes, by schemathesis.

`EXAMPLES` requests of each kind are sent, the same ones in each run; `SCHEMATHESIS=full` sends many
more, and those at the edges of each field.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.fresh import FREELY
from support.attacks import promote
from support.page import api, name, register, token_of
from support.serve import Served, running_serve

pytestmark = pytest.mark.journey

EXAMPLES = 10
FULL = ("--phases", "coverage,fuzzing", "--max-examples", "50")
SHORT = ("--phases", "fuzzing", "--max-examples", str(EXAMPLES))

ENDS_THE_SIGN_IN = "logout|auth/sessions|disable|role$"
"""Addresses that would end the sign-in which all other requests need."""

CONFIG = """
# Which password, code or mailed token is the right one, no schema says.
[[operations]]
include-path-regex = "^/api/auth/"
[operations.checks]
positive_data_acceptance.enabled = false
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Talas without a demo, and without limits that one address meets."""
    with running_serve(tmp_path_factory.mktemp("served"), env=FREELY) as running:
        running.wait_ready()
        yield running


def test_document_says_what_the_api_does(served: Served, tmp_path: Path) -> None:
    person = name("ada")
    register(served, person)
    promote(served, person)
    token = token_of(served, person)
    api(served, "/api/stations", {"slug": "live", "name": "Live"}, token)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    run = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis", "--config-file", config,
            "run", f"http://127.0.0.1:{served.api}/api/openapi.json",
            "--seed", "1", "--workers", "1", "--no-color",
            "--header", f"Authorization: Bearer {token}",
            "--exclude-path-regex", ENDS_THE_SIGN_IN,
            *(FULL if os.environ.get("SCHEMATHESIS") == "full" else SHORT),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:]
    assert "Tested: 0" not in run.stdout
