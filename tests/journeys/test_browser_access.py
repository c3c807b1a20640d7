"""The page for those who use it without a mouse, without sight, or in colours of their own."""

from __future__ import annotations

import pytest

from support.axe import findings, needs_axe
from support.browser import DESKTOP, PHONE, Browser, needs_browser
from support.page import ENTER, TAB, address, api, name, say, sign_up, token_of
from support.serve import Served
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

PLACES = ("/demo", "/nosuchstation", "stations", "/demo/chat", "broadcast", "broadcast/+")
TALL_PHONE = (390, 2400)
"""So that no control lies under the tabs at the foot, which axe would call too small."""

GUEST_PLACES = ("/demo", "broadcast")
FOCUSED = "return document.activeElement.id"
H1 = """
return [...document.querySelectorAll('h1')].filter((one) => one.checkVisibility()).length;
"""
LINED = """
const style = getComputedStyle(document.querySelector(arguments[0]));
const bordered = style.borderTopStyle !== 'none' && style.borderTopWidth !== '0px';
return bordered || style.outlineStyle !== 'none';
"""


def with_a_station(served: Served, page: Browser) -> str:
    """Sign up on the page, with a station; the place of its page."""
    person, slug = name("ada"), name("mine-")
    page.open(address(served, "/demo"))
    page.find("#play:not([disabled])")
    sign_up(page, person)
    api(served, "/api/stations", {"slug": slug, "name": "Mine"}, token_of(served, person))
    say(page, "hello")
    return f"broadcast/{slug}"


def shown(served: Served, page: Browser, place: str) -> None:
    page.open("about:blank")
    page.open(address(served, place))
    until(lambda: page.script("return document.querySelector('#account button') !== null"))
    until(lambda: page.script("return document.getElementById('now-song').textContent !== ''"))


def in_both_schemes(page: Browser, place: str) -> list[tuple[str, str, str]]:
    """What axe finds in what is shown, dark and light: place, scheme and finding."""
    found = []
    for scheme in ("dark", "light"):
        page.scheme(scheme)
        found += [(place, scheme, each) for each in findings(page)]
    return found


@needs_axe
@pytest.mark.parametrize("size", [DESKTOP, TALL_PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_in_any_view_whatever_the_colours(
    served: Served, page: Browser, size: tuple[int, int]
) -> None:
    page.size(*size, phone=size == TALL_PHONE)
    found = []
    for place in GUEST_PLACES:
        shown(served, page, place)
        found += in_both_schemes(page, f"guest {place}")
    page.press("#sign-in")
    found += in_both_schemes(page, "dialog")
    page.script("document.querySelector('dialog').close()")
    page.size(*DESKTOP)
    own = with_a_station(served, page)
    page.size(*size, phone=size == TALL_PHONE)
    for place in (*PLACES, own):
        shown(served, page, place)
        found += in_both_schemes(page, place)
    assert found == []


def test_every_view_has_one_main_heading_at_a_desk_and_on_a_phone(
    served: Served, page: Browser
) -> None:
    own = with_a_station(served, page)
    for place in (*PLACES, own, "broadcast/nosuch"):
        shown(served, page, place)
        for size in (DESKTOP, PHONE):
            page.resize(*size, phone=size == PHONE)
            assert until(lambda: page.script(H1) == 1), (place, size)


def test_skip_link_leaves_the_address_alone(served: Served, page: Browser) -> None:
    page.open(address(served, "/demo/chat"))
    page.find("#play:not([disabled])")
    page.keys(TAB, ENTER)
    assert page.script(FOCUSED) == "main"
    assert page.script("return location.hash") == "#/demo/chat"


def test_play_is_a_few_tabs_away_however_many_stations_there_are(
    served: Served, page: Browser
) -> None:
    page.open(address(served, "/demo"))
    page.find("#play:not([disabled])")
    page.keys(TAB, ENTER, TAB)
    assert page.script(FOCUSED) == "play"


def test_chosen_and_pressed_controls_have_a_border_in_forced_colours(
    served: Served, page: Browser
) -> None:
    page.command(
        "Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}]
    )
    page.open(address(served, "/demo"))
    page.find(".station[aria-current]")
    for selector in ("#play", ".station[aria-current]", ".top__nav a[aria-current]", ".panel"):
        assert page.script(LINED, selector), selector
