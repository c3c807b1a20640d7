"""What a source sends, from the bytes of its socket to frames: cut, counted and paced.

Does:        keep what was read and not yet taken; take it slice by slice; say how long the source
             is to be held back, for its audio or for what it is charged; refuse what has no frame
             for FRAMELESS_SECONDS, but for the time that a cover picture takes.
Never:       touches a socket, or asks a clock.
Guarantees:  what is taken at once is bounded, however much was read; every byte, read and step is
             in the account.
From / to:   ingest.icecast  ->  here  ->  ingest.reader, ingest.charge
"""

from __future__ import annotations

from talas_stream.ingest.body import Body
from talas_stream.ingest.charge import Account, work_seconds
from talas_stream.ingest.pace import SourcePace
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import Frame

FRAMELESS_SECONDS = 5.0
"""How long bytes may come without a frame. The longest that an encoder of live audio needs for one
is an Ogg page of 255 packets, which it then sends at once."""

PAUSE_SECONDS = 4.0
"""What a time without bytes counts for at most: a line that stalls within a frame is no garbage.
Some programs send what is no audio in bursts of seconds all the same."""

PICTURE_BYTES_A_SECOND = 8192
"""A picture may take the time that it has at this rate, beyond FRAMELESS_SECONDS: some programs
send it no faster than audio. wire.allowance bounds the bytes, and so the time."""

SLICE = 1024
"""Bytes taken between two looks at the pace: half a second of the leanest speech. More would be a
flood to the codec worker, which leaves out what is too much at once."""


class Intake:
    """One source's bytes: its `body`, the `reader` that finds frames in it, and the `account` of
    what was taken. `pace` is for its audio, `charge_pace` for what it is charged; `bytes_arrived`
    counts what was put, `bytes_read` what was taken of the body."""

    def __init__(
        self, body: Body, reader: SourceReader, pace: SourcePace, charge_pace: SourcePace
    ) -> None:
        self.body = body
        self.reader = reader
        self._pace = pace
        self._charge_pace = charge_pace
        self.account = Account()
        self._pending = b""
        self._taken = 0  # of what is pending
        self._reads = 0
        self.bytes_arrived = 0
        self._wire_bytes = 0
        self._frameless = 0.0
        self._looked_at: float | None = None
        self.bytes_read = 0

    @property
    def waits(self) -> bool:
        """Whether there is more to take."""
        return self._taken < len(self._pending) and not self.body.done

    @property
    def waiting_bytes(self) -> int:
        """Bytes read and not yet taken."""
        return len(self._pending) - self._taken

    def put(self, data: bytes) -> None:
        """Keep what was read, to be taken later."""
        self._reads += 1
        self.bytes_arrived += len(data)
        self._pending = self._pending[self._taken :] + data if self._pending else data
        self._taken = 0

    def take(self, now: float) -> list[Frame]:
        """The frames that the next slice completes, at time `now`. Raises TalasError where the
        source is to be refused."""
        if self._looked_at is None:
            # The schedule begins with the first slice, not behind it: that counts, too.
            self.hold(now)
        piece = self._pending[self._taken : self._taken + SLICE]
        self._taken += len(piece)
        self._wire_bytes += len(piece)
        if self._taken == len(self._pending):
            self._pending, self._taken = b"", 0
        audio = self.body.feed(piece)
        self.bytes_read += len(audio)
        frames = self._entered(self.reader.feed(audio) if audio else [])
        self._check(frames, now)
        return frames

    def flush(self) -> list[Frame]:
        """The frames that the end completes."""
        return self._entered(self.reader.flush())

    def hold(self, now: float) -> float:
        """Seconds to wait before more is taken, at time `now`."""
        for_audio = self._pace.hold(self.account.media, now)
        return max(for_audio, self._charge_pace.hold(self.account.charge, now))

    def _check(self, frames: list[Frame], now: float) -> None:
        """Raises UnsupportedMedia where bytes have come for long without a frame."""
        since = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        self._frameless = 0.0 if frames else self._frameless + min(since, PAUSE_SECONDS)
        allowed = FRAMELESS_SECONDS + self.reader.overlooked / PICTURE_BYTES_A_SECOND
        if self._frameless > allowed:
            raise self.reader.no_audio(f"{FRAMELESS_SECONDS:.0f} s")

    def _entered(self, frames: list[Frame]) -> list[Frame]:
        work = work_seconds(reads=self._reads, steps=self.body.steps) + self.reader.work
        self.account.take(frames, self._wire_bytes, work)
        return frames
