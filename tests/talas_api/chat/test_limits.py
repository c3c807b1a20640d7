from pathlib import Path

from support.api import settings_for
from talas_api.chat.limits import (
    COUNTED_BYTES,
    FRAME_BYTES,
    NONCE_CHARACTERS,
    TEXT_CHARACTERS,
    Limits,
    cost,
)


def test_limits_of_the_chat_come_from_the_settings(tmp_path: Path) -> None:
    settings = settings_for(
        "postgresql://x@y/z", tmp_path, chat_queue_bytes=20_000, chat_sockets=7,
        chat_sockets_per_user=3, chat_requests_per_second=5.0,
    )  # fmt: skip
    limits = Limits.of(settings, 7)
    assert (limits.queue_bytes, limits.sockets) == (20_000, 7)
    assert (limits.sockets_per_person, limits.requests_per_second) == (3, 5.0)
    assert limits.sign_in_seconds == 10
    assert limits.strangers_per_address == 100
    assert Limits.of(settings, 20_000).strangers_per_address == 2_000


def test_the_longest_message_counts_once_and_the_largest_frame_five_times() -> None:
    largest = 4 * 4_000 + 300
    assert cost(0) == cost(largest) == cost(COUNTED_BYTES - 1) == 1
    assert cost(COUNTED_BYTES) == 2
    assert cost(64 * 1024) == 5


def test_documented_limits_of_the_chat_are_those_there_are(tmp_path: Path) -> None:
    settings = settings_for("postgresql://x@y/z", tmp_path)
    limits = Limits.of(settings, settings.chat_sockets)
    text = (Path(__file__).parents[3] / "docs" / "chat.md").read_text()
    stated = text.partition("## Limits")[2].partition("## Over HTTP")[0]
    for sentence in (
        f"1 to {TEXT_CHARACTERS:,} characters",
        f"| a message on the wire | {FRAME_BYTES // 1024} KiB",
        f"| nonce | 1 to {NONCE_CHARACTERS} characters",
        f"({limits.requests_per_second:g}) a second and socket, ten seconds' worth at once",
        f"what is over {COUNTED_BYTES // 1024} KiB once more",
        f"| {limits.stranger_frames:g} at once, and one a second",
        f"| rooms joined by one socket | {limits.rooms_per_socket} |",
        f"`TALAS_CHAT_ROOMS_PER_USER` ({settings.chat_rooms_per_user})",
        f"`TALAS_CHAT_SOCKETS_PER_USER` ({limits.sockets_per_person})",
        f"`TALAS_CHAT_SOCKETS` ({limits.sockets:,})",
        f"`TALAS_CHAT_QUEUE_BYTES` ({limits.queue_bytes // 1024} KiB)",
        f"after {limits.quiet_seconds:g} s without a frame",
        f"after {limits.pong_seconds:g} s more",
    ):
        assert sentence in stated, sentence
    assert limits.burst_seconds == 10
    assert limits.strangers_per_address == limits.sockets // 10
    assert f"for {limits.farewell_seconds:g} seconds" in text
