"""The commands beside `serve`, on the embedded database: alone, and while Talas is running."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.people import PASSWORD, Person
from support.serve import run_talas, running_serve
from support.stopwatch import Stopwatch
from support.wait import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def test_migrate_and_seed_work_alone_and_beside_a_running_talas(tmp_path: Path) -> None:
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


def test_first_admin_is_made_alone_and_a_disabled_person_is_out_at_once(tmp_path: Path) -> None:
    env = {"TALAS_DATA_DIR": str(tmp_path / "var"), "TALAS_BCRYPT_COST": "4"}
    create = ("user", "create", "boss", "--email", "boss@example.com", "--password-stdin")
    assert run_talas(tmp_path, *create, env=env, feed=PASSWORD + "\n").returncode == 0
    outcome = run_talas(tmp_path, "user", "promote", "boss", "--role", "admin", env=env)
    assert outcome.returncode == 0, outcome.stderr
    with running_serve(tmp_path, "--api-workers", "2", env=env) as served:
        served.wait_ready()
        boss, ann = Person(served.api, "boss"), Person(served.api, "ann")
        assert boss.sign_in() == 200
        assert boss.profile()[1]["data"]["role"] == "admin"
        assert ann.register() == 201
        assert ann.sign_in() == 200
        program = Person(served.api, "program")
        program.token = ann.make_token("profile:read")
        # Often enough for both workers to have taken the session and the token for alive.
        answers = [one.profile() for _ in range(20) for one in (ann, program)]
        assert {status for status, _ in answers} == {200}, answers
        outcome = run_talas(tmp_path, "user", "disable", "ann", env=env)
        assert outcome.returncode == 0, outcome.stderr
        assert "minutes" not in outcome.stdout, "it is heard of over the bus, at once"
        watch = Stopwatch(served.family())
        both = [ann, program] * 10
        until(lambda: all(one.profile()[0] == 401 for one in both))
        assert watch.seconds < 1
        outcome = run_talas(tmp_path, "user", "list", env=env)
        assert [line.split()[0] for line in outcome.stdout.splitlines()] == ["boss", "ann"]
        assert "disabled" in outcome.stdout
        assert PASSWORD not in served.log()
        assert served.stop() == 0


def test_several_api_workers_share_the_ports(tmp_path: Path) -> None:
    with running_serve(tmp_path, "--api-workers", "2") as served:
        served.wait_ready()
        assert served.child("api-1").pid != served.child("api-2").pid
        served.child("api-1").kill()
        # Who is asked to end while it is dying of something else has not ended in order.
        assert served.ends("api-1")
        served.wait_ready()
        assert served.stop() == 0
