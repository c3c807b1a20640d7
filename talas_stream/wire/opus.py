"""Opus packets and the two headers they travel with (RFC 6716, RFC 7845).

Does:        read and write OpusHead and OpusTags; tell how long a packet plays.
Never:       decodes. Knows nothing of Ogg pages.
Guarantees:  lengths in a header are checked against what is there before anything is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from talas_stream.wire.errors import MalformedHeader

SAMPLE_RATE = 48000
MAX_PACKET_SAMPLES = 5760  # 120 ms
MAX_FRAME_BYTES = 1275
"""Of one frame (RFC 6716, section 3.2.1)."""
MAX_STREAMS = 8
"""Of one packet, and channels too: no source has more than eight to send, and each is a decoder's
work."""
MAX_COMMENTS = 256
"""Read of one packet; what more there is says nothing to a listener."""
_SIZE_BYTES = 2  # how long a frame is, as a packet tells it at most

HEAD_MAGIC = b"OpusHead"
TAGS_MAGIC = b"OpusTags"
_HEAD_BYTES = 19

# Samples of one frame by the packet's configuration: SILK at 10 to 60 ms in three bandwidths,
# hybrid at 10 and 20 ms in two, CELT at 2.5 to 20 ms in four.
_FRAME_SAMPLES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4


class OpusHead(msgspec.Struct, frozen=True):
    """What OpusHead says.

    `pre_skip` is how many samples at 48 kHz a decoder drops at the start; `input_rate` in Hz is
    for show; `gain` is in 1/256 dB; `mapping` is the channel table of families other than 0.
    """

    channels: int
    pre_skip: int
    input_rate: int = SAMPLE_RATE
    gain: int = 0
    mapping_family: int = 0
    mapping: bytes = b""

    @property
    def streams(self) -> int:
        """Streams in each packet (RFC 7845, section 5.1.1)."""
        return self.mapping[0] if self.mapping else 1


def parse_head(packet: bytes) -> OpusHead:
    """Read an OpusHead packet. Raises MalformedHeader."""
    if len(packet) < _HEAD_BYTES or not packet.startswith(HEAD_MAGIC):
        raise MalformedHeader("This is no OpusHead packet.")
    # The upper half of the version changes when old readers would go wrong.
    if packet[8] > 15 or packet[9] == 0:
        raise MalformedHeader("This OpusHead is of an unknown version, or has no channels.")
    channels, family = packet[9], packet[18]
    mapping = packet[_HEAD_BYTES : _HEAD_BYTES + 2 + channels] if family else b""
    if (family and len(mapping) < 2 + channels) or (not family and channels > 2):
        raise MalformedHeader("This OpusHead has no table for its channels.")
    if channels > MAX_STREAMS or (family and mapping[0] > MAX_STREAMS):
        raise MalformedHeader(f"This OpusHead has more than {MAX_STREAMS} channels or streams.")
    return OpusHead(
        channels=channels,
        pre_skip=int.from_bytes(packet[10:12], "little"),
        input_rate=int.from_bytes(packet[12:16], "little"),
        gain=int.from_bytes(packet[16:18], "little", signed=True),
        mapping_family=family,
        mapping=mapping,
    )


def build_head(head: OpusHead) -> bytes:
    """The OpusHead packet that says what `head` says."""
    return (
        HEAD_MAGIC
        + bytes((1, head.channels))
        + head.pre_skip.to_bytes(2, "little")
        + head.input_rate.to_bytes(4, "little")
        + head.gain.to_bytes(2, "little", signed=True)
        + bytes((head.mapping_family,))
        + head.mapping
    )


def build_tags(vendor: str, comments: Mapping[str, str] | None = None) -> bytes:
    """An OpusTags packet: who encoded, and `NAME=value` comments."""
    entries = [f"{name}={value}" for name, value in (comments or {}).items()]
    return (
        TAGS_MAGIC
        + _counted(vendor)
        + len(entries).to_bytes(4, "little")
        + b"".join(map(_counted, entries))
    )


def parse_tags(packet: bytes) -> dict[str, str]:
    """The comments of an OpusTags packet, names in upper case, the last of a name; of more than
    MAX_COMMENTS the first.

    What is not UTF-8 is replaced. Raises MalformedHeader when a length leads past the end.
    """
    if not packet.startswith(TAGS_MAGIC):
        raise MalformedHeader("This is no OpusTags packet.")
    _, at = _take_counted(packet, len(TAGS_MAGIC))
    count, at = _take_length(packet, at)
    tags = {}
    for _ in range(min(count, MAX_COMMENTS)):
        entry, at = _take_counted(packet, at)
        name, equals, value = entry.partition("=")
        if equals:
            tags[name.upper()] = value
    return tags


def packet_samples(packet: bytes, streams: int = 1) -> int:
    """How long a packet of so many streams plays, in samples at 48 kHz; 0 when it is malformed, or
    longer than that many frames can be, padding included."""
    if not packet:
        return 0
    code = packet[0] & 3
    if code == 0:
        frames = 1
    elif code < 3:
        frames = 2
    else:
        frames = packet[1] & 63 if len(packet) > 1 else 0
    samples = frames * _FRAME_SAMPLES[packet[0] >> 3]
    # Each stream has a first byte, and one that counts frames, before its own.
    most = (frames * (MAX_FRAME_BYTES + _SIZE_BYTES) + 2) * min(streams, MAX_STREAMS)
    return samples if samples <= MAX_PACKET_SAMPLES and len(packet) <= most else 0


def _counted(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(4, "little") + data


def _take_length(packet: bytes, at: int) -> tuple[int, int]:
    end = at + 4
    if end > len(packet):
        raise MalformedHeader("This OpusTags packet ends too early.")
    return int.from_bytes(packet[at:end], "little"), end


def _take_counted(packet: bytes, at: int) -> tuple[str, int]:
    size, at = _take_length(packet, at)
    end = at + size
    if end > len(packet):
        raise MalformedHeader("This OpusTags packet ends too early.")
    return packet[at:end].decode("utf-8", "replace"), end
