"""What people who talk to the API have in common.

Does:        speak the envelope; carry a token; sign up where no token was given.
Never:       follows a redirect: it could lead out of what may be loaded.
Guarantees:  a request is good only with the right status and `success` in its envelope.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec
from locust import FastHttpUser
from locust.exception import StopUser

from loadtests.people import Person, somebody
from loadtests.session import Session, session_of
from loadtests.targets import DEFAULT_HOST

LOGIN, REGISTER, REFRESH = "/api/auth/login", "/api/auth/register", "/api/auth/refresh"
LIMITED = {LOGIN: "TALAS_LIMIT_LOGIN", REGISTER: "TALAS_LIMIT_REGISTER",
           REFRESH: "TALAS_LIMIT_REFRESH", "/api/stations": "TALAS_LIMIT_STATIONS"}  # fmt: skip
"""The server's settings that bound what comes from one address, where all of a load comes from."""
_TOO_MANY = 429
_TIMEOUT = 10.0
_LONGEST_WAIT = 5
"""No wait is longer than so many times the average."""


def pause(mean: float) -> float:
    """A random wait around `mean` seconds, as between independent events."""
    return min(random.expovariate(1 / mean), _LONGEST_WAIT * mean)


class TalasUser(FastHttpUser):
    """Somebody with an account."""

    abstract = True
    host = DEFAULT_HOST
    connection_timeout = _TIMEOUT
    network_timeout = _TIMEOUT
    max_redirects = 0
    kind: str
    measures: str
    token: str

    @property
    def session(self) -> Session:
        """What all users share."""
        return session_of(self.environment)

    def on_start(self) -> None:
        """Become somebody. Raises StopTest where no load may go."""
        _ = self.session.targets
        self.token = self.session.people.token() or self.sign_up()[1]

    def ask(
        self, method: str, path: str, *, name: str = "", status: int = 200, json: object = None,
        token: str | None = None,
    ) -> Any:  # fmt: skip
        """The `data` of an answer; None, and a failure in locust's table, if it is not good."""
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        with self.client.request(
            method, path, name=name or path, json=json, headers=headers, catch_response=True
        ) as answer:
            if answer.status_code != status:
                reason = getattr(answer, "error", None) if not answer.status_code else None
                answer.failure(str(reason or self._refused(path, answer.status_code, status)))
                return None
            if not answer.content:
                return None
            return self._data(answer)

    def _refused(self, path: str, got: int, wanted: int) -> str:
        """What is wrong with a status, and what the operator can do about it."""
        problem = f"status {got}, not {wanted}"
        if got == _TOO_MANY and path in LIMITED:
            problem += f": the server's own {LIMITED[path]} was met; raise it for the load"
            if path in (REGISTER, LOGIN):
                problem += ", or leave sign-ups out (--tokens FILE --sign-ups 0)"
        return problem

    def _data(self, answer: Any) -> Any:
        try:
            envelope = msgspec.json.decode(answer.content)
            if envelope["success"] is True:
                return envelope["data"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            pass
        answer.failure("not a good envelope")
        return None

    def sign_up(self) -> tuple[Person, str, str]:
        """A new account: who it is, an access and a refresh token. Raises StopUser."""
        person = somebody()
        body = msgspec.to_builtins(person)
        if self.ask("POST", REGISTER, status=201, json=body, token="") is None:
            raise StopUser
        credentials = {"email": person.email, "password": person.password}
        grant = self.ask("POST", LOGIN, json=credentials, token="")
        if grant is None:
            raise StopUser
        return person, grant["access_token"], grant["refresh_token"]
