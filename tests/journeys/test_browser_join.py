"""Who joins a source that has only just begun hears it without a hole, in Firefox too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.engines import ENGINES, MIDDLE, Engine
from support.ffmpeg import end, ffmpeg
from support.page import address, api, name, register
from support.serve import Served
from support.stopwatch import Stopwatch
from support.wait import until
from talas_stream.egress.gather import ENOUGH_BYTES

pytestmark = pytest.mark.journey

START, HERE, PACKAGES = ENGINES["firefox"]
TONE = ("-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000")
MP3 = ("-c:a", "libmp3lame", "-b:a", "128k", "-content_type", "audio/mpeg", "-f", "mp3")
BYTES_A_SECOND = 16_000
FIRST_BLOCK_SECONDS = 32_768 / BYTES_A_SECOND
"""What Firefox begins with. The rest of the same write has come before that is played."""
PLAYED_SECONDS = 6
CHOOSE_MP3 = """
const choice = document.getElementById('quality');
choice.value = 'mp3';
choice.dispatchEvent(new Event('change'));
"""
NOTE = """
const audio = document.getElementById('audio');
window.happened = [];
for (const kind of ['playing', 'waiting', 'stalled']) {
  audio.addEventListener(kind, () => window.happened.push(kind));
}
window.held = 0;
audio.addEventListener('timeupdate', () => {
  if (audio.currentTime < FIRST_BLOCK_SECONDS && audio.buffered.length) {
    window.held = audio.buffered.end(0);
  }
});
"""


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Engine]:
    if not HERE:
        pytest.skip(f"{PACKAGES} is not installed; CI installs it")
    with START(tmp_path) as opened:
        yield opened


def test_firefox_at_a_fresh_source_begins_with_enough_to_play_on(
    served: Served, firefox: Engine
) -> None:
    slug, owner = name("fresh-"), register(served, name("owner"))
    key = api(served, "/api/stations", {"slug": slug, "name": "Fresh"}, owner)["stream_key"]
    firefox.open(address(served, f"/{slug}"))
    called = "return document.getElementById('now-station').textContent"
    until(lambda: firefox.script(called) == "Fresh")
    firefox.script(CHOOSE_MP3)
    firefox.script(NOTE.replace("FIRST_BLOCK_SECONDS", str(FIRST_BLOCK_SECONDS)))
    firefox.press_at(*firefox.script(MIDDLE))
    # The page waits for the station, and so joins it within its first moments.
    sender = ffmpeg(*TONE, *MP3, f"icecast://source:{key}@127.0.0.1:{served.stream}/{slug}")
    watch = Stopwatch([psutil.Process(sender.pid), *served.family()])
    try:
        position = "return document.getElementById('audio').currentTime"
        until(lambda: firefox.script(position) > PLAYED_SECONDS)
        waited = watch.waited
    finally:
        end(sender)
    happened = firefox.script("return window.happened")
    assert firefox.script("return window.held") * BYTES_A_SECOND > 0.95 * ENOUGH_BYTES
    after = happened[happened.index("playing") + 1 :]
    # A hole is none of ours where the machine had no time for who sends, longer than one holds.
    if waited < FIRST_BLOCK_SECONDS:
        assert "waiting" not in after
        assert "stalled" not in after
