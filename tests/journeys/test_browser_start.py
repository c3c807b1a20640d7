"""How a visit begins: which station is chosen, what is told while somebody does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.browser import Browser, needs_browser
from support.page import address, api, name, register
from support.serve import Served, running_serve
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

DELAY = """
window.lists = 0;
window.names = [];
const ask = window.fetch;
window.fetch = async (address, ...given) => {
  if (String(address).includes('/api/stations?')) window.lists += 1;
  if (String(address).includes('%s')) await new Promise((done) => setTimeout(done, 1500));
  return ask(address, ...given);
};
addEventListener('DOMContentLoaded', () => {
  const station = document.getElementById('now-station');
  const note = () => window.names.push(station.textContent);
  const all = { childList: true, characterData: true, subtree: true };
  new MutationObserver(note).observe(station, all);
});
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_serve(tmp_path_factory.mktemp("served"), "--demo") as running:
        running.wait_ready()
        wish = {"slug": name("aaa-"), "name": "A station that nobody sends to"}
        api(running, "/api/stations", wish, register(running, name("owner")))
        yield running


@pytest.mark.parametrize("late", ["status-json.xsl", "/api/stations?"])
def test_new_browser_begins_at_a_station_on_the_air(
    served: Served, page: Browser, late: str
) -> None:
    until(lambda: "/demo." in served.get(served.stream, "/status-json.xsl")[1])
    page.command("Page.addScriptToEvaluateOnNewDocument", source=DELAY % late)
    page.open(address(served))
    page.reads("#now-station", "Talas Demo")
    page.reads("#now-label", "Now playing")
    assert page.script("return window.names") == ["Talas Demo"]
    assert page.script("return window.lists") == 1


def test_station_chosen_last_is_shown_after_a_reload(served: Served, page: Browser) -> None:
    page.open(address(served, "/live"))
    page.reads("#now-station", "Your Station")
    page.press(".station[href='#/demo']")
    page.reads("#now-state", "Live")
    page.press(".station[href='#/live']")
    page.reads("#now-station", "Your Station")
    page.reads("#bar", "Talas Demo")
    page.press("#mute")
    page.open("about:blank")
    page.open(address(served))
    page.reads("#now-station", "Your Station")
    assert page.script("return document.getElementById('audio').muted")


def test_silent_stream_port_is_not_shown_as_nobody_sending(served: Served, page: Browser) -> None:
    page.command("Network.enable")
    page.command("Network.setBlockedURLs", urls=["*status-json.xsl*"])
    page.open(address(served, "/demo"))
    page.reads("#now-label", "No answer from the stream")
    page.reads("#stations-note", "No answer")
    assert "Off the air" not in page.text("#stations-list")
    page.command("Network.setBlockedURLs", urls=[])
    page.script("dispatchEvent(new Event('online'))")
    page.reads("#now-label", "Now playing")


def test_a_list_that_fails_is_told_and_tried_again(served: Served, page: Browser) -> None:
    page.command("Network.enable")
    page.command("Network.setBlockedURLs", urls=["*/api/stations*"])
    page.open(address(served, "/demo"))
    page.reads("#stations-note", "No answer; trying again")
    page.reads("#now-song", "does not answer")
    page.command("Network.setBlockedURLs", urls=[])
    page.script("dispatchEvent(new Event('online'))")
    page.reads("#now-station", "Talas Demo")
    until(lambda: "No answer" not in page.text("#stations-note"))
