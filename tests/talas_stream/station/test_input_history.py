"""What is kept of a station's inputs: bounded, and told apart by input and coding."""

from support.outputs import FLAC, LEAN, MP3, MP3_FRAMES, OFFERED, OPUS, SIZES, join, outputs_of
from support.sound import programme
from support.stage import OPUS_HEAD, RecordedCodecs, frames_of
from talas_stream.media import RATE, SILENT, Codec, Format, Frame, Packet, SourceCodec
from talas_stream.station.input_history import (
    MAX_HISTORY_BYTES,
    MAX_HISTORY_FORMATS,
    MAX_HISTORY_FRAMES,
    MAX_HISTORY_TICKS,
    InputHistory,
)
from talas_stream.station.timeline import Timeline

FRAMES = frames_of(programme(1.0), "mp3")
OTHERS = frames_of(programme(1.0, channels=1), "mp3")
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
    kept, (_, _, last, _) = kept_of(FRAMES, QUIET, FRAMES, QUIET)
    assert kept.latest() == last


def test_latest_goes_back_to_where_the_coding_changed() -> None:
    kept, (_, last) = kept_of(FRAMES, OTHERS)
    assert kept.latest() == last


def test_latest_goes_over_links_of_one_coding() -> None:
    links = [Format(Codec.OPUS, RATE, channels, b"", 312) for channels in (1, 2)]
    kept, placed = kept_of(*[[Frame(bytes(9), link, 960)] * 5 for link in links])
    assert kept.latest() == placed[0] + placed[1]


def test_bit_rate_is_the_last_input_s() -> None:
    assert kept_of(FRAMES)[0].bit_rate == 128
    assert kept_of(FRAMES, QUIET * 50)[0].bit_rate == 128
    lean = [Frame(bytes(40), Format(Codec.OPUS, RATE, 2), 960)] * 50
    assert kept_of(FRAMES, QUIET, lean)[0].bit_rate == 16


def test_the_oldest_goes_when_there_is_enough_or_too_many_formats() -> None:
    kept, _ = kept_of(FRAMES, QUIET, ticks=RATE // 2)
    entries = list(kept)
    assert RATE // 2 <= entries[-1][1].end - entries[0][1].at <= RATE // 2 + 2 * 1152
    links = [[Frame(bytes(9), Format(Codec.OPUS, RATE, 2), 960)] * 3 for _ in range(9)]
    kept, placed = kept_of(*links)
    assert [packet for _, packet in kept] == [
        packet for run in placed[-MAX_HISTORY_FORMATS:] for packet in run
    ]


def small(count: int, duration_code: int = 0xF8) -> list[Frame]:
    form = Format(Codec.OPUS, RATE, 2, OPUS_HEAD, 312)
    return [Frame(bytes((duration_code, 1)), form, 960) for _ in range(count)]


def fed_to_a_newcomer(codecs: RecordedCodecs, frames: list[Frame]) -> list[Packet]:
    """What a listener who joins after these frames has decoded."""
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(frames)
    join(outputs, MP3)
    return codecs.jobs[0].fed


def test_the_history_of_a_source_that_sends_next_to_nothing_is_bounded_in_time(
    codecs: RecordedCodecs,
) -> None:
    """An hour of silence in Opus is less than half a megabyte."""
    outputs = outputs_of(codecs, 0, "", "")
    for _ in range(5):
        outputs.accept(small(9000))
    join(outputs, MP3)
    fed = codecs.jobs[0].fed
    assert fed[-1].end - fed[0].at <= MAX_HISTORY_TICKS + 2 * 960


def test_history_of_frames_without_length_is_bounded_in_number(codecs: RecordedCodecs) -> None:
    form = Format(SourceCodec.FLAC, 192_000, 2)
    fed = fed_to_a_newcomer(codecs, [Frame(b"x", form, 0)] * (2 * MAX_HISTORY_FRAMES))
    assert len(fed) == MAX_HISTORY_FRAMES


def test_history_of_large_frames_is_bounded_in_bytes(codecs: RecordedCodecs) -> None:
    form = Format(SourceCodec.VORBIS, 48_000, 2)
    payload = bytes(250_000)
    fed = fed_to_a_newcomer(codecs, [Frame(payload, form, 32)] * 300)
    assert len(fed) == MAX_HISTORY_BYTES // len(payload)


def test_history_holds_few_formats_so_that_a_newcomer_costs_few_decoders(
    codecs: RecordedCodecs,
) -> None:
    """Links of Opus that skip more than they hold do not even move media time."""
    links = [Format(Codec.OPUS, RATE, 2, OPUS_HEAD, 65_535) for _ in range(50)]
    frames = [Frame(bytes(9), link, 120) for link in links for _ in range(3)]
    assert len(fed_to_a_newcomer(codecs, frames)) == 3 * MAX_HISTORY_FORMATS


def test_the_history_fills_a_burst_of_every_coding(codecs: RecordedCodecs) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    for _ in range(20):
        outputs.accept(MP3_FRAMES)
    join(outputs, OPUS)
    fed: list[Packet] = codecs.jobs[0].fed
    assert sum(len(packet.payload) for packet in fed) >= SIZES.burst
    assert (fed[-1].end - fed[0].at) * OPUS.bit_rate / 8 / RATE >= SIZES.burst
    assert len(fed) < 2 * len(MP3_FRAMES)


def test_what_is_kept_depends_on_what_the_station_is_offered_in(codecs: RecordedCodecs) -> None:
    for renditions in (OFFERED, (MP3, FLAC), (*OFFERED, LEAN)):
        outputs = outputs_of(codecs, 0, "", "", renditions=renditions)
        outputs.accept(MP3_FRAMES)
        join(outputs, FLAC)
    usual, rich, lean = (job.history_ticks / RATE for job in codecs.jobs)
    assert rich < usual < lean < 10.0
