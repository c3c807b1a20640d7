"""The player is in reach in every browser, at every size, and a real press on it plays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.engines import ENGINES, MIDDLE, Engine
from support.page import address, api, name, register
from support.serve import Served
from support.wait import until

pytestmark = pytest.mark.journey

SIZES = (
    (1280, 800), (1280, 720), (1120, 600), (1024, 768), (900, 700), (853, 480), (844, 390),
    (760, 600), (760, 1024), (390, 844), (360, 640),
)  # fmt: skip
OUT_OF_REACH = """
return ['play', 'mute', 'volume'].map((id) => {
  const element = document.getElementById(id);
  const box = element.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const down = box.top >= 0 && box.bottom <= innerHeight;
  const inside = down && box.left >= 0 && box.right <= innerWidth;
  return inside && at && element.contains(at) ? '' : `${id} ${JSON.stringify(box)} under ${at?.id}`;
}).filter(Boolean);
"""
SIDEWAYS = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
LONG = "an evening of records ".ljust(500, "x")
LENGTHEN = f"""
for (const id of ['now-song', 'now-artist']) document.getElementById(id).textContent = '{LONG}';
"""
BROKEN = """
const range = document.createRange();
const text = document.getElementById('now-station').firstChild;
return text.data.split(' ').filter((word) => {
  const from = text.data.indexOf(word);
  range.setStart(text, from);
  range.setEnd(text, from + word.length);
  return new Set([...range.getClientRects()].map((box) => box.top)).size > 1;
});
"""


@pytest.fixture(scope="module")
def wordy(served: Served) -> str:
    """The slug of a station with a name and a description as long as they may be."""
    slug = name("wordy-")
    named = "A remarkably extraordinary nightly programme of wonderful records, all day"
    about = ("what it plays, and when, and by whom. " * 26).strip()
    wish = {"slug": slug, "name": named, "description": about}
    api(served, "/api/stations", wish, register(served, name("owner")))
    return slug


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    start, here, packages = ENGINES[request.param]
    if not here:
        pytest.skip(f"{packages} is not installed; CI installs it")
    with start(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def shown(engine: Engine, url: str) -> None:
    """Open it, and wait until the station is there."""
    engine.open("about:blank")
    engine.open(url)
    ready = "return !document.getElementById('play').disabled"
    assert until(lambda: engine.script(ready))


@pytest.mark.parametrize("texts", ["demo", "wordy", "longest"])
def test_the_player_is_in_reach_at_every_size(
    served: Served, engine: Engine, wordy: str, texts: str
) -> None:
    shown(engine, address(served, "/demo" if texts == "demo" else f"/{wordy}"))
    if texts == "longest":
        engine.script(LENGTHEN)
    for size in (each for each in SIZES if each[0] >= engine.narrowest):
        engine.size(*size)
        assert engine.script(OUT_OF_REACH) == [], size
        assert not engine.script(SIDEWAYS), size
        assert engine.script(BROKEN) == [], size


@pytest.mark.parametrize("size", [(1280, 800), (844, 390), (390, 844)], ids=str)
def test_a_press_on_play_plays(served: Served, engine: Engine, size: tuple[int, int]) -> None:
    if size[0] < engine.narrowest:
        pytest.skip(f"this browser's window is at least {engine.narrowest} px wide")
    engine.size(*size)
    shown(engine, address(served, "/demo"))
    engine.press_at(*engine.script(MIDDLE))
    state = "return document.getElementById('now-state').textContent"
    assert until(lambda: "Live" in engine.script(state))
    position = "return document.getElementById('audio').currentTime"
    assert until(lambda: engine.script(position) > 1)
    engine.press_at(*engine.script(MIDDLE))
    assert until(lambda: engine.script(state) == "")
