"""The page in a real browser: a guest listens, people talk, a broadcaster goes on the air."""

from __future__ import annotations

import asyncio
import shlex
import signal
import subprocess
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import imageio_ffmpeg
import pytest

from support.browser import Browser, browser, needs_browser
from support.chat import Talker
from support.ffmpeg import end, ffmpeg
from support.page import (
    DOWN,
    ESCAPE,
    PASSWORD,
    SPACE,
    address,
    api,
    folder,
    level,
    loudness,
    name,
    position,
    register,
    say,
    sign_up,
    stream_key,
)
from support.serve import Served
from support.wait import PATIENCE, until

pytestmark = [pytest.mark.journey, needs_browser]

SAME_SONG = """
const song = document.getElementById('now-song').innerText;
return song !== '' && document.title.includes(song) && document.title.includes(arguments[0]) &&
  navigator.mediaSession.metadata.title === song;
"""
SONG = """
const texts = ['now-artist', 'now-song'].map((id) => document.getElementById(id).innerText);
return [...texts, document.title];
"""
NOTED = """
window.noted = [];
const note = document.getElementById('chat-note');
new MutationObserver(() => window.noted.push(note.textContent))
  .observe(note, { childList: true, characterData: true, subtree: true });
"""
TONE = ("-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Browser]:
    with browser(folder(tmp_path, "second")) as opened:
        yield opened


def play(page: Browser) -> None:
    page.find("#play:not([disabled])")
    page.press("#play")
    page.reads("#now-state", "Live")


def retitle(served: Served, slug: str, song: str) -> None:
    query = urllib.parse.urlencode({"mode": "updinfo", "mount": f"/{slug}", "song": song})
    login = b64encode(f"source:{stream_key(served, slug)}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.stream}/admin/metadata?{query}",
        headers={"Authorization": f"Basic {login}"},
    )
    urllib.request.urlopen(request, timeout=PATIENCE).close()


def test_a_guest_presses_play_and_hears_the_demo(served: Served, page: Browser) -> None:
    page.open(address(served))
    page.reads("#now-station", "Talas Demo")
    page.reads("#chat-foot", "Sign in")
    play(page)
    start = position(page)
    until(lambda: position(page) >= start + 3)
    assert until(lambda: level(page) > -60)
    page.reads("#now-facts", "1 listener")
    # A tab's title comes a little later, and the next song may come at any time.
    until(lambda: page.script(SAME_SONG, "Talas Demo"))
    assert until(lambda: loudness(page) > 0.001)
    page.press("#play")
    until(lambda: page.script("return !document.getElementById('audio').hasAttribute('src')"))
    until(lambda: page.text("#now-state") == "")
    assert page.complaints() == []


def test_title_on_the_page_follows_the_source(served: Served, page: Browser) -> None:
    page.open(address(served, "/demo"))
    play(page)
    for song in ("Ada - Night Bus", "Zo\u00eb - \u6df1\u591c <b>3:00</b>"):
        artist, title = song.split(" - ")
        wanted = [artist, title, f"{artist} \u2013 {title} \u00b7 Talas Demo"]

        def shown(song: str = song, wanted: list[str] = wanted) -> bool:
            retitle(served, "demo", song)  # again, where the demo's own next song came between
            artist, title, tab = page.script(SONG)
            return [artist, title, tab[: len(wanted[2])]] == wanted

        until(shown, every=0.5)
    page.reads("#heard-list", "Night Bus")
    assert page.complaints() == []


def test_player_follows_the_keyboard(served: Served, page: Browser) -> None:
    page.open(address(served, "/demo"))
    page.find("#play:not([disabled])")
    page.keys(SPACE)
    page.reads("#now-state", "Live")
    before = int(page.script("return document.getElementById('volume').value"))
    page.keys(DOWN)
    page.keys(DOWN)
    assert int(page.script("return document.getElementById('volume').value")) == before - 10
    page.keys("m")
    assert page.script("return document.getElementById('audio').muted")
    page.keys("m")
    page.keys(SPACE)
    until(lambda: page.text("#now-state") == "")
    assert page.complaints() == []


def test_a_station_that_comes_back_is_heard_again_by_itself(served: Served, page: Browser) -> None:
    mount = f"icecast://source:{stream_key(served, 'live')}@127.0.0.1:{served.stream}/live"
    send = (*TONE, "-c:a", "libmp3lame", "-b:a", "128k", "-content_type", "audio/mpeg")
    page.open(address(served, "/live"))
    page.reads("#now-label", "Off the air")
    for first in (True, False):
        sender = ffmpeg(*send, "-f", "mp3", mount)
        try:
            page.reads("#now-label", "Now playing")
            if first:
                page.press("#play")
            page.reads("#now-state", "Live")
            assert until(lambda: loudness(page) > 0.01)
        finally:
            end(sender)
        page.reads("#now-label", "Off the air")
        assert "Live" not in page.text("#now-state")
        page.reads("#now-state", "Off the air")


def test_playback_goes_on_after_a_crash_of_the_stream_service(
    served: Served, page: Browser
) -> None:
    page.open(address(served, "/demo"))
    play(page)
    served.child("stream").send_signal(signal.SIGKILL)
    until(lambda: "Live" not in page.text("#now-state"))
    page.reads("#now-state", "Live")
    start = position(page)
    until(lambda: position(page) > start)
    assert until(lambda: level(page) > -60)


@pytest.mark.own_browser
def test_account_is_made_kept_over_a_reload_and_signed_out(served: Served, page: Browser) -> None:
    ada = name("ada")
    page.open(address(served))
    page.press("#sign-in")
    page.press("#go-up")
    page.press("#sign-up-form [type=submit]")
    page.reads("#sign-up-form-username-fault", "must be 3 to 32")
    page.keys(ESCAPE)
    until(lambda: page.script("return !document.querySelector('dialog[open]')"))
    sign_up(page, ada)
    assert page.complaints() == []
    for _ in range(4):
        page.driver.refresh()  # at once: nobody waits for a page to be done before reloading it
    page.reads("#account", ada)
    places = page.script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert not [place for place in places if "token=" in place or "eyJ" in place]
    page.driver.switch_to.new_window("tab")
    page.open(address(served))
    page.reads("#account", ada)
    page.press("#sign-out")
    page.find("#sign-in")
    page.driver.switch_to.window(page.driver.window_handles[0])
    page.find("#sign-in")
    kept = "return Object.keys({...localStorage}).sort()"
    until(lambda: page.script(kept) == ["talas.station", "talas.volume"])


def test_sign_in_of_another_browser_is_seen_and_ended(
    served: Served, page: Browser, other: Browser
) -> None:
    ada = name("ada")
    page.open(address(served, "/demo"))
    sign_up(page, ada)
    page.reads("#account", ada)
    other.open(address(served, "/demo"))
    other.press("#sign-in")
    other.fill("#sign-in-form-email", f"{ada}@example.org")
    other.fill("#sign-in-form-password", PASSWORD)
    other.press("#sign-in-form [type=submit]")
    other.reads("#account", ada)
    page.press("#devices")
    page.reads(".devices", "this one")
    assert len(page.script("return [...document.querySelectorAll('.devices__one')]")) == 2
    page.press(".devices .button")
    until(lambda: page.script("return document.querySelectorAll('.devices__one').length") == 1)
    other.find("#sign-in")
    page.keys(ESCAPE)
    page.reads("#account", ada)
    assert page.complaints() == []


def test_refusal_of_the_api_is_shown_at_its_field(served: Served, page: Browser) -> None:
    taken = name("ada")
    register(served, taken)
    page.open(address(served))
    page.press("#sign-in")
    page.fill("#sign-in-form-email", f"{taken}@example.org")
    page.fill("#sign-in-form-password", "not it at all")
    page.press("#sign-in-form [type=submit]")
    until(lambda: page.text("#sign-in-form .form__problem"))
    page.press("#go-up")
    page.fill("#sign-up-form-username", taken)
    page.fill("#sign-up-form-email", f"{name('new')}@example.org")
    page.fill("#sign-up-form-password", "long enough")
    page.press("#sign-up-form [type=submit]")
    page.reads("#sign-up-form-username-fault", "Username")
    until(lambda: page.script("return document.activeElement.id") == "sign-up-form-username")


def test_message_reaches_another_browser(served: Served, page: Browser, other: Browser) -> None:
    ada, bob = name("ada"), name("bob")
    for each, person in ((page, ada), (other, bob)):
        each.open(address(served, "/demo"))
        sign_up(each, person)
    line = 'hello <img src=x onerror="alert(1)"> \u0161ta ima?'
    say(page, line)
    other.reads("#chat-list", line)
    other.reads("#announcer", f"{ada}: {line}")
    say(other, "up late too")
    page.reads("#chat-list", "up late too")
    own = page.script("return document.querySelectorAll('.message[data-own=true]').length")
    assert own == 1
    for each in (page, other):
        assert each.complaints() == []


async def talk(served: Served, token: str, room: str, lines: list[str]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{served.chat}/ws") as socket,
    ):
        talker = await Talker(socket).sign_in(token)
        await talker.join(room)
        for line in lines:
            await talker.send(room, line)
        await talker.close()


def test_history_is_read_upwards_while_new_messages_wait_below(
    served: Served, page: Browser
) -> None:
    bob = name("bob")
    token = register(served, bob)
    room = api(served, "/api/stations/live")["room"]
    asyncio.run(talk(served, token, room, [f"line {n}." for n in range(120)]))
    page.open(address(served, "/live"))
    sign_up(page, name("ada"))
    page.reads("#chat-list", "line 119.")
    assert "line 40." not in page.text("#chat-list")
    for _ in range(2):
        count = page.script("return document.querySelectorAll('.message').length")
        page.script("document.getElementById('chat-body').scrollTop = 0")
        until(
            lambda count=count: (
                page.script("return document.querySelectorAll('.message').length") > count
            )
        )
    page.reads("#chat-list", "line 0.")
    page.script("document.getElementById('chat-body').scrollTop = 400")
    asyncio.run(talk(served, token, room, ["the newest line"]))
    page.reads("#chat-jump", "1 new message")
    assert page.script("return document.getElementById('chat-body').scrollTop") == 400
    until(lambda: "(1)" in page.driver.title)
    assert page.script("return document.querySelector('.chat__new').innerText") == "New"
    page.press("#chat-jump")
    until(lambda: page.script("return document.getElementById('chat-jump').hidden"))
    until(lambda: "(1)" not in page.driver.title)
    assert page.complaints() == []


def test_chat_survives_a_crash_without_losing_a_message(served: Served, page: Browser) -> None:
    token = register(served, name("bob"))
    room = api(served, "/api/stations/demo")["room"]
    page.open(address(served, "/demo"))
    sign_up(page, name("ada"))
    say(page, "before the crash")
    page.script(NOTED)
    served.child("api-1").send_signal(signal.SIGKILL)
    # It may be back before it is looked at.
    until(lambda: any("Trying again" in note for note in page.script("return window.noted")))
    page.fill("#chat-field", "written in the dark\ue007")
    until(lambda: served.get(served.chat, "/ready")[0] == 200)
    asyncio.run(talk(served, token, room, ["said while you were away"]))
    page.reads("#chat-list", "said while you were away")
    until(lambda: page.script("return !document.querySelector('[data-state=sending]')"))
    text = page.text("#chat-list")
    assert [text.count(line) for line in ("before the crash", "written in the dark")] == [1, 1]


def test_a_broadcaster_makes_a_station_and_goes_on_the_air(
    served: Served, page: Browser, tmp_path: Path
) -> None:
    song = tmp_path / "song.mp3"
    made = ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:duration=60", "-y", str(song))
    made.communicate(timeout=PATIENCE)
    slug = name("night-line-")
    page.open(address(served, "broadcast"))
    page.press(".pitch .button--main")
    page.press("#go-in")
    page.press("#go-up")
    page.fill("#sign-up-form-username", name("dj"))
    page.fill("#sign-up-form-email", f"{name('dj')}@example.org")
    page.fill("#sign-up-form-password", "long enough")
    page.press("#sign-up-form [type=submit]")
    page.press("#new-station")
    page.fill("#station-make-name", "Night Line")
    assert page.script("return document.getElementById('station-make-slug').value") == "night-line"
    page.script("document.getElementById('station-make-slug').value = ''")
    page.fill("#station-make-slug", slug)
    page.press("#station-make [type=submit]")
    key = page.find("#stream-key").text
    assert len(key) == 32
    line = page.find("#how-ffmpeg pre").text
    assert line.endswith(f"icecast://source:{key}@127.0.0.1:{served.stream}/{slug}")
    words = shlex.split(line.replace("FILE.mp3", str(song)))
    sender = subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *words[1:]],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        page.reads("#on-air", "On the air")
    finally:
        end(sender)
    page.reads("#on-air", "Off the air")
    page.press(".back")
    page.reads(".mine__list", "Night Line")
    page.press(".mine__list .station")
    page.fill("#station-change-name", " at Sea")
    page.press("#station-change [type=submit]")
    page.reads(".own h1", "Night Line at Sea")
    assert page.text("#stream-key") == ""
    page.press(".card .confirm .button")
    page.press("#station-renew [type=submit]")
    assert page.find("#stream-key").text != key
    page.press(".card:last-child .confirm .button")
    page.fill("#station-delete-typed", slug)
    page.press("#station-delete [type=submit]")
    page.reads(".mine", "no station yet")
    assert page.complaints() == []
