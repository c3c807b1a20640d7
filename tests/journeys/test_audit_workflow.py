"""The audit's acceptance workflow, word for word, against a real `talas serve`."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.serve import STOP_SECONDS, running_serve
from support.wait import PATIENCE

PERSON = {"username": "testuser", "email": "test@example.com", "password": "Test123!@#"}


def call(method: str, url: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    """Status and decoded body, as a client that knows nothing of us sees them."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


@pytest.mark.journey
def test_three_services_are_healthy_and_an_account_goes_its_way(tmp_path: Path) -> None:
    with running_serve(tmp_path, first_start=True) as serve:
        serve.wait_ready()
        for port in (serve.api, serve.chat, serve.stream):
            assert call("GET", f"http://127.0.0.1:{port}/health")[0] == 200
        api = f"http://127.0.0.1:{serve.api}/api/auth"
        status, body = call("POST", f"{api}/register", PERSON)
        assert status == 201, body
        credentials = {"email": PERSON["email"], "password": PERSON["password"]}
        status, body = call("POST", f"{api}/login", credentials)
        assert status == 200, body
        token = body["data"]["access_token"]
        status, body = call("GET", f"{api}/profile", token=token)
        assert status == 200
        assert body["data"]["username"] == "testuser"
        assert call("GET", f"{api}/profile")[0] == 401
        serve.process.terminate()
        assert serve.process.wait(STOP_SECONDS) == 0
