from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from support.stage import TOOLS
from talas_core.errors import UsageError
from talas_stream.playout.player import PAGE_PACKETS, PAGE_SAMPLES, RATE, Page, Player
from talas_stream.playout.track import Track
from talas_stream.wire.ogg_pages import OggWriter
from talas_stream.wire.opus import build_tags, packet_samples, parse_head


def ogg_of(head: bytes, pages: list[Page]) -> bytes:
    writer = OggWriter(7)
    data = writer.header_pages(head, build_tags("test"))
    for number, page in enumerate(pages):
        last = number == len(pages) - 1
        data += writer.page(page.packets, (number + 1) * PAGE_SAMPLES, eos=last)
    return data


def test_pages_are_a_tenth_of_a_second_of_opus(sounds: Any) -> None:
    player = Player(sounds.playlist(0.35, 0.2), TOOLS)
    head = parse_head(player.head)
    assert (head.channels, head.input_rate) == (2, RATE)
    for _ in range(20):
        page = player.page()
        assert len(page.packets) == PAGE_PACKETS
        assert {packet_samples(packet) for packet in page.packets} == {960}
        assert 1200 < sum(map(len, page.packets)) < 2000, "about 128 kbit/s"


def test_tracks_follow_each_other_without_a_gap(sounds: Any) -> None:
    playlist = sounds.playlist(1.3, 0.7, 1.0)
    player = Player(playlist, TOOLS)
    heard = sounds.heard_in(ogg_of(player.head, [player.page() for _ in range(60)]))
    meant = np.concatenate(
        [sounds.chirp(s, seed) for seed, s in enumerate((1.3, 0.7, 1.0))], axis=1
    )
    meant = np.concatenate([meant, meant], axis=1)
    assert abs(heard.shape[1] - 60 * PAGE_SAMPLES) <= 400
    assert sounds.alike(heard[0], meant[0]) > 0.95
    assert sounds.alike(heard[1], meant[1]) > 0.95


def test_a_title_comes_on_the_page_in_which_it_begins(sounds: Any) -> None:
    player = Player(sounds.playlist(1.05, 0.55, 0.9), TOOLS)
    titles = {number: page.title for number in range(50) if (page := player.page()).title}
    assert titles == {0: "T0", 10: "T1", 16: "T2", 25: "T0", 35: "T1", 41: "T2"}


def test_tracks_shorter_than_a_page_all_get_their_turn(sounds: Any) -> None:
    player = Player(sounds.playlist(0.03, 0.03, 0.03), TOOLS)
    titles = [player.page().title for _ in range(9)]
    assert all(titles)
    assert len(set(titles)) > 1


def test_a_track_without_sound_is_a_second_of_silence(sounds: Any) -> None:
    playlist = sounds.playlist(0.5)
    broken = sounds.folder / "broken.mp3"
    broken.write_bytes(b"x" * 5000)
    playlist.tracks.append(Track(broken, "broken"))
    player = Player(playlist, TOOLS)
    with capture_logs() as lines:
        titles = {number: page.title for number in range(31) if (page := player.page()).title}
    assert titles == {0: "T0", 15: "T0", 30: "T0"}
    assert [line["event"] for line in lines[:2]] == ["file broken off", "track has no sound"]


def test_playlist_that_fails_reaches_the_caller_of_page(sounds: Any) -> None:
    class Empty:
        def next(self) -> Track:
            raise UsageError("nothing left")

        def close(self) -> None: ...

    with pytest.raises(UsageError, match="nothing left"):
        Player(Empty(), TOOLS).page()


def test_player_starts_no_thread(sounds: Any) -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()
    player = Player(sounds.playlist(0.5), TOOLS)
    for _ in range(10):
        player.page()
    assert threads() == before
