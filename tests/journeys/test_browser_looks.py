"""How the page looks and behaves for fingers, keys and screen readers; and its pictures.

With PICTURES=1 the pictures of the README are made again, in docs/images.
"""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.browser import DESKTOP, PHONE, Browser, needs_browser
from support.chat import Talker
from support.page import ESCAPE, TAB, address, api, name, register, sign_up, token_of
from support.serve import Served
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PLACES = ("", "stations", "/demo", "/demo/chat", "broadcast", "broadcast/+")
WIDTHS = (320, 360, 390, 768, 1024, 1280)
SIDEWAYS = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
CONTROLS = {
    "button", "link", "textbox", "searchbox", "slider", "tab", "checkbox", "combobox", "meter",
}  # fmt: skip
SMALL = """
const seen = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 1;
return [...document.querySelectorAll('a, button, input, textarea')].filter(seen)
  .map((element) => [element.getBoundingClientRect(), element])
  .filter(([, element]) => !element.matches('.skip, p a'))
  .filter(([box]) => box.height < 43.5 || box.width < 43.5)
  .map(([box, element]) => `${element.outerHTML.slice(0, 90)} ${box.width}x${box.height}`);
"""
HEADINGS = """
return [...document.querySelectorAll('h1, h2, h3, h4')]
  .filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.tagName[1]));
"""
FOCUSED = """
const element = document.activeElement;
const { x, y, width, height } = element.getBoundingClientRect();
return {
  tag: element.tagName, id: element.id, x, y, width, height, order: element.compareDocumentPosition,
  outlined: getComputedStyle(element).outlineStyle !== 'none' ||
    getComputedStyle(element.parentElement).boxShadow !== 'none',
};
"""


def signed_in(served: Served, page: Browser, stem: str = "ada") -> str:
    person = name(stem)
    page.open(address(served))
    page.find("#play:not([disabled])")
    sign_up(page, person)
    return person


def test_no_width_needs_sideways_scrolling(served: Served, page: Browser) -> None:
    person, slug = signed_in(served, page), name("mine-")
    api(served, "/api/stations", {"slug": slug, "name": "Mine"}, token_of(served, person))
    for place in (*PLACES, f"broadcast/{slug}"):
        page.open(address(served, place))
        page.find("main h1, main h2")
        for width in WIDTHS:
            page.resize(width, 844, phone=width < 700)
            assert not page.script(SIDEWAYS), (place, width)


def test_on_a_phone_everything_is_large_enough_for_a_finger(served: Served, page: Browser) -> None:
    signed_in(served, page)
    page.size(*PHONE, phone=True)
    for place in PLACES:
        page.open(address(served, place))
        page.find("main h1, main h2")
        assert page.script(SMALL) == [], place


def test_on_a_phone_the_tabs_lead_everywhere_and_the_player_comes_along(
    served: Served, page: Browser
) -> None:
    page.size(*PHONE, phone=True)
    page.open(address(served))
    page.find("#play:not([disabled])")
    page.press("#play")
    page.reads("#now-state", "Live")
    assert not page.script("return document.getElementById('bar').checkVisibility()")
    for tab, sight in (
        ("stations", "#stations-list"),
        ("chat", "#chat-foot"),
        ("broadcast", ".pitch"),
    ):
        page.press(f"[data-tab={tab}]")
        page.find(sight)
        page.reads("#bar", "Talas Demo")
        assert not page.script("return document.getElementById('play').checkVisibility()")
    page.press("#bar .bar__link")
    page.find("#play")
    page.press("[data-tab=chat]")
    page.press("#bar .play")
    until(lambda: page.script("return document.getElementById('bar').hidden"))
    assert page.complaints() == []


def test_every_control_has_a_name_and_every_view_its_heading(served: Served, page: Browser) -> None:
    signed_in(served, page)
    page.command("Accessibility.enable")
    for place in PLACES:
        page.open(address(served, place))
        page.find("main h1, main h2")
        nodes = page.command("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node.get("ignored")]
        nameless = [
            node for node in shown if value(node, "role") in CONTROLS and not value(node, "name")
        ]
        assert nameless == [], place
        roles = [value(node, "role") for node in shown]
        assert roles.count("main") == 1
        assert roles.count("banner") == 1
        headings = until(lambda: one_main(page.script(HEADINGS)))
        assert all(after - before <= 1 for before, after in pairwise([1, *sorted(headings)]))
    ids = page.script("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def one_main(headings: list[int]) -> list[int]:
    """The same, where exactly one is the main one."""
    return headings if headings.count(1) == 1 else []


def value(node: dict[str, Any], what: str) -> str:
    return str(node.get(what, {}).get("value", ""))


def test_the_tab_key_goes_through_the_page_in_order_and_shows_where(
    served: Served, page: Browser
) -> None:
    page.open(address(served))
    page.find("#play:not([disabled])")
    page.keys(TAB)
    assert page.script("return document.activeElement.className") == "skip"
    page.keys("\ue007")
    assert page.script("return document.activeElement.id") == "main"
    assert page.script("return document.body.dataset.view") == "listen"
    page.script("document.activeElement.blur(); getSelection().removeAllRanges()")
    page.driver.refresh()
    page.find("#play:not([disabled])")
    page.find("#sign-in")
    seen = []
    for _ in range(12):
        page.keys(TAB)
        at = page.script(FOCUSED)
        assert at["outlined"], at
        assert at["width"] > 0, at
        seen.append(at["id"])
    wanted = ["theme", "sign-in", "play", "mute", "volume"]
    assert [one for one in seen if one in wanted] == wanted


def test_the_dialog_keeps_the_focus_and_gives_it_back(served: Served, page: Browser) -> None:
    page.open(address(served))
    page.press("#sign-in")
    for _ in range(8):
        page.keys(TAB)
        assert page.script("return document.activeElement.closest('dialog, body') !== null")
        assert not page.script(
            "return document.activeElement.closest('header, main, nav') !== null"
        )
    page.keys(ESCAPE)
    until(lambda: page.script("return document.activeElement.id") == "sign-in")
    until(lambda: page.script("return document.querySelectorAll('dialog input').length") == 0)


def test_the_theme_is_chosen_and_kept(served: Served, page: Browser) -> None:
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    page.scheme("light")
    page.open(address(served))
    light = page.script(ground)
    page.press("#theme")
    dark = page.script(ground)
    assert light != dark
    page.driver.refresh()
    assert page.script(ground) == dark
    page.press("#theme")
    assert page.script(ground) == light
    page.press("#theme")
    page.scheme("dark")
    assert page.script(ground) == dark
    assert page.complaints() == []


async def conversation(served: Served) -> None:
    """Something to look at in the chat."""
    room = api(served, "/api/stations/demo")["room"]
    lines = (
        ("mirela", "good evening from the night shift"),
        ("jonas", "evening! two hours of ironing ahead of me"),
        ("jonas", "so please, nothing too fast"),
        ("mirela", "the bass on this one is lovely"),
        ("tadej", "it opens up after the first minute, wait for it"),
        ("mirela", "there it is"),
    )
    async with aiohttp.ClientSession() as session:
        talkers: dict[str, Talker] = {}
        for person, line in lines:
            if person not in talkers:
                socket = await session.ws_connect(f"http://127.0.0.1:{served.chat}/ws")
                talkers[person] = await Talker(socket).sign_in(register(served, person))
                await talkers[person].join(room)
            await talkers[person].send(room, line)
        for talker in talkers.values():
            await talker.close()


@pytest.mark.skipif(not os.environ.get("PICTURES"), reason="pictures are made with PICTURES=1")
def test_pictures_for_the_readme(served: Served, page: Browser) -> None:
    asyncio.run(conversation(served))
    IMAGES.mkdir(parents=True, exist_ok=True)
    page.scheme("dark")
    signed_in(served, page, "ana")
    page.press("#play")
    page.reads("#now-state", "Live")
    until(lambda: page.script("return document.getElementById('audio').played.length > 0"))
    page.script("document.activeElement.blur()")
    for scheme in ("dark", "light"):
        page.scheme(scheme)
        page.size(*DESKTOP)
        page.open(address(served, "/demo"))
        page.reads("#chat-list", "there it is")
        page.reads("#now-facts", "1 listener")
        settle(page)
        page.picture(IMAGES / f"desktop-{scheme}.png")
        page.size(*PHONE, phone=True)
        settle(page)
        page.picture(IMAGES / f"phone-{scheme}.png")
    page.scheme("dark")
    page.open(address(served, "/demo/chat"))
    settle(page)
    page.picture(IMAGES / "phone-chat-dark.png")
    page.size(*DESKTOP)
    page.open(address(served, "broadcast/+"))
    page.fill("#station-make-name", "Night Line")
    page.press("#station-make [type=submit]")
    page.find("#stream-key")
    settle(page)
    page.picture(IMAGES / "broadcast-dark.png")


def settle(page: Browser) -> None:
    """Let the dial fill: a dozen frames drawn."""
    frames = """
    const done = arguments[arguments.length - 1];
    let left = 60;
    const step = () => (left-- ? requestAnimationFrame(step) : done(true));
    step();
    """
    page.driver.execute_async_script(frames)
