"""Strangers on the same machine: what they get of a Talas that runs, or has a bad day."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.people import Person
from support.serve import running_serve
from support.strangers import squatter
from support.wait import until
from talas_core.supervisor import run_file

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

NATS_GREETING = r'INFO {"server_id":"x","version":"2.15.1","auth_required":true}\r\n'


def test_who_takes_the_port_of_a_killed_nats_hears_nothing_and_talas_moves_on(
    tmp_path: Path,
) -> None:
    with running_serve(tmp_path) as served:
        served.wait_ready()
        run = run_file.read(served.data_dir)
        assert run
        port = urlsplit(run.nats_url).port or 0
        with squatter(tmp_path, port, NATS_GREETING) as stranger:
            served.child("nats").kill()
            until(lambda: stranger.has_it)

            def moved() -> bool:
                now = run_file.read(served.data_dir)
                return now is not None and urlsplit(now.nats_url).port != port

            until(moved, 30)
            served.wait_ready()
            assert Person(served.api, "ann").register() == 201
            assert stranger.heard() == b""
        assert served.stop() == 0
