"""What the stream port knows, as it happens: titles, what played before, loudness, quality."""

from __future__ import annotations

import pytest

from support.browser import Browser, needs_browser
from support.ffmpeg import end, ffmpeg
from support.page import address, make_station, name, sign_up
from support.serve import Served
from support.wait import until

pytestmark = [pytest.mark.journey, needs_browser]

TONE = ("-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000")
MP3 = ("-c:a", "libmp3lame", "-b:a", "128k", "-content_type", "audio/mpeg", "-f", "mp3")


def own_station(served: Served, page: Browser) -> tuple[str, str]:
    """Sign up and make a station on the page; its slug and where to send."""
    slug = name("night-")
    page.open(address(served, "broadcast/+"))
    sign_up(page, name("dj"))
    key = make_station(page, slug)
    return slug, f"icecast://source:{key}@127.0.0.1:{served.stream}/{slug}"


def test_broadcaster_sees_loudness_and_sets_titles_that_others_read(
    served: Served, page: Browser
) -> None:
    slug, mount = own_station(served, page)
    assert not page.script("return document.getElementById('own-level').checkVisibility()")
    sender = ffmpeg(*TONE, *MP3, mount)
    try:
        page.reads("#on-air", "On the air")
        page.reads("#own-loudness", "LUFS \u00b7 since it came \u2212")
        level = "return document.getElementById('own-level').ariaValueNow"
        assert until(lambda: -40 < float(page.script(level)) < 0)
        for song in ("Ada - Night Bus", "Zo\u00eb - 3 & 4"):
            page.script("document.getElementById('station-title-song').value = ''")
            page.fill("#station-title-song", song)
            page.press("#station-title [type=submit]")
            page.reads("#station-title [role=status]", "Set.")
        page.open(address(served, f"/{slug}"))
        page.reads("#now-song", "3 & 4")
        page.reads("#heard-list", "Night Bus")
    finally:
        end(sender)
    page.reads("#now-label", "Off the air")
    assert page.complaints() == []


def test_a_quality_is_chosen_heard_at_once_and_kept(served: Served, page: Browser) -> None:
    page.open(address(served, "/demo"))
    page.find("#play:not([disabled])")
    page.press("#play")
    page.reads("#now-state", "Live")
    choose = """
    const choice = document.getElementById('quality');
    choice.value = 'mp3';
    choice.dispatchEvent(new Event('change'));
    """
    page.script(choose)
    page.reads("#now-state", "Live \u00b7 MP3")
    page.driver.refresh()
    page.find("#play:not([disabled])")
    assert page.script("return document.getElementById('quality').value") == "mp3"
    playlist = page.script("return document.getElementById('playlist').href")
    assert playlist == f"http://127.0.0.1:{served.stream}/demo.m3u"
    assert page.complaints() == []


def test_page_in_sight_follows_events_and_a_hidden_one_does_not(
    served: Served, page: Browser
) -> None:
    watch = """
    window.sources = [];
    window.EventSource = class extends EventSource {
      constructor(...given) { super(...given); window.sources.push(this); }
    };
    """
    page.command("Page.addScriptToEvaluateOnNewDocument", source=watch)
    page.open(address(served, "/demo"))
    opened = "return window.sources.map((one) => one.readyState)"
    until(lambda: page.script(opened) == [1])
    page.script("location.hash = '/live'")
    until(lambda: page.script(opened) == [2, 1])
    hide = """
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => arguments[0] });
    document.dispatchEvent(new Event('visibilitychange'));
    """
    page.script(hide, True)
    until(lambda: page.script(opened) == [2, 2])
    page.script(hide, False)
    until(lambda: page.script(opened) == [2, 2, 1])
