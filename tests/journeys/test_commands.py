"""The commands beside `serve`, on the embedded database: alone, and while Talas is running."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.serve import run_talas, running_serve

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def test_migrate_and_seed_alone_and_beside_a_running_talas(tmp_path: Path) -> None:
    env = {"TALAS_DATA_DIR": str(tmp_path / "var"), "TALAS_BCRYPT_COST": "4"}
    for command in ("migrate", "migrate", "seed"):
        outcome = run_talas(tmp_path, command, env=env)
        assert outcome.returncode == 0, outcome.stderr
        assert outcome.stderr == f"talas: the embedded database in {tmp_path}/var\n"
    with running_serve(tmp_path, env=env) as served:
        served.wait_ready()
        for arguments in (("migrate",), ("seed",), ("seed", "--people", "3", "--tokens", "tokens")):
            outcome = run_talas(tmp_path, *arguments, env=env)
            assert outcome.returncode == 0, outcome.stderr
        assert len((tmp_path / "tokens").read_text().splitlines()) == 3
        assert served.stop() == 0
    assert not (tmp_path / "var" / "run.json").exists()


def test_several_api_workers_share_the_ports(tmp_path: Path) -> None:
    with running_serve(tmp_path, "--api-workers", "2") as served:
        served.wait_ready()
        assert served.child("api-1").pid != served.child("api-2").pid
        served.child("api-1").kill()
        served.wait_ready()
        assert served.stop() == 0
