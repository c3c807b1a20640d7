"""Locust's events, from the options to the verdict."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from locust.argument_parser import get_empty_argument_parser
from locust.event import Events
from locust.exception import StopTest

from loadtests import hooks
from loadtests.hooks import Finish, on_init, on_quitting, on_start, on_stop
from loadtests.results import Result
from loadtests.session import session_of
from loadtests.shape import STORM_MESSAGE
from loadtests.users.api import ApiUser
from loadtests.users.chat import ChatUser
from loadtests.users.listener import ListenerUser

MakeEnvironment = Callable[..., Any]
USERS = (ApiUser, ChatUser, ListenerUser)


class Runner:
    """As much of a runner as the hooks need."""

    def __init__(self) -> None:
        self.messages: dict[str, Callable[..., None]] = {}
        self.exceptions: dict[int, dict[str, int]] = {}

    def register_message(self, kind: str, listener: Callable[..., None]) -> None:
        self.messages[kind] = listener


@pytest.fixture
def make_run(make_environment: MakeEnvironment) -> MakeEnvironment:
    """Makes an environment with users and a runner."""

    def make(*arguments: str, users: tuple[Any, ...] = USERS, **more: object) -> Any:
        environment = make_environment(*arguments, **more)
        environment.user_classes = list(users)
        environment.runner = Runner()
        return environment

    return make


def test_mix_of_users_gives_weights_and_leaves_out_those_of_none(make_run: MakeEnvironment) -> None:
    environment = make_run("--mix", "api=2,listen=7")
    on_init(environment)
    assert environment.user_classes == [ApiUser, ListenerUser]
    assert (ApiUser.weight, ListenerUser.weight) == (2, 7)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--mix", "nobody=1"), "write it like"),
        (("--mix", "chat=1"), "leaves nobody"),
        (("--chat-url", "ws://192.0.2.1:1"), "not this machine"),
        (("--tokens", "/nowhere/tokens"), "No such file"),
    ],
)
def test_run_that_cannot_load_its_target_ends_with_a_sentence(
    make_run: MakeEnvironment, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str], sentence: str,
) -> None:  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        on_init(make_run(*arguments, users=(ApiUser,)))
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_an_address_changed_on_the_page_is_refused_too(
    make_run: MakeEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    environment = make_run(users=(ApiUser,))
    on_init(environment)
    environment.host = "http://192.0.2.1:8080"
    on_start(environment, Finish())
    assert "192.0.2.1 is not this machine" in caplog.text
    with pytest.raises(StopTest):
        ApiUser(environment).on_start()


def test_a_storm_reaches_the_session(make_run: MakeEnvironment) -> None:
    environment = make_run()
    on_init(environment)
    environment.runner.messages[STORM_MESSAGE](environment, Namespace(data={"number": 4}))
    assert session_of(environment).storms == 4


def test_a_run_is_judged_and_told(make_run: MakeEnvironment, tmp_path: Path) -> None:
    page, result = tmp_path / "load.html", tmp_path / "deep" / "load.json"
    page.write_text('<div id="root"></div>')
    environment = make_run(
        "--result", str(result), "--server-pid", str(os.getpid()), "--limit-driver", "10000",
        users=(ApiUser,), html_file=str(page), num_users=3,
    )  # fmt: skip
    finish = Finish()
    on_init(environment)
    on_start(environment, finish)
    environment.stats.log_request("GET", "/api/stations", 5, 100)
    on_stop(environment, finish)
    on_quitting(environment, finish)
    assert environment.process_exit_code == 0
    assert "PASS: 3 people" in finish.summary
    assert "the whole machine" in finish.summary
    assert page.read_text().startswith('<section id="verdict"')
    found = msgspec.json.decode(result.read_bytes())
    assert (found["verdict"], found["requests"][0]["name"]) == ("PASS", "/api/stations")


def test_a_bad_run_fails(make_run: MakeEnvironment) -> None:
    environment = make_run("--limit-api", "0.001", users=(ApiUser,))
    finish = Finish()
    on_init(environment)
    on_start(environment, finish)
    environment.stats.log_request("GET", "/api/stations", 5, 100)
    environment.runner.exceptions[1] = {"count": 2}
    on_stop(environment, finish)
    on_quitting(environment, finish)
    assert environment.process_exit_code == 1
    assert "FAIL  API read, p95" in finish.summary
    assert "FAIL  exceptions" in finish.summary


def test_workers_send_their_tallies_and_judge_nothing(
    make_run: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, master = make_run("--server-pid", "1"), make_run()
    with monkeypatch.context() as patch:
        patch.setattr(hooks, "WorkerRunner", Runner)
        finish = Finish()
        on_init(worker)
        on_start(worker, finish)
        on_quitting(worker, finish)
        assert (finish.server, finish.summary, worker.process_exit_code) == (None, "", None)
    with monkeypatch.context() as patch:
        patch.setattr(hooks, "MasterRunner", Runner)
        on_init(master)
    session_of(worker).tally.add("chat.lost", 2)
    data: dict[str, object] = {}
    worker.events.report_to_master.fire(client_id="w", data=data)
    for told in (data, {}):
        master.events.worker_report.fire(client_id="w", data=told)
    assert session_of(master).tally.snapshot().sums == {"chat.lost": 2}
    assert session_of(worker).tally.snapshot().sums == {}


def test_installed_hooks_hear_locust(
    make_run: MakeEnvironment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events = Events()
    monkeypatch.setattr(hooks, "events", events)
    hooks.install()
    parser = get_empty_argument_parser()
    events.init_command_line_parser.fire(parser=parser)
    assert parser.parse_args(["--crowd", "ramp"]).crowd == "ramp"
    environment = make_run(users=(ApiUser,))
    events.init.fire(environment=environment)
    events.test_start.fire(environment=environment)
    session_of(environment).fire("CHAT", [Result("auth", 1)])
    events.test_stop.fire(environment=environment)
    events.quitting.fire(environment=environment)
    events.quit.fire(exit_code=1)
    assert "nothing measured" in capsys.readouterr().out
