"""Which sources' packets can be passed on to listeners as they are.

Does:        tell the coding of an output that is made of a source's own packets, from the first of
             them; make frames of silence for it.
Never:       passes on what could not go on without that source: layers I and II, AAC that is not
             LC, Opus of several streams or with a gain. Those are decoded and coded anew.
Guarantees:  what an encoder of ours makes in the same coding may follow on what was passed on, and
             the other way round: no decoder has to begin anew.
From / to:   outputs.py, output.py  ->  here  ->  wire
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from talas_stream.media import LADDER, RATE, Codec, Frame, Packet, Rendition
from talas_stream.wire import adts, mpeg, opus
from talas_stream.wire.errors import MalformedHeader
from talas_stream.wire.silence import OPUS_SAMPLES, silent_adts, silent_mpeg, silent_opus

LAYER_III, AAC_LC = 3, 2
ADTS_SAMPLES = 1024


def own_coding(frame: Frame) -> Rendition | None:
    """The coding of an output that is made of packets like `frame`; None where it is none that
    could be gone on with."""
    codec, rate, channels = frame.format.codec, frame.format.rate, frame.format.channels
    if not isinstance(codec, Codec) or codec not in _GOES_ON or not _GOES_ON[codec](frame):
        return None
    if codec is Codec.OPUS:
        # Its decoders take mono and stereo in any sequence.
        rate, channels = RATE, 2
    return msgspec.structs.replace(LADDER[codec], rate=rate, channels=channels)


def silence_after(coding: Rendition, payload: bytes, size: int) -> tuple[bytes, int]:
    """A frame of silence that may follow on `payload` in an output of `coding`, of about `size`
    bytes, and its samples at the coding's rate. Raises MalformedHeader."""
    if coding.codec is Codec.MP3:
        frame = silent_mpeg(payload)
        return frame, 1152 if coding.rate >= 32_000 else 576
    if coding.codec is Codec.AAC:
        return silent_adts(payload, size), ADTS_SAMPLES
    return silent_opus(size), OPUS_SAMPLES


def untrimmed(packet: Packet, coding: Rendition) -> Packet:
    """The packet as long as it plays. The last of an Ogg Opus stream may be meant to play shorter
    (RFC 7845, 4.4), which only the end of a stream can say."""
    if coding.codec is not Codec.OPUS:
        return packet
    plays = max(packet.duration, opus.packet_samples(packet.payload))
    return packet if plays == packet.duration else Packet(packet.payload, packet.at, plays)


def _goes_on_mp3(frame: Frame) -> bool:
    header = mpeg.parse_header(frame.payload)
    return header is not None and header.layer == LAYER_III


def _goes_on_aac(frame: Frame) -> bool:
    header = adts.parse_header(frame.payload)
    return header is not None and header.object_type == AAC_LC and header.samples == ADTS_SAMPLES


def _goes_on_opus(frame: Frame) -> bool:
    try:
        head = opus.parse_head(frame.format.config)
    except MalformedHeader:
        return False
    return head.streams == 1 and head.gain == 0


_GOES_ON: dict[Codec, Callable[[Frame], bool]] = {
    Codec.MP3: _goes_on_mp3,
    Codec.AAC: _goes_on_aac,
    Codec.OPUS: _goes_on_opus,
}
