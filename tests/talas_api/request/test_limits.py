from pathlib import Path

import pytest

from support.api import settings_for
from talas_api.request.limits import EMAILS, HOUR, PASSWORD_AGAIN, RULES, Rule, Subject
from talas_core.security.limits import Quota


def test_every_rule_has_a_name_of_its_own_and_a_quota(tmp_path: Path) -> None:
    settings = settings_for("postgresql://nowhere", tmp_path)
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.quota(settings).most >= 2


def test_quota_of_a_rule_may_be_a_setting(tmp_path: Path) -> None:
    rule = Rule("stations", (Subject.ACCOUNT,), "limit_stations", HOUR)
    settings = settings_for("postgresql://nowhere", tmp_path, limit_stations=7)
    assert rule.quota(settings) == Quota(7, HOUR)


@pytest.mark.checklist(11)
@pytest.mark.parametrize("rules", [PASSWORD_AGAIN, EMAILS])
def test_session_uses_up_its_own_tries_before_the_account_s(
    rules: tuple[Rule, ...],
) -> None:
    by = {rule.subjects: rule for rule in rules}
    by_session, by_account = by[(Subject.SESSION,)], by[(Subject.ACCOUNT,)]
    assert by_session.failures == by_account.failures
    assert int(by_account.most) >= 5 * int(by_session.most)
