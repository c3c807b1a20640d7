"""What a broadcaster cannot take back is asked for twice, and said plainly."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from support.browser import PHONE, Browser, needs_browser
from support.page import address, api, make_station, name, sign_up
from support.serve import Served
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

LINES = """
const range = document.createRange();
range.selectNodeContents(document.getElementById('stream-key'));
return new Set([...range.getClientRects()].map((box) => box.top)).size;
"""
CUT = """
const strip = document.querySelector('.tab-strip').getBoundingClientRect();
return [...document.querySelectorAll('.tab')]
  .filter((tab) => tab.getBoundingClientRect().right > strip.right + 0.5)
  .map((tab) => tab.textContent);
"""
FOCUSED = "return document.activeElement.textContent"


def own_station(served: Served, page: Browser) -> str:
    """Sign up and make a station on the page; its slug."""
    slug = name("night-")
    page.open(address(served, "broadcast/+"))
    sign_up(page, name("dj"))
    make_station(page, slug)
    return slug


def double_click(page: Browser, selector: str) -> None:
    ActionChains(page.driver).double_click(page.find(selector)).perform()


def test_station_is_deleted_by_its_typed_address_and_not_by_a_double_click(
    served: Served, page: Browser
) -> None:
    slug = own_station(served, page)
    page.driver.refresh()
    double_click(page, ".card:last-child .confirm > .button")
    page.reads(".card:last-child", "its whole chat")
    page.press("#station-delete [type=submit]")
    page.reads("#station-delete-typed-fault", f"must be {slug}")
    page.fill("#station-delete-typed", "something else")
    page.press("#station-delete [type=submit]")
    page.reads("#station-delete-typed-fault", f"must be {slug}")
    assert api(served, f"/api/stations/{slug}")["slug"] == slug
    page.script("document.getElementById('station-delete-typed').value = ''")
    page.fill("#station-delete-typed", slug)
    page.press("#station-delete [type=submit]")
    page.reads(".mine", "no station yet")
    until(lambda: page.script(FOCUSED) == "Your stations")


def test_new_key_says_what_it_does_first_and_has_the_focus(served: Served, page: Browser) -> None:
    own_station(served, page)
    until(lambda: page.script(FOCUSED) == "Stream key")
    first = page.text("#stream-key")
    page.driver.refresh()
    double_click(page, ".confirm > .button")
    page.reads(".confirm", "If the station is on the air, that ends now")
    assert page.text("#stream-key") == ""
    page.press("#station-renew [type=submit]")
    until(lambda: page.text("#stream-key") not in ("", first))
    until(lambda: page.script(FOCUSED) == "Stream key")


def test_owner_may_prefer_what_the_encoder_says(served: Served, page: Browser) -> None:
    slug = own_station(served, page)
    page.press("#station-change-prefer")
    page.press("#station-change [type=submit]")
    page.reads("#station-change [role=status]", "Saved.")
    assert api(served, f"/api/stations/{slug}")["prefer_source"]
    page.driver.refresh()
    page.find("#station-change-prefer")
    assert page.script("return document.getElementById('station-change-prefer').checked")


def test_on_a_phone_the_key_and_the_encoders_tabs_are_whole(served: Served, page: Browser) -> None:
    page.size(*PHONE, phone=True)
    slug = own_station(served, page)
    assert page.script(LINES) == 1
    assert page.script(CUT) == []
    assert page.text(".own__link a") == address(served, f"/{slug}")


def test_saved_change_of_a_station_is_told(served: Served, page: Browser) -> None:
    own_station(served, page)
    page.fill("#station-change-name", " at Sea")
    page.press("#station-change [type=submit]")
    page.reads("#station-change [role=status]", "Saved.")
    page.fill("#station-change-name", "s")
    assert page.text("#station-change [role=status]") == ""
    assert page.complaints() == []
