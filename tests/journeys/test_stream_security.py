"""What the stream port owes the rest of the product's security: a trace in the audit log of who cut
whom and who was refused, and no belief in sessions that ended while it was away."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.attacks import ask, promote, sign_in, sign_up
from support.serve import Served, running_serve
from support.wait import until

pytestmark = pytest.mark.journey

PASSWORD = "a password for panels"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    env = {"TALAS_ADMIN_PASSWORD": PASSWORD}
    with running_serve(tmp_path_factory.mktemp("served"), "--demo", env=env) as running:
        yield running.wait_ready()


def admin(served: Served, name: str) -> str:
    """The access token of a new admin."""
    sign_up(served, name)
    promote(served, name)
    return str(sign_in(served, f"{name}@example.org")["access_token"])


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def events(served: Served, token: str, kind: str) -> list[dict[str, Any]]:
    """What the audit log shows an admin of that kind, the newest first."""
    answer = ask(served.api, "GET", f"/api/admin/audit?kind={kind}", token=token)
    assert answer.status == 200, answer
    return list(answer.data)


@pytest.mark.checklist(29)
def test_audit_log_tells_who_cut_a_source_and_who_was_refused(served: Served) -> None:
    boss = admin(served, "boss")
    until(lambda: "/demo" in served.get(served.stream, "/status-json.xsl")[1])
    order = "/admin/killsource?mount=/demo"
    for login in (basic("admin", "not the password"), basic("source", "f" * 32)):
        assert ask(served.stream, "GET", order, Authorization=login).status == 401
    assert ask(served.stream, "PUT", "/demo", Authorization=basic("source", "e" * 32)).status == 401
    panel = basic("admin", PASSWORD)
    assert ask(served.stream, "GET", order, Authorization=panel).status == 200
    [cut] = until(lambda: events(served, boss, "stream.source_cut"))
    station = ask(served.api, "GET", "/api/stations/demo").data["id"]
    assert (cut["address"], cut["actor_id"], cut["user_id"]) == ("127.0.0.1", None, None)
    assert cut["detail"] == {
        "station_id": station, "method": "admin_password", "outcome": "done", "count": 1,
    }  # fmt: skip

    def refused() -> dict[str, int]:
        rows = events(served, boss, "stream.sign_in_refused")
        found: dict[str, int] = {}
        for row in rows:
            assert (row["address"], row["detail"]["outcome"]) == ("127.0.0.1", "wrong")
            method, count = row["detail"]["method"], row["detail"]["count"]
            found[method] = found.get(method, 0) + count
        return found

    until(lambda: refused() == {"admin_password": 1, "stream_key": 2})
    told = json.dumps(events(served, boss, "stream.sign_in_refused")) + served.log()
    for secret in (PASSWORD, "not the password", "f" * 32, "e" * 32):
        assert secret not in told


@pytest.mark.checklist(3)
def test_a_session_that_ended_while_the_stream_port_was_down_is_refused_there(
    served: Served,
) -> None:
    ended, goes_on = admin(served, "ada"), admin(served, "eva")

    def status(token: str) -> int:
        try:
            return ask(served.stream, "GET", "/admin/stats", token=token).status
        except OSError:
            return 0  # nobody listens now

    until(lambda: (status(ended), status(goes_on)) == (200, 200))
    before = served.child("stream")
    before.suspend()  # it hears of nothing, and is killed before it could
    assert ask(served.api, "POST", "/api/auth/logout", b"{}", token=ended).status == 204
    before.kill()
    until(lambda: served.child("stream").pid != before.pid)
    seen: set[int] = set()

    def believed_again() -> bool:
        seen.add(status(ended))
        return status(goes_on) == 200

    until(believed_again)
    seen.add(status(ended))
    assert seen <= {0, 401}
