"""What people set of their account on the page, and what staff sees of everybody's."""

from __future__ import annotations

import pytest
from pyotp import TOTP

from support.attacks import promote
from support.axe import findings, needs_axe
from support.browser import Browser, needs_browser
from support.page import ENTER, ESCAPE, PASSWORD, address, api, name, register, sign_up
from support.serve import Served
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

ANOTHER = "longer than before"


@pytest.fixture
def ada(served: Served, page: Browser) -> str:
    """Somebody who has signed up on the page."""
    person = name("ada")
    page.open(address(served, "/live"))
    sign_up(page, person)
    return person


def open_part(page: Browser, part: str) -> None:
    """Open a part of the account's dialog."""
    page.press("#devices")
    page.press(f"#part-{part} summary")


def sign_in(page: Browser, person: str, password: str) -> None:
    page.press("#sign-in")
    page.fill("#sign-in-form-email", f"{person}@example.org")
    page.fill("#sign-in-form-password", password)
    page.press("#sign-in-form [type=submit]")


def test_password_is_changed_with_the_old_one(served: Served, page: Browser, ada: str) -> None:
    open_part(page, "password")
    page.fill("#password-form-current_password", "not it at all")
    page.fill("#password-form-new_password", ANOTHER)
    page.press("#password-form [type=submit]")
    page.reads("#password-form-current_password-fault", "Password now")
    page.script("document.getElementById('password-form-current_password').value = ''")
    page.fill("#password-form-current_password", PASSWORD)
    page.press("#password-form [type=submit]")
    page.reads("#password-form [role=status]", "Changed")
    page.keys(ESCAPE)
    page.press("#sign-out")
    sign_in(page, ada, ANOTHER)
    page.reads("#account", ada)


def test_a_display_name_is_saved(served: Served, page: Browser, ada: str) -> None:
    open_part(page, "profile")
    page.reads("#part-profile", f"{ada}@example.org")
    page.fill("#profile-form-display_name", " of the night")
    page.press("#profile-form [type=submit]")
    page.reads("#profile-form [role=status]", "Saved.")
    page.driver.refresh()
    open_part(page, "profile")
    page.find("#profile-form-display_name")
    kept = "return document.getElementById('profile-form-display_name').value"
    assert page.script(kept).endswith("of the night")
    assert page.complaints() == []


def test_changed_address_counts_at_once_where_no_mail_is_sent(
    served: Served, page: Browser, ada: str
) -> None:
    new = f"{ada}@new.example"
    open_part(page, "profile")
    page.fill("#email-form-email", new)
    page.fill("#email-form-password", "not it at all")
    page.press("#email-form [type=submit]")
    page.reads("#email-form-password-fault", "is not your password")
    page.script("document.getElementById('email-form-password').value = ''")
    page.fill("#email-form-password", PASSWORD)
    page.press("#email-form [type=submit]")
    page.reads("#part-profile", new)
    page.keys(ESCAPE)
    page.press("#sign-out")
    page.press("#sign-in")
    page.fill("#sign-in-form-email", new)
    page.fill("#sign-in-form-password", PASSWORD)
    page.press("#sign-in-form [type=submit]")
    page.reads("#account", ada)


def test_a_second_factor_is_set_up_asked_for_and_switched_off(
    served: Served, page: Browser, ada: str
) -> None:
    open_part(page, "factor")
    page.fill("#factor-offer-password", PASSWORD)
    page.press("#factor-offer [type=submit]")
    page.find("#factor-secret")
    page.find("#part-factor .qr")
    modules = page.script("return document.querySelector('.qr').viewBox.baseVal.width") - 8
    assert modules >= 21 and modules % 4 == 1
    code = TOTP(page.text("#factor-secret")).now()
    page.fill("#factor-confirm-code", code)
    page.press("#factor-confirm [type=submit]")
    page.find("#recovery-codes")
    codes = page.text("#recovery-codes").split()
    assert len(codes) == 10
    page.keys(ESCAPE)
    page.press("#sign-out")
    sign_in(page, ada, PASSWORD)
    page.fill("#code-form-code", codes[0])
    page.press("#code-form [type=submit]")
    page.reads("#account", ada)
    open_part(page, "factor")
    page.reads("#part-factor", "9 of your recovery codes")
    page.fill("#factor-end-password", PASSWORD)
    page.fill("#factor-end-code", codes[1])
    page.press("#factor-end [type=submit]")
    page.reads("#part-factor", "Off.")


def test_a_token_is_shown_once_works_and_ends(served: Served, page: Browser, ada: str) -> None:
    open_part(page, "tokens")
    page.fill("#token-form-name", "jukebox")
    page.fill("#token-form-password", PASSWORD)
    page.press("#token-form [type=submit]")
    page.reads("#token-form .form__problem", "one thing or more")
    page.press("#token-form [value='profile:read']")
    page.press("#token-form [type=submit]")
    page.find("#new-token")
    token = page.text("#new-token")
    assert api(served, "/api/auth/profile", token=token)["username"] == ada
    page.reads("#part-tokens .devices", "jukebox")
    page.press("#part-tokens .devices .button")
    until(lambda: "jukebox" not in page.text("#part-tokens .devices"))
    page.driver.refresh()
    open_part(page, "tokens")
    page.find("#token-form")
    assert token not in page.text("#part-tokens")


def test_staff_see_people_give_roles_and_read_the_audit_log(
    served: Served, page: Browser, ada: str
) -> None:
    other = name("other")
    register(served, other)
    page.press("#devices")
    page.find("#part-devices")
    assert page.script("return document.getElementById('to-staff')") is None
    page.keys(ESCAPE)
    page.press("#sign-out")
    promote(served, ada)
    sign_in(page, ada, PASSWORD)
    page.reads("#account", ada)
    page.press("#devices")
    page.press("#to-staff")
    page.reads(".people", other)
    page.script(
        "const choice = document.querySelector(`[aria-label='Role of ${arguments[0]}']`);"
        "choice.value = 'moderator'; choice.dispatchEvent(new Event('change'));",
        other,
    )
    page.reads(".people", "moderator \u00b7 since")
    page.script("document.querySelectorAll('.person .confirm > .button').forEach((b) => b.click())")
    asked = page.script("return [...document.querySelectorAll('.confirm form')].map((f) => f.id)")
    assert len(asked) == len(set(asked)) > 1
    page.press(f"[aria-label='Events of {other}']")
    page.reads(".people", "account.role_changed")
    choose = """
    const kind = document.getElementById('audit-kind');
    kind.value = arguments[0];
    kind.dispatchEvent(new Event('change'));
    """
    page.script(choose, "account.registered")
    until(lambda: "account.role_changed" not in page.text(".people"))
    page.reads(".people", "account.registered")
    page.press("a[href='#people']")
    page.reads("#staff-view h1", "People")
    page.reads(".people", other)
    page.fill("#people-begins", f"{ada}@exam")
    page.keys(ENTER)
    until(lambda: other not in page.text(".people") and ada in page.text(".people"))
    page.script("document.getElementById('people-begins').value = ''")
    page.fill("#people-begins", "nobody-is-called-so")
    page.keys(ENTER)
    page.reads("#staff-view .card", "Nothing here.")
    assert page.complaints() == []


@needs_axe
def test_axe_finds_nothing_in_the_account_and_the_staffs_views(
    served: Served, page: Browser, ada: str
) -> None:
    found = []
    for part in ("profile", "password", "factor", "tokens"):
        open_part(page, part)
        page.find(f"#part-{part} form")
        if part == "factor":
            page.fill("#factor-offer-password", PASSWORD)
            page.press("#factor-offer [type=submit]")
            page.find(".qr")
        found += [(part, each) for each in findings(page)]
        page.keys(ESCAPE)
    page.press("#sign-out")
    promote(served, ada)
    sign_in(page, ada, PASSWORD)
    page.reads("#account", ada)
    for place in ("people", "audit"):
        page.script("location.hash = arguments[0]", place)
        page.find(".people li")
        found += [(place, each) for each in findings(page)]
    assert found == []
