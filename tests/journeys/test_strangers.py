"""Strangers on the same machine: what they get of a Talas that runs, or has a bad day."""

from __future__ import annotations

import contextlib
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from support.people import Person
from support.serve import run_talas, running_serve
from support.strangers import squatter
from support.wait import PATIENCE, until
from talas_core.supervisor import run_file

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

SECRET_SETTINGS = {
    "TALAS_MASTER_KEY": "5a" * 32,
    "TALAS_ADMIN_PASSWORD": "a password of the operator",
    "TALAS_SMTP_URL": "smtp://me:hush-of-mail@127.0.0.1:1",
    "TALAS_MAIL_FROM": "talas@example.com",
    "CLOUD_SECRET": "hush-of-the-cloud",
}
NATS_GREETING = r'INFO {"server_id":"x","version":"2.15.1","auth_required":true}\r\n'


def test_program_on_the_port_of_a_killed_nats_hears_nothing(
    tmp_path: Path,
) -> None:
    with running_serve(tmp_path) as served:
        served.wait_ready()
        run = run_file.read(served.data_dir)
        assert run
        port = urlsplit(run.nats_url).port or 0
        services = [served.child(name).pid for name in ("api-1", "stream")]
        with squatter(tmp_path, port, NATS_GREETING) as stranger:

            def lost() -> bool:
                if not stranger.has_it:  # at first, or it was back sooner
                    with contextlib.suppress(psutil.NoSuchProcess):
                        served.child("nats").kill()
                return stranger.has_it

            until(lost, every=0.5)

            def moved() -> bool:
                now = run_file.read(served.data_dir)
                return now is not None and urlsplit(now.nats_url).port != port

            until(moved)
            served.wait_ready()
            assert Person(served.api, "ann").register() == 201
            assert stranger.heard() == b""
            assert [served.child(name).pid for name in ("api-1", "stream")] == services
        assert served.stop() == 0


@pytest.mark.parametrize("name", ["api-1", "stream"])
def test_port_of_a_service_that_is_down_goes_to_no_other_user(name: str, tmp_path: Path) -> None:
    with running_serve(tmp_path, "--demo") as served:
        served.wait_ready()
        port = served.api if name == "api-1" else served.stream
        with squatter(tmp_path, port, "") as stranger:
            served.child(name).kill()
            assert served.ends(name)
            served.wait_ready()
            assert stranger.process.poll() is None, "it tries again and again"
            assert not stranger.has_it
        assert served.stop() == 0


def test_a_second_talas_on_the_same_ports_is_refused_while_a_service_is_down(
    tmp_path: Path,
) -> None:
    with running_serve(tmp_path) as served:
        served.wait_ready()
        served.child("stream").suspend()
        env = {**served.env, "TALAS_DATA_DIR": str(tmp_path / "other")}
        outcome = run_talas(tmp_path, "serve", env=env)
        assert outcome.returncode == 2
        assert f"cannot listen on 127.0.0.1:{served.api}: Address already" in outcome.stderr
        served.child("stream").resume()
        assert served.stop() == 0


@pytest.mark.parametrize("host", ["127.0.0.1,::1", "::", "::1"])
def test_listed_addresses_all_answer_once_the_banner_is_shown(host: str, tmp_path: Path) -> None:
    with running_serve(tmp_path, "--demo", env={"TALAS_HOST": host}) as served:
        until(lambda: "Ctrl-C" in served.output())
        assert "on the air\n" in served.output()
        for address in ("[::1]", "127.0.0.1") if host != "::1" else ("[::1]",):
            for port in (served.api, served.chat, served.stream):
                url = f"http://{address}:{port}/ready"
                with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                    assert answer.status == 200
            url = f"http://{address}:{served.stream}/demo.mp3"
            with urllib.request.urlopen(url, timeout=PATIENCE) as listener:
                assert len(listener.read(1000)) == 1000
        assert served.stop() == 0


def test_no_child_holds_a_secret_that_is_not_for_it(tmp_path: Path) -> None:
    with running_serve(tmp_path, "--demo", env=SECRET_SETTINGS) as served:
        served.wait_ready()
        run = run_file.read(served.data_dir)
        assert run
        secrets = {
            "database": urlsplit(run.database_url).password or "",
            "bus": urlsplit(run.nats_url).username or "",
            "master key": SECRET_SETTINGS["TALAS_MASTER_KEY"],
            "admin": SECRET_SETTINGS["TALAS_ADMIN_PASSWORD"],
            "mail": "hush-of-mail",
            "cloud": SECRET_SETTINGS["CLOUD_SECRET"],
        }
        held = {}
        for name in ("postgres", "nats", "api-1", "stream", "playout"):
            child = served.child(name)
            for each in (child, *child.children(recursive=True)):
                # PostgreSQL's own workers come and go.
                with contextlib.suppress(psutil.NoSuchProcess):
                    text = " ".join((*each.environ().values(), *each.cmdline()))
                    found = {word for word, secret in secrets.items() if secret in text}
                    held[name] = held.get(name, set()) | found
        assert held == {
            "postgres": set(),
            "nats": set(),
            "api-1": {"database", "bus", "master key", "mail"},
            "stream": {"bus", "admin"},
            "playout": set(),
        }
        assert served.stop() == 0
