from talas_api.identity.limits.values import Charge, headers, policy
from talas_api.request.limits import RULES
from talas_core.security.limits import Decision, Quota


def test_headers_of_a_limit_say_quota_and_what_is_left() -> None:
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
