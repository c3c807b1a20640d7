"""A disabled person is off the air, and on it again once enabled: ffmpeg, a listener and
`talas user` at the real product."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.ffmpeg import broadcast, end
from support.people import Person
from support.serve import Served, run_talas, running_serve
from support.sound import coded, programme
from support.stopwatch import Stopwatch
from support.wait import PATIENCE, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

ENV = {"TALAS_BCRYPT_COST": "4"}


def key_of_new_station(served: Served, who: Person, slug: str) -> str:
    """Make a station; its stream key."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.api}/api/stations",
        json.dumps({"slug": slug, "name": "Ann's"}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {who.token}"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(json.load(answer)["data"]["stream_key"])


def on_air(served: Served) -> bool:
    status, body = served.get(served.stream, "/status-json.xsl")
    assert status == 200, body
    return "source" in json.loads(body)["icestats"]


def talas(folder: Path, *words: str) -> None:
    """Run a command."""
    outcome = run_talas(folder, *words, env={"TALAS_DATA_DIR": str(folder / "var"), **ENV})
    assert outcome.returncode == 0, outcome.stderr


def refusal(url: str, file: Path) -> str:
    """What ffmpeg says, which is not let in."""
    sender: subprocess.Popen[bytes] = broadcast(file, "mp3", url)
    _, complaints = sender.communicate(timeout=PATIENCE)
    assert sender.returncode != 0
    return complaints.decode()


@pytest.mark.checklist(3)
def test_a_disabled_person_is_off_the_air(tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(coded(programme(60.0), "mp3"))
    with running_serve(tmp_path, "--api-workers", "2", env=ENV) as served:
        served.wait_ready()
        ann = Person(served.api, "ann")
        assert (ann.register(), ann.sign_in()) == (201, 200)
        key = key_of_new_station(served, ann, "anns")
        url = f"icecast://source:{key}@127.0.0.1:{served.stream}/anns"
        heard: Any = None
        sender = broadcast(song, "mp3", url)
        try:
            until(lambda: on_air(served))
            body = f"http://127.0.0.1:{served.stream}/anns.mp3"
            heard = urllib.request.urlopen(body, timeout=PATIENCE)
            assert heard.read(1000)
            talas(tmp_path, "user", "disable", "ann")
            watch = Stopwatch(served.family())
            until(lambda: not on_air(served))
            assert watch.seconds < 1
            # The body ends whole, and so does ffmpeg, which finds nobody to send to.
            heard.read()
            sender.wait(PATIENCE)
            assert "403" in refusal(url, song)
            assert served.get(served.stream, "/anns.mp3")[0] == 404
            talas(tmp_path, "user", "enable", "ann")
            sender = broadcast(song, "mp3", url)
            until(lambda: on_air(served))
        finally:
            end(sender)
            if heard is not None:
                heard.close()
        assert served.stop() == 0
