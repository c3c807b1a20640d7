"""A source's own sound: silence in MP3, as much as is due. Pure: times in, bytes out.

Does:        make chunks of frames (RFC 9112, section 7.1), in real time from the first on.
Never:       touches a socket or a clock; sends faster than a listener hears, but for LEAD_SECONDS.
Guarantees:  every byte is a whole frame of 128 kbit/s at 48 kHz.
"""

from __future__ import annotations

FRAME = b"\xff\xfb\x94\x00" + bytes(380)
FRAME_SECONDS = 0.024
LEAD_SECONDS = 0.5


class Sending:
    """One broadcast, begun at time `now`."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._frames = 0

    def due(self, now: float) -> bytes:
        """The chunk to send at `now`, perhaps none."""
        frames = int((now - self._began + LEAD_SECONDS) / FRAME_SECONDS) - self._frames
        if frames <= 0:
            return b""
        self._frames += frames
        return b"%x\r\n%b\r\n" % (frames * len(FRAME), FRAME * frames)
