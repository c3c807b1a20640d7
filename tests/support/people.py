"""An account on a running Talas, as a client sees it."""

from __future__ import annotations

import http.client
import json
from typing import Any

from support.wait import PATIENCE

PASSWORD = "Test123!@#"


class Person:
    """Somebody who registers and signs in at the API on `port`."""

    def __init__(self, port: int, name: str) -> None:
        self._port = port
        self.name = name
        self.email = f"{name}@example.com"
        self.token = ""

    def register(self) -> int:
        """The status of a registration."""
        return self._post("register", {"username": self.name, "email": self.email})[0]

    def sign_in(self) -> int:
        """The status of a sign-in; the access token is kept."""
        status, body = self._post("login", {"email": self.email})
        self.token = body["data"]["access_token"] if status == 200 else ""
        return status

    def profile(self) -> tuple[int, dict[str, Any]]:
        """Status and body of the profile, asked for with the kept token."""
        return self._ask("GET", "profile", None)

    def make_token(self, scope: str) -> str:
        """A personal token with that scope."""
        fields = {"name": "one", "scopes": [scope], "days": 1, "password": PASSWORD}
        wish = json.dumps(fields)
        status, answer = self._ask("POST", "tokens", wish)
        assert status == 201, answer
        return str(answer["data"]["token"])

    def _post(self, verb: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        return self._ask("POST", verb, json.dumps({**fields, "password": PASSWORD}))

    def _ask(self, method: str, verb: str, body: str | None) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer; (0, {}) where there is none."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, f"/api/auth/{verb}", body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException):
            return 0, {}
        finally:
            connection.close()
