"""The bytes of the attacks are what they claim: our own parsers read them so."""

from __future__ import annotations

from attack import payloads
from attack.payloads import Body
from talas_stream import kernels
from talas_stream.ingest.reader import GIVE_UP_BYTES, SourceReader
from talas_stream.media import Frame
from talas_stream.wire.chunked import ChunkedReader
from talas_stream.wire.flac import parse_frame_header
from talas_stream.wire.ogg_pages import PageReader


def frames(body: Body, data: bytes) -> list[Frame]:
    """What a source's body is read as, which begins so and goes on with `data`."""
    reader = SourceReader(kernels.select("off"))
    found = reader.feed(body.start) if body.start else []
    return found + reader.feed(data)


def test_false_headers_are_headers_of_more_samples_than_bytes() -> None:
    again = payloads.false_headers().again
    header = parse_frame_header(again)
    assert header is not None
    assert (header.samples, header.size) == (16_384, 8)
    assert again == again[:8] * (len(again) // 8)


def test_links_payload_has_frames_of_one_sample_at_alternating_rates() -> None:
    body = payloads.links()
    found = frames(body, body.again[:540])
    assert {frame.samples for frame in found} == {1}
    assert [frame.format.rate for frame in found][:4] == [191_999, 187_507] * 2


def test_samples_payload_has_frames_of_one_sample() -> None:
    body = payloads.samples()
    found = frames(body, body.again[:1200])
    assert [frame.samples for frame in found] == [1] * len(found)
    assert len(found) > 90


def test_padded_packets_last_2_5_ms_and_have_250_kb() -> None:
    body = payloads.padded_opus()
    packet = b"".join(piece for page in PageReader().feed(body.again) for piece in page.packets)
    whole, rest = divmod(len(packet), 4)
    assert rest == 0
    assert whole > payloads.PADDING_BYTES
    assert packet[0] >> 3 == 16  # CELT, narrow band, 2.5 ms (RFC 6716, section 3.1)


def test_voids_and_false_pages_hold_just_enough_frames_not_to_be_cut() -> None:
    for body in (payloads.voids(), payloads.empty_pages()):
        assert len(body.again) < GIVE_UP_BYTES
        assert frames(body, body.again[-20_000:])


def test_false_pages_promise_more_than_they_are() -> None:
    assert payloads.false_pages().again.startswith(b"OggS" + bytes(22) + b"\xff" * 256)


def test_crumbs_payload_is_the_same_body_in_chunks_of_one_byte() -> None:
    body = payloads.loud_wav()
    start = payloads.crumbs(body).start
    assert ChunkedReader().feed(start) == body.start
    assert len(start) == 6 * len(body.start)
