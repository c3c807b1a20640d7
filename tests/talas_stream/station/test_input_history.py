"""What is kept of a station's inputs: bounded, and told apart by input and coding."""

from support.sound import programme
from support.stage import frames_of
from talas_stream.media import RATE, SILENT, Codec, Format, Frame, Packet
from talas_stream.station.input_history import MAX_HISTORY_FORMATS, InputHistory
from talas_stream.station.timeline import Timeline

MP3 = frames_of(programme(1.0), "mp3")
MONO = frames_of(programme(1.0, channels=1), "mp3")
QUIET = [Frame(b"", SILENT, 960)] * 10


def kept_of(
    *inputs: list[Frame], ticks: int = 60 * RATE
) -> tuple[InputHistory, list[list[Packet]]]:
    kept, timeline = InputHistory(ticks, 0), Timeline(0)
    placed: list[list[Packet]] = []
    for frames in inputs:
        placed.append([])
        for frame in frames:
            placed[-1].append(timeline.place(frame))
            kept.add(frame, placed[-1][-1])
    return kept, placed


def test_nothing_is_kept_of_nothing() -> None:
    kept, _ = kept_of()
    assert (list(kept), kept.latest(), kept.bit_rate) == ([], [], 0)
    kept, _ = kept_of(QUIET)
    assert (len(list(kept)), kept.latest(), kept.bit_rate) == (10, [], 0)


def test_latest_is_the_last_input_without_the_silence_after_it() -> None:
    kept, (_, _, last, _) = kept_of(MP3, QUIET, MP3, QUIET)
    assert kept.latest() == last


def test_latest_goes_back_to_where_the_coding_changed() -> None:
    kept, (_, last) = kept_of(MP3, MONO)
    assert kept.latest() == last


def test_latest_goes_over_links_of_one_coding() -> None:
    links = [Format(Codec.OPUS, RATE, channels, b"", 312) for channels in (1, 2)]
    kept, placed = kept_of(*[[Frame(bytes(9), link, 960)] * 5 for link in links])
    assert kept.latest() == placed[0] + placed[1]


def test_bit_rate_is_the_last_input_s() -> None:
    assert kept_of(MP3)[0].bit_rate == 128
    assert kept_of(MP3, QUIET * 50)[0].bit_rate == 128
    lean = [Frame(bytes(40), Format(Codec.OPUS, RATE, 2), 960)] * 50
    assert kept_of(MP3, QUIET, lean)[0].bit_rate == 16


def test_the_oldest_goes_when_there_is_enough_or_too_many_formats() -> None:
    kept, _ = kept_of(MP3, QUIET, ticks=RATE // 2)
    entries = list(kept)
    assert RATE // 2 <= entries[-1][1].end - entries[0][1].at <= RATE // 2 + 2 * 1152
    links = [[Frame(bytes(9), Format(Codec.OPUS, RATE, 2), 960)] * 3 for _ in range(9)]
    kept, placed = kept_of(*links)
    assert [packet for _, packet in kept] == [
        packet for run in placed[-MAX_HISTORY_FORMATS:] for packet in run
    ]
