"""A station's outputs: what is passed on, and what is kept of it."""

import gc
import weakref

import pytest

from support.outputs import (
    AAC,
    MONO,
    MP3,
    MP3_FRAMES,
    OFFERED,
    OPUS,
    SIZES,
    bytes_kept,
    gone,
    join,
    outputs_of,
    payloads,
)
from support.sound import programme
from support.stage import OPUS_HEAD, Hearer, RecordedCodecs, frames_of, noise, placed
from talas_stream.codec.messages import Coded
from talas_stream.media import RATE, Codec, Frame, Packet, Rendition
from talas_stream.output.delivery import Delivery, Profile, wire_of
from talas_stream.output.feed import TURNS, Feed
from talas_stream.output.sizes import Sizes
from talas_stream.station.outputs import Outputs


def test_media_time_follows_the_frames(outputs: Outputs) -> None:
    assert outputs.end_at == 96_000 + len(MP3_FRAMES) * 1152
    assert outputs.through is MP3


def test_outputs_before_the_first_frame_have_no_coding(codecs: RecordedCodecs) -> None:
    outputs = outputs_of(codecs, 5, "", "")
    assert outputs.through is None
    assert outputs.end_at == 5
    outputs.end()


@pytest.mark.parametrize("coding", ["vorbis", "flac", "wav"])
def test_a_coding_that_nobody_is_served_is_coded_anew_for_everybody(
    coding: str, codecs: RecordedCodecs
) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(frames_of(programme(0.5), coding))
    assert outputs.through is None
    join(outputs, MP3)
    outputs.end()
    assert [order for order, _ in codecs.jobs[0].orders] == ["open", "finish"]
    assert codecs.jobs[0].fed


def test_the_source_s_own_coding_passes_through_without_a_job(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    hearer, (feed,), live = join(outputs, MP3)
    assert payloads(MP3_FRAMES).endswith(hearer.heard)
    assert len(hearer.heard) >= SIZES.burst
    outputs.accept(MP3_FRAMES[:3])
    feed.flush()
    assert hearer.heard.endswith(payloads(MP3_FRAMES[:3]))
    assert codecs.jobs == []
    assert outputs.all == [live]
    assert outputs.listeners == 1


def test_title_reaches_newcomers_and_those_who_listen(outputs: Outputs) -> None:
    hearer, (feed,), _ = join(outputs, MP3, icy=True)
    assert b"StreamTitle='Song';" in hearer.heard
    outputs.retitle("Next")
    outputs.accept(MP3_FRAMES)
    feed.flush()
    assert b"StreamTitle='Next';" in hearer.heard


def test_pass_through_is_closed_when_idle_as_well_and_opens_again(outputs: Outputs) -> None:
    hearer, (feed,), _ = join(outputs, MP3)
    feed.leave(hearer)
    outputs.tidy(0.0, 0.0)
    outputs.tidy(0.0, 0.0)
    assert outputs.all == []
    again, _, _ = join(outputs, MP3)
    assert again.heard == hearer.heard


def test_output_that_nobody_hears_is_not_encoded_on(codecs: RecordedCodecs) -> None:
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(MONO)
    hearer, (feed,), _ = join(outputs, MP3)
    feed.leave(hearer)
    gone(outputs)
    outputs.accept(MP3_FRAMES)
    assert (outputs.all, codecs.jobs) == ([], [])
    _, _, output = join(outputs, MP3)
    assert (output.coding.rate, output.coding.channels) == (RATE, 2)


def test_end_is_told_at_once_where_packets_are_passed_on_and_elsewhere_when_flushed(
    outputs: Outputs, codecs: RecordedCodecs
) -> None:
    own, _, _ = join(outputs, MP3)
    other, _, _ = join(outputs, OPUS)
    (job,) = codecs.jobs
    job.deliver([Coded(OPUS, noise([100] * 5), OPUS_HEAD)])
    outputs.end()
    assert own.ended
    assert not other.ended
    assert job.orders[-1] == ("finish", None)
    last = noise([100], seed=9)
    job.deliver([Coded(OPUS, last)])
    job.done(False)
    assert other.ended
    assert last[0].payload in other.heard


def test_outputs_that_have_ended_are_freed_with_their_last_reference(
    codecs: RecordedCodecs,
) -> None:
    gc.disable()
    try:
        outputs = outputs_of(codecs, 96_000, "Night Line", "Song")
        outputs.accept(MP3_FRAMES)
        join(outputs, OPUS)
        join(outputs, MP3)
        codecs.jobs[0].deliver([Coded(OPUS, noise([500] * 3), OPUS_HEAD)])
        outputs.end()
        codecs.jobs.pop().done(False)
        left = weakref.ref(outputs)
        del outputs
        assert left() is None
    finally:
        gc.enable()


def test_a_new_link_of_another_shape_passes_through_on_one_stream(codecs: RecordedCodecs) -> None:
    stereo = frames_of(programme(1.0), "opus")
    mono = frames_of(programme(1.0, channels=1), "opus")
    outputs = outputs_of(codecs, 0, "", "")
    outputs.accept(stereo)
    hearer, (feed,), _ = join(outputs, OPUS)
    outputs.accept(mono)
    feed.flush()
    assert hearer.heard.count(b"OpusHead") == 1
    assert mono[0].payload in hearer.heard
    assert outputs.end_at == placed(stereo + mono)[-1].end


class Deaf(Hearer):
    """Keeps nothing of what they are given."""

    def write(self, data: bytes) -> None:
        assert data


def in_every_delivery(outputs: Outputs, codecs: RecordedCodecs) -> list[tuple[Feed, Hearer]]:
    """A listener in each wire format and profile of all that is offered."""
    listeners: list[tuple[Feed, Hearer]] = []
    for rendition in OFFERED:
        for wire in dict.fromkeys(wire_of(rendition.codec, titled) for titled in (False, True)):
            for profile in Profile:
                hearer, feeds = Deaf(), []  # type: tuple[Hearer, list[Feed]]
                outputs.join(hearer, rendition, Delivery(wire, profile), feeds.append)
                if rendition is not MP3 and not feeds:
                    config = OPUS_HEAD if rendition is OPUS else b""
                    codecs.jobs[0].deliver([Coded(rendition, [], config)])
                listeners += [(feed, hearer) for feed in feeds]
    return listeners


def kept_at_most(sizes: Sizes, rendition: Rendition, slow: bool) -> float:
    """Of one that is heard in every delivery. Pages are bytes of their own; where packets go out
    as they are, all feeds share what the largest keeps, but for where title blocks stand."""
    steady, low = sizes.of(rendition), sizes.of(rendition, Profile.LOW)
    feeds = [size.keep if slow else size.burst + size.start for size in (steady, low)]
    paged = rendition.codec is Codec.OPUS
    return 1.1 * (sum(feeds) + steady.start if paged else max(feeds))


@pytest.mark.parametrize("slow", [False, True], ids=["all keep up", "one of each feed is behind"])
def test_sound_of_a_station_is_kept_once_and_bounded_whatever_it_is_heard_in(
    slow: bool, codecs: RecordedCodecs
) -> None:
    sizes = Sizes(49_152, 262_144)
    outputs = outputs_of(codecs, 0, "", "", sizes=sizes)
    outputs.accept(MP3_FRAMES)
    listeners = in_every_delivery(outputs, codecs)
    assert len(listeners) == 10
    for feed, hearer in listeners if slow else []:
        feed.pause(hearer)
    (job,) = codecs.jobs
    for second in range(30):
        fresh = noise([384] * 50, second)
        outputs.accept([Frame(packet.payload, MP3_FRAMES[0].format, 960) for packet in fresh])
        for rendition, size in ((OPUS, 240), (AAC, 320)):
            made = noise([size] * 50, second)
            later = [Packet(p.payload, p.at + second * RATE, p.duration) for p in made]
            job.deliver([Coded(rendition, later)])
        for turn in range(TURNS):
            for feed, _ in listeners:
                feed.flush_turn(turn)
    job.fed.clear()
    limit = sum(kept_at_most(sizes, rendition, slow) for rendition in OFFERED)
    assert 0.8 * limit < bytes_kept(outputs) < limit
