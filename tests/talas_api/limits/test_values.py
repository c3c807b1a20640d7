from typing import Any

import pytest

from support.api import Composed, settings_for
from talas_api.limits.values import (
    HOUR,
    PASSWORD_AGAIN,
    RULES,
    Charge,
    Rule,
    Subject,
    headers,
    policy,
)
from talas_core.security.limits import Decision, Quota


def test_every_rule_has_a_name_of_its_own_and_a_quota(tmp_path: Any) -> None:
    settings = settings_for("postgresql://nowhere", tmp_path)
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.quota(settings).most >= 2


def test_a_quota_may_be_a_setting(tmp_path: Any) -> None:
    rule = Rule("stations", ("POST /x",), (Subject.ACCOUNT,), "limit_stations", HOUR)
    settings = settings_for("postgresql://nowhere", tmp_path, limit_stations=7)
    assert rule.quota(settings) == Quota(7, HOUR)


@pytest.mark.checklist(11)
async def test_every_rule_is_of_routes_that_are_there(composed: Composed) -> None:
    app = composed.api.applications()[0]
    there = {
        f"{route.method} {route.resource.canonical}" for route in app.router.routes()
        if route.resource is not None
    }  # fmt: skip
    assert {name for rule in RULES for name in rule.routes} - there == set()


def test_the_fields_say_quota_and_what_is_left() -> None:
    one = Charge(RULES[0], Quota(60, 3600), b"")
    two = Charge(RULES[1], Quota(9, 60), b"")
    told = [(one, Decision(True, 0, 29, 120.2)), (two, Decision(True, 0, 0, 3))]
    assert headers(told) == {
        "RateLimit-Policy": '"register";q=60;w=3600, "login";q=9;w=60',
        "RateLimit": '"register";r=29;t=121, "login";r=0;t=3',
    }
    assert headers([]) == {}
    assert policy([("register", one.quota)]) == {"RateLimit-Policy": '"register";q=60;w=3600'}
    assert policy([]) == {}


def test_a_session_that_is_not_its_own_uses_up_its_tries_before_the_account_s() -> None:
    again = {rule.subjects: rule for rule in RULES if rule.routes == PASSWORD_AGAIN}
    by_session, by_account = again[(Subject.SESSION,)], again[(Subject.ACCOUNT,)]
    assert by_session.failures and by_account.failures
    assert int(by_account.most) >= 5 * int(by_session.most)
