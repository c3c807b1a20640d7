"""How long a Vorbis packet plays, told without decoding it (Vorbis I, sections 4.2 and 4.3).

Does:        read the two block sizes of a stream and which of its modes use which; from then on
             tell each packet's samples from its first byte; refuse codebooks that a decoder would
             be long at.
Never:       unpacks codebooks: the modes stand at the very end of the setup header, so they are
             read backwards from its framing bit.
Guarantees:  the same count that a decoder gives for the same run of packets: a quarter of this
             block and a quarter of the one before; the first packet gives nothing.
"""

from __future__ import annotations

from talas_stream.wire.errors import MalformedHeader

IDENTITY_BYTES = 30

_BLOCKS_AT = 28
_MODE_BITS = 41  # blockflag 1, window type 16, transform type 16, mapping 8
_COUNT_BITS = 6
_MAX_MODES = 64

MOST_SETUP_BYTES = 1 << 16
MOST_BOOKS = 256
MOST_ENTRIES = 1 << 16
MOST_VALUES = 1 << 19
"""Of a stream: bytes of its setup header, codebooks, as many as that can count, and what they hold
together; a value is one dimension of an entry. A decoder makes tables of them, which may take
seconds and gigabytes. What libvorbis writes, at any rate and quality, has 44 codebooks in 4 KB,
with 12 thousand entries and 64 thousand values at most."""

_BOOK = b"BCV"
_DIMENSIONS_BYTES, _ENTRIES_BYTES = 2, 3


class BlockSizes:
    """Counts the samples of a stream's packets, which must be offered in order."""

    def __init__(self, identity: bytes, setup: bytes) -> None:
        """Raises MalformedHeader when the headers do not tell the block sizes, or as `check_books`
        does."""
        exponents = identity[_BLOCKS_AT]
        short, long = 1 << (exponents & 15), 1 << (exponents >> 4)
        if not 64 <= short <= long <= 8192:
            raise MalformedHeader(f"Vorbis has no blocks of {short} and {long} samples.")
        check_books(setup)
        self._blocks = [long if flag else short for flag in mode_flags(setup)]
        self._mode_mask = (1 << (len(self._blocks) - 1).bit_length()) - 1
        self._before = 0

    def samples(self, packet: bytes) -> int | None:
        """Samples per channel that `packet` completes; None when it is no audio packet."""
        if not packet or packet[0] & 1:
            return None
        mode = packet[0] >> 1 & self._mode_mask
        if mode >= len(self._blocks):
            return None
        before, self._before = self._before, self._blocks[mode]
        return (before + self._before) // 4 if before else 0


def check_books(setup: bytes) -> None:
    """Raises MalformedHeader for codebooks that are too much work.

    Each begins with the same three bytes, then come its dimensions and its entries (section 3.2.1);
    it may begin at any bit. What only looks like a beginning counts too.
    """
    if len(setup) > MOST_SETUP_BYTES:
        raise MalformedHeader("The setup header of this Vorbis stream is too large.")
    bits = int.from_bytes(setup, "little")
    books = entries = values = 0
    for shift in range(8):
        shifted = (bits >> shift).to_bytes(len(setup), "little")
        at = shifted.find(_BOOK)
        while at >= 0:
            at += len(_BOOK)
            end = at + _DIMENSIONS_BYTES
            count = int.from_bytes(shifted[end : end + _ENTRIES_BYTES], "little")
            entries += count
            values += count * int.from_bytes(shifted[at:end], "little")
            books += 1
            if books > MOST_BOOKS or entries > MOST_ENTRIES or values > MOST_VALUES:
                raise MalformedHeader("The codebooks of this Vorbis stream are too large.")
            at = shifted.find(_BOOK, at)


def mode_flags(setup: bytes) -> list[int]:
    """For each mode, in order, whether it uses the long block. Raises MalformedHeader.

    The header's last bit that is set frames it; the modes stand before that, and their number
    before them. A run of modes may look as if it had other numbers too: the longest run counts.
    """
    bits = int.from_bytes(setup, "little")
    start = bits.bit_length() - 1
    flags: list[int] = []
    found: list[int] = []
    while len(flags) < _MAX_MODES and start >= _MODE_BITS + _COUNT_BITS:
        start -= _MODE_BITS
        mode = bits >> start & (1 << _MODE_BITS) - 1
        if mode >> 1 & 0xFFFFFFFF or mode >> 33 >= _MAX_MODES:
            break
        flags.append(mode & 1)
        if bits >> (start - _COUNT_BITS) & (1 << _COUNT_BITS) - 1 == len(flags) - 1:
            found = flags[::-1]
    if not found:
        raise MalformedHeader("The modes of this Vorbis stream cannot be read.")
    return found
