"""Mail on the real product: a forgotten password on the page, and the operator as the postman."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyotp import TOTP

from support.backing import LoopThread
from support.browser import Browser, browser, needs_browser
from support.page import PASSWORD, address, api, folder, name, register, sign_up
from support.serve import Served, running_serve
from support.smtp_sink import Sink, sink
from support.wait import until

pytestmark = pytest.mark.journey

NEW = "another good one"


@pytest.fixture(scope="module")
def post() -> Iterator[Sink]:
    loop, running = LoopThread(), sink()
    yield loop.run(running.__aenter__())
    loop.run(running.__aexit__(None, None, None))
    loop.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, post: Sink) -> Iterator[Served]:
    env = {
        "TALAS_SMTP_URL": f"smtp://127.0.0.1:{post.port}?tls=off",
        "TALAS_MAIL_FROM": "radio@talas.example",
        "TALAS_SITE_URL": "https://talas.example",
    }
    with running_serve(tmp_path_factory.mktemp("served"), env=env) as running:
        yield running.wait_ready()


def token_for(post: Sink, person: str, purpose: str) -> str:
    """The token of the first mail of this purpose to somebody, once it is there."""
    mark = f"https://talas.example/#{purpose}/"

    def found() -> str:
        for mail in post.messages():
            if mail["To"] == f"{person}@example.org" and mark in mail.get_content():
                return str(mail.get_content()).partition(mark)[2].split()[0]
        return ""

    return until(found)


def empty(page: Browser, selector: str) -> None:
    """Take out what was typed into a field."""
    page.script("document.querySelector(arguments[0]).value = ''", selector)


@needs_browser
def test_forgotten_password_is_reset_on_the_page(
    served: Served, post: Sink, tmp_path: Path
) -> None:
    ada = name("ada")
    with browser(folder(tmp_path, "page")) as page:
        page.open(address(served))
        sign_up(page, ada)
        page.press("#sign-out")
        page.press("#sign-in")
        page.press("#forgotten")
        page.fill("#forgotten-form-email", f"{ada}@example.org")
        page.press("#forgotten-form [type=submit]")
        page.reads("dialog", "Look into your mail")
        page.open("about:blank")
        page.open(address(served, f"reset/{token_for(post, ada, 'reset')}"))
        page.fill("#reset-form-new_password", "password")
        assert "#" not in page.script("return location.href"), "the token left the address"
        page.press("#reset-form [type=submit]")
        page.reads("#reset-form", "is among the passwords that are tried first")
        empty(page, "#reset-form-new_password")
        page.fill("#reset-form-new_password", NEW)
        page.press("#reset-form [type=submit]")
        page.fill("#sign-in-form-email", f"{ada}@example.org")
        page.fill("#sign-in-form-password", NEW)
        page.press("#sign-in-form [type=submit]")
        page.reads("#account", ada)
        page.open("about:blank")
        page.open(address(served, f"verify/{token_for(post, ada, 'verify')}"))
        # The reset, too, had shown whose the address is; its own link is good all the same.
        page.reads("dialog", "the address is yours")
    said = served.log()
    assert "talas.example/#" not in said
    assert f"{ada}@example.org" not in said


@needs_browser
def test_address_is_changed_on_the_page(served: Served, post: Sink, tmp_path: Path) -> None:
    ada = name("ada")
    with browser(folder(tmp_path, "page")) as page:
        page.open(address(served))
        sign_up(page, ada)
        page.press("#devices")
        page.press("#part-profile summary")
        page.fill("#email-form-email", f"new-{ada}@example.org")
        page.fill("#email-form-password", PASSWORD)
        page.press("#email-form [type=submit]")
        page.reads("#email-said", "on its way to the new address")
        token = token_for(post, f"new-{ada}", "email")
        page.open(address(served, f"email/{token}"))
        page.reads("dialog", "the address is yours")
        assert page.script("return location.hash") == ""
    credentials = {"email": f"new-{ada}@example.org", "password": PASSWORD}
    user = api(served, "/api/auth/login", credentials)["user"]
    assert (user["username"], user["email_verified"]) == (ada, True)


@needs_browser
def test_second_factor_is_asked_for_on_the_page(served: Served, tmp_path: Path) -> None:
    ada = name("ada")
    token = register(served, ada)
    offer = api(served, "/api/auth/totp", {"password": PASSWORD}, token)
    code = TOTP(offer["secret"]).now()
    confirmed = api(served, "/api/auth/totp/confirm", {"code": code}, token)
    with browser(folder(tmp_path, "page")) as page:
        page.open(address(served))
        page.press("#sign-in")
        page.fill("#sign-in-form-email", f"{ada}@example.org")
        page.fill("#sign-in-form-password", PASSWORD)
        page.press("#sign-in-form [type=submit]")
        page.fill("#code-form-code", "000000")
        page.press("#code-form [type=submit]")
        page.reads("#code-form", "wrong")
        empty(page, "#code-form-code")
        page.fill("#code-form-code", confirmed["recovery_codes"][0])
        page.press("#code-form [type=submit]")
        page.reads("#account", ada)


def test_letter_without_a_mail_server_is_shown_to_the_operator(tmp_path: Path) -> None:
    env = {"TALAS_LOG_FORMAT": "console"}
    with running_serve(tmp_path, env=env) as running:
        served = running.wait_ready()
        register(served, "ada")
        api(served, "/api/auth/password/forgot", {"email": "ada@example.org"})
        until(lambda: "To: ada@example.org" in served.log())
        assert "This is the token to send to the API" in served.log()


def test_json_log_names_no_e_mail_address(tmp_path: Path) -> None:
    with running_serve(tmp_path) as running:
        served = running.wait_ready()
        register(served, "ada")
        api(served, "/api/auth/password/forgot", {"email": "ada@example.org"})
        until(lambda: [row for row in served.events() if row.get("kind") == "reset"])
        assert "ada@example.org" not in served.log() + served.output()
        assert "token to send" not in served.log() + served.output()
