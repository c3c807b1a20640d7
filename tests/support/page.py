"""The page of a running Talas, used as people use it."""

from __future__ import annotations

import itertools
import json
import urllib.request
from pathlib import Path
from typing import Any

from support.browser import Browser
from support.serve import Served
from support.wait import PATIENCE, until

PASSWORD = "long enough"
ENTER, ESCAPE, SPACE, TAB, DOWN = "\ue007", "\ue00c", " ", "\ue004", "\ue015"
LOUDNESS = """
const done = arguments[arguments.length - 1];
const context = new AudioContext();
const analyser = context.createAnalyser();
context.createMediaStreamSource(document.getElementById('audio').captureStream()).connect(analyser);
const samples = new Float32Array(analyser.fftSize);
setTimeout(() => {
  analyser.getFloatTimeDomainData(samples);
  context.close();
  done(Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
}, 400);
"""
_numbers = itertools.count(1)


def address(served: Served, place: str = "") -> str:
    """The page's address; `place` is what follows the #."""
    return f"http://127.0.0.1:{served.api}/{'#' if place else ''}{place}"


def name(stem: str) -> str:
    """A name nobody has yet."""
    return f"{stem}{next(_numbers)}"


def stream_key(served: Served, slug: str) -> str:
    """The key of one of our own stations."""
    return (served.data_dir / "secrets" / f"station-{slug}.key").read_text().strip()


def api(served: Served, path: str, body: object = None, token: str = "") -> Any:
    """The `data` of an answer of the API."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.api}{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers=headers,
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())["data"]


def token_of(served: Served, person: str) -> str:
    """An access token of somebody who signed up on the page or by `register`."""
    credentials = {"email": f"{person}@example.org", "password": PASSWORD}
    return str(api(served, "/api/auth/login", credentials)["access_token"])


def register(served: Served, person: str) -> str:
    """Sign somebody up without a page; their access token."""
    wish = {"username": person, "email": f"{person}@example.org", "password": PASSWORD}
    api(served, "/api/auth/register", wish)
    return token_of(served, person)


def sign_up(page: Browser, person: str) -> None:
    """Create an account on the page."""
    page.press("#sign-in")
    page.press("#go-up")
    page.fill("#sign-up-form-username", person)
    page.fill("#sign-up-form-email", f"{person}@example.org")
    page.fill("#sign-up-form-password", PASSWORD)
    page.press("#sign-up-form [type=submit]")
    page.find("#sign-out")


def make_station(page: Browser, slug: str) -> str:
    """Make a station where the page asks for a new one; its key."""
    page.fill("#station-make-name", "Night Line")
    page.script("document.getElementById('station-make-slug').value = ''")
    page.fill("#station-make-slug", slug)
    page.press("#station-make [type=submit]")
    return page.find("#stream-key").text


def say(page: Browser, words: str) -> None:
    """Write into the chat, and wait until it is acknowledged."""
    page.fill("#chat-field", words)
    page.keys(ENTER)
    page.reads("#chat-list", words)
    until(lambda: page.script("return !document.querySelector('[data-state=sending]')"))


def position(page: Browser) -> float:
    """Seconds, of the audio element."""
    return float(page.script("return document.getElementById('audio').currentTime"))


def loudness(page: Browser) -> float:
    """RMS of what the audio element plays, 0 to 1. Chromium lets one listen in at a time, so from
    now on the page's own meter hears nothing."""
    return float(page.driver.execute_async_script(LOUDNESS))


def level(page: Browser) -> float:
    """What the page's own meter shows, in dB."""
    return float(page.script("return document.getElementById('dial').ariaValueNow"))


def folder(path: Path, of: str) -> Path:
    """A folder for a browser's profile."""
    made = path / of
    made.mkdir()
    return made
