"""A data directory, or what is secret in it, that goes: noticed, named, and never papered over."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from support.people import Person
from support.serve import Served, run_talas, running_serve
from support.wait import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]


def test_data_directory_that_goes_and_comes_back_is_used_again(tmp_path: Path) -> None:
    with running_serve(tmp_path, "--demo") as served:
        served.wait_ready()
        assert Person(served.api, "before").register() == 201
        away = tmp_path / "away"
        served.data_dir.rename(away)
        until(lambda: _names_the_directory(served))
        # Until the database has gone too, one may still sign up, and is kept: another each time.
        names = (f"meanwhile{number}" for number in itertools.count())
        until(lambda: Person(served.api, next(names)).register() == 503, every=0.2)
        until(lambda: _told(served, "the data directory is gone"))
        away.rename(served.data_dir)
        served.wait_ready()
        assert until(lambda: Person(served.api, "after").register() == 201)
        assert len(_told(served, "the data directory is gone")) == 1
        assert len(_told(served, "the data directory is back")) == 1
        assert served.stop() == 0


def test_a_data_directory_that_is_removed_takes_no_more_sign_ups(tmp_path: Path) -> None:
    with running_serve(tmp_path) as served:
        served.wait_ready()
        shutil.rmtree(served.data_dir, ignore_errors=True)
        until(lambda: _names_the_directory(served))
        until(lambda: _told(served, "child ended"))
        answers = {Person(served.api, f"person{number}").register() for number in range(3)}
        assert answers == {503}
        until(lambda: _told(served, "the data directory is gone"))
        assert len(_told(served, "the data directory is gone")) == 1
        assert not (served.data_dir / "secrets").exists(), "nothing is made in its place"
        served.stop()


def _names_the_directory(served: Served) -> bool:
    """Whether `/ready` is 503 on all three ports, and names the data directory."""
    answers = [served.get(port, "/ready") for port in (served.api, served.chat, served.stream)]
    return all(status == 503 and "data directory" in body for status, body in answers)


def _told(served: Served, event: str) -> list[dict[str, object]]:
    return [row for row in served.events() if str(row["event"]).startswith(event)]


def test_lost_secrets_are_named_and_what_can_be_made_again_is(tmp_path: Path) -> None:
    with running_serve(tmp_path) as served:
        served.wait_ready()
        person = Person(served.api, "keeper")
        assert person.register() == 201
        assert served.stop() == 0
        secrets, saved = served.data_dir / "secrets", tmp_path / "saved"
        secrets.rename(saved)
        outcome = run_talas(tmp_path, "serve", env=served.env)
        assert outcome.returncode == 2
        assert outcome.stderr.startswith(f"talas: {secrets}/master.key is missing")
        assert "back-up" in outcome.stderr
        assert "TALAS_DATABASE_URL" not in outcome.stderr
        assert outcome.stderr.count("\n") == 1
        secrets.mkdir(mode=0o700)
        shutil.copy(saved / "master.key", secrets)
        served.start()
        served.wait_ready()
        assert person.sign_in() == 200
        assert served.stop() == 0
