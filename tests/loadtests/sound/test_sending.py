"""What a source of the load test sends, and when."""

from loadtests.sound.audio import COUNTERS
from loadtests.sound.sending import FRAME, FRAME_SECONDS, LEAD_SECONDS, Sending


def unwrapped(chunk: bytes) -> bytes:
    size, _, rest = chunk.partition(b"\r\n")
    assert rest[int(size, 16) :] == b"\r\n"
    return rest[: int(size, 16)]


def test_source_sends_in_real_time_with_a_lead() -> None:
    sending = Sending(100.0)
    first = unwrapped(sending.due(100.0))
    assert len(first) == int(LEAD_SECONDS / FRAME_SECONDS) * len(FRAME)
    assert sending.due(100.0) == b""
    later = unwrapped(sending.due(110.0))
    frames = (len(first) + len(later)) / len(FRAME)
    assert abs(frames * FRAME_SECONDS - 10.0 - LEAD_SECONDS) < FRAME_SECONDS


def test_source_sends_audio_that_the_load_tests_listener_counts() -> None:
    counter = COUNTERS["mp3"]()
    heard = counter.feed(FRAME * 100)
    assert abs(heard - 100 * FRAME_SECONDS) <= FRAME_SECONDS
    assert counter.damaged == 0
