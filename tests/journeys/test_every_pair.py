"""The journey of every pair: a real source by ffmpeg, a real listener by ffmpeg, the same sound.

Six stations, one for each coding by PUT and by SOURCE, are made over the API by a new account; the
keys they are given let ffmpeg in; an ffmpeg listens to each rendition of each; what they heard is
compared with what was sent.
"""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from support.ffmpeg import broadcast, end, record
from support.serve import Served, running_serve
from support.sound import coded, likeness, programme
from support.wait import PATIENCE, until
from talas_core.messages import RENDITIONS

pytestmark = pytest.mark.journey

CODINGS = ("mp3", "aac", "opus")
SECONDS = 60
RATE = 48_000


def call(port: int, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        data: dict[str, Any] = json.load(answer)["data"]
        return data


@contextlib.contextmanager
def broadcasting(served: Served, folder: Path, sound: np.ndarray) -> Iterator[list[str]]:
    """All six stations on the air; gives their slugs."""
    person = {"username": "deejay", "email": "dj@example.com", "password": "correct horse battery"}
    call(served.api, "/api/auth/register", person)
    del person["username"]
    token = call(served.api, "/api/auth/login", person)["access_token"]
    slugs, senders = [], []
    for coding in CODINGS:
        file = folder / f"source.{coding}"
        file.write_bytes(coded(sound, coding))
        for legacy in (False, True):
            slug = f"{coding}-{'source' if legacy else 'put'}"
            wish = {"slug": slug, "name": slug, "renditions": RENDITIONS}
            station = call(served.api, "/api/stations", wish, token)
            url = f"icecast://source:{station['stream_key']}@127.0.0.1:{served.stream}/{slug}"
            senders.append(broadcast(file, coding, url, legacy=legacy))
            slugs.append(slug)
    try:
        yield slugs
    finally:
        for sender in senders:
            end(sender)


def test_every_listener_hears_what_every_source_sends(tmp_path: Path) -> None:
    sound = programme(SECONDS)
    source = sound.mean(axis=0)
    with running_serve(tmp_path) as served:
        served.wait_ready()
        with broadcasting(served, tmp_path, sound) as slugs:
            until(lambda: len(on_air(served)) == len(slugs))
            recordings = {
                (slug, name): tmp_path / f"{slug}-{name}.wav"
                for slug in slugs
                for name in RENDITIONS
            }
            with ThreadPoolExecutor(len(recordings)) as at_once:
                addresses = [f"http://127.0.0.1:{served.stream}/{slug}.{name}"
                             for slug, name in recordings]  # fmt: skip
                list(at_once.map(heard, addresses, recordings.values()))
        scores = {pair: score(file, source) for pair, file in recordings.items()}
        assert {pair: found for pair, found in scores.items() if found < 0.95} == {}


def heard(address: str, file: Path) -> None:
    """Listen for a while; a listener that is answered 503 on a busy machine comes again."""

    def once() -> bool:
        listener = record(address, 5, file)
        _, complaints = listener.communicate(timeout=2 * PATIENCE)
        if listener.returncode and b"Server returned 5XX" not in complaints:
            raise RuntimeError(complaints)
        return listener.returncode == 0

    until(once, 2 * PATIENCE, every=0.5)


def on_air(served: Served) -> list[Any]:
    status, body = served.get(served.stream, "/status-json.xsl")
    assert status == 200, body
    found = json.loads(body)["icestats"].get("source")
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def score(file: Path, source: np.ndarray) -> float:
    heard, rate = soundfile.read(file, dtype="float32", always_2d=True)
    assert rate == RATE
    assert len(heard) >= 4.9 * RATE
    # The first frames of a cut-in lean on frames that were never sent to this listener.
    found, _ = likeness(heard.mean(axis=1)[RATE // 4 :], source)
    return found
