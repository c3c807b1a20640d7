"""Media time: no rounding adds up, no format change leaves a hole."""

from talas_stream.media import RATE, Codec, Format, Frame
from talas_stream.station.timeline import Timeline


def frame(format: Format, samples: int = 1152) -> Frame:
    return Frame(b"x", format, samples)


def test_placements_touch_and_44100_does_not_drift() -> None:
    cd = Format(Codec.MP3, 44_100, 2)
    timeline = Timeline(0)
    end = 0
    for _ in range(44_100):
        packet = timeline.place(frame(cd))
        assert packet.at == end
        end = packet.end
    assert end == 1152 * RATE
    assert timeline.end == end


def test_a_new_format_starts_where_the_last_ended() -> None:
    timeline = Timeline(1000)
    timeline.place(frame(Format(Codec.MP3, 48_000, 2)))
    packet = timeline.place(frame(Format(Codec.MP3, 24_000, 1), 576))
    assert (packet.at, packet.duration) == (1000 + 1152, 1152)


def test_pre_skip_is_sound_before_the_beginning() -> None:
    opus = Format(Codec.OPUS, 48_000, 2, b"", 312)
    timeline = Timeline(480)
    assert timeline.place(frame(opus, 960)).at == 480 - 312
    assert timeline.end == 480 + 648


def test_before_the_first_frame_the_end_is_the_start() -> None:
    assert Timeline(77).end == 77


def test_a_format_shorter_than_its_pre_skip_takes_no_time_back() -> None:
    timeline = Timeline(48_000)
    for _ in range(5):
        timeline.place(frame(Format(Codec.OPUS, 48_000, 2, b"", 65_535), 960))
        assert timeline.end == 48_000
