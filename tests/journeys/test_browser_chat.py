"""The chat on the page: the room it names, a busy room, long messages, a chat that falls silent."""

from __future__ import annotations

import signal

import pytest

from support.browser import Browser, needs_browser
from support.page import address, api, name, register, say, sign_up
from support.serve import Served
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

MOST_ROWS = 460
"""What a timeline keeps at most, and a few rows that are no messages."""

SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    window.sockets.push(this);
  }
};
window.feed = (room, from, texts) => texts.forEach((text, index) => {
  const at = new Date().toISOString();
  const sender = { id: 'somebody', username: 'somebody' };
  const offset = from + index;
  const frame = { type: 'message', room, offset, id: `f${offset}`, sender, text, at };
  const data = JSON.stringify(frame);
  window.sockets.at(-1).dispatchEvent(new MessageEvent('message', { data }));
});
"""
FEED_EACH_FRAME = """
const [room, count, done] = arguments;
let sent = 0;
const step = () => {
  if (sent >= count) return done(true);
  window.feed(room, 1000 + sent, Array.from({ length: 60 }, (_, one) => `busy ${sent + one}.`));
  sent += 60;
  requestAnimationFrame(step);
};
step();
"""
FEED_WHILE_HIDDEN = """
const [room] = arguments;
window.hiddenChanges = 0;
window.hiddenTicks = 0;
new MutationObserver(() => { window.hiddenChanges += document.hidden ? 1 : 0; })
  .observe(document.getElementById('chat-list'), { childList: true });
let next = 1000;
window.feeding = setInterval(() => {
  if (!document.hidden) return;
  window.hiddenTicks += 1;
  localStorage.setItem('hidden ticks', window.hiddenTicks);
  window.feed(room, next, Array.from({ length: 300 }, (_, one) => `hidden ${next + one}.`));
  next += 300;
}, 50);
"""
ROWS = "return document.querySelectorAll('#chat-list > *').length"
FIELD = "return document.getElementById('chat-field')?.checkVisibility() ?? false"


@pytest.fixture
def page(served: Served, page: Browser) -> Browser:
    """Somebody in the chat of the demo, whose socket can be fed with messages."""
    page.command("Page.addScriptToEvaluateOnNewDocument", source=SOCKETS)
    page.open(address(served, "/demo"))
    sign_up(page, name("ada"))
    page.find("#chat-field")
    until(lambda: page.text("#chat-top") not in ("", "Loading\u2026"))
    return page


def room_of(served: Served, slug: str) -> str:
    return str(api(served, f"/api/stations/{slug}")["room"])


def go(page: Browser, place: str) -> None:
    page.script("location.hash = arguments[0]", place)


def value(page: Browser) -> str:
    return str(page.script("return document.getElementById('chat-field').value"))


def test_an_address_of_no_station_shows_no_chat_and_takes_no_message(
    served: Served, page: Browser
) -> None:
    say(page, "said in the demo")
    go(page, "/nosuchstation")
    page.reads("#now-station", "No such station")
    until(lambda: not page.script(FIELD))
    until(lambda: "said in the demo" not in page.text("#chat-list"))
    assert page.text("#chat-note") == ""
    go(page, "/demo")
    page.reads("#chat-list", "said in the demo")
    assert page.script(FIELD)
    assert page.complaints() == []


def test_a_guest_reads_what_is_said_and_writes_once_signed_in(
    served: Served, page: Browser
) -> None:
    say(page, "said while signed in")
    page.press("#sign-out")
    page.reads("#chat-foot", "Sign in to say something")
    page.reads("#chat-list", "said while signed in")
    assert not page.script(FIELD)
    go(page, "/live")
    page.reads("#chat-top", "Nobody has said anything yet")
    go(page, "/demo")
    page.reads("#chat-list", "said while signed in")
    sign_up(page, name("bob"))
    say(page, "said by another")
    page.reads("#chat-list", "said while signed in")
    assert page.complaints() == []


def test_a_draft_stays_with_its_room(served: Served, page: Browser) -> None:
    page.fill("#chat-field", "half a thought")
    go(page, "/live")
    page.reads("#now-station", "Your Station")
    until(lambda: value(page) == "")
    page.fill("#chat-field", "another")
    go(page, "/demo")
    until(lambda: value(page) == "half a thought")
    go(page, "/live")
    until(lambda: value(page) == "another")
    page.press("#sign-out")
    page.find("#sign-in")
    sign_up(page, name("bob"))
    page.find("#chat-field")
    assert value(page) == ""


def test_busy_room_keeps_a_bounded_number_of_rows(served: Served, page: Browser) -> None:
    room = room_of(served, "demo")
    page.driver.execute_async_script(FEED_EACH_FRAME, room, 4800)
    page.reads("#chat-list", "busy 4799.")
    assert page.script(ROWS) <= MOST_ROWS
    page.command("HeapProfiler.enable")

    def nodes() -> int:
        page.command("HeapProfiler.collectGarbage")
        return int(page.command("Memory.getDOMCounters")["nodes"])

    until(lambda: nodes() < 20 * MOST_ROWS)


def test_reader_of_older_messages_is_not_moved_and_rows_stay_bounded(
    served: Served, page: Browser
) -> None:
    room = room_of(served, "demo")
    page.driver.execute_async_script(FEED_EACH_FRAME, room, 300)
    page.script("document.getElementById('chat-body').scrollTop = 200")
    until(lambda: not page.script("return document.getElementById('chat-jump').hidden"))
    page.script("window.feed(arguments[0], 2000, Array(4000).fill('more'))", room)
    page.reads("#chat-jump", "4,000 new messages")
    assert page.script("return document.getElementById('chat-body').scrollTop") == 200
    assert page.script(ROWS) <= 2 * MOST_ROWS
    page.press("#chat-jump")
    until(lambda: page.script("return document.getElementById('chat-jump').hidden"))


@pytest.mark.own_browser
def test_hidden_tab_draws_nothing(served: Served, page: Browser) -> None:
    page.script(FEED_WHILE_HIDDEN, room_of(served, "demo"))
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.open(f"http://127.0.0.1:{served.api}/health")
    # Asked in the tab in front: some drivers put the tab that they are sent to there.
    assert until(lambda: page.script("return +localStorage.getItem('hidden ticks')") >= 3)
    page.driver.switch_to.window(first)
    assert page.script("return window.hiddenChanges") == 0
    page.script("clearInterval(window.feeding)")
    page.command("Page.bringToFront")
    until(lambda: "hidden " in page.text("#chat-list"))
    assert page.script(ROWS) <= MOST_ROWS


def test_a_long_message_is_folded_until_it_is_asked_for(served: Served, page: Browser) -> None:
    room = room_of(served, "demo")
    page.script("window.feed(arguments[0], 5000, ['a' + '\\n'.repeat(3990) + 'z'])", room)
    page.find(".fold__more")
    tall = "return document.querySelector('.message:last-child').getBoundingClientRect().height"
    assert page.script(tall) < 400
    page.press(".fold__more")
    assert page.script(tall) > 20_000
    page.press(".fold__more")
    assert page.script(tall) < 400


def test_a_chat_that_does_not_answer_is_noticed_when_the_network_is_back(
    served: Served, page: Browser
) -> None:
    say(page, "before the silence")
    api_process = served.child("api-1")
    api_process.send_signal(signal.SIGSTOP)
    try:
        page.script("dispatchEvent(new Event('online'))")
        page.reads("#chat-note", "Connecti")
    finally:
        api_process.send_signal(signal.SIGCONT)
    until(lambda: page.text("#chat-note") == "Talas Demo")
    say(page, "after it")
    register(served, name("later"))
