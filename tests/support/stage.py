"""Stand-ins for the neighbours of the audio path, and frames and packets to send along it."""

from __future__ import annotations

import random
from collections.abc import Callable

from support.sound import Array, coded
from talas_stream import kernels
from talas_stream.codec.messages import Coded, Metered
from talas_stream.codec.stages.pipeline import Pipeline
from talas_stream.codec.tools import tools
from talas_stream.ingest.reader import SourceReader
from talas_stream.media import Frame, Packet, Rendition
from talas_stream.output.fanout import NO_SOCKET
from talas_stream.output.packetise import METAINT
from talas_stream.output.sizes import Size
from talas_stream.station.timeline import Timeline

KERNELS = kernels.select("auto")
TOOLS = tools(KERNELS)
WITHOUT_NATIVE = tools(kernels.select("off"))
"""AAC by FFmpeg's encoder."""
OPUS_HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
"""Stereo, with the 312 samples of pre-skip that libopus has."""


ALL = 1 << 40
"""More ticks than any history has."""


def frames_of(sound: Array, coding: str, rate: int = 48_000) -> list[Frame]:
    """`sound` as a source's frames."""
    reader = SourceReader(KERNELS)
    return reader.feed(coded(sound, coding, rate)) + reader.flush()


def placed(frames: list[Frame], start: int = 0) -> list[Packet]:
    """The frames on a timeline."""
    timeline = Timeline(start)
    return [timeline.place(frame) for frame in frames]


def open_whole(pipeline: Pipeline, rendition: Rendition) -> tuple[bytes, list[Packet]]:
    """Begin `rendition`, with all of the history at once: its config, and the packets of that."""
    pipeline.begin(rendition, ALL)
    [made] = pipeline.advance(ALL)
    return made.config or b"", made.packets


def noise(sizes: list[int], seed: int = 1, duration: int = 960) -> list[Packet]:
    """Packets of random bytes, one after the other in media time."""
    dice = random.Random(seed)
    return [
        Packet(dice.randbytes(size), number * duration, duration)
        for number, size in enumerate(sizes)
    ]


def sized(burst: int, keep: int) -> Size:
    """The buffers of a feed, in bytes, with no limit in time."""
    return Size(burst, burst + METAINT, keep, ALL)


class Hearer:
    """A listener that keeps what it is given."""

    idle_socket = NO_SOCKET

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.ended = False

    @property
    def heard(self) -> bytes:
        return b"".join(self.got)

    def write(self, data: bytes) -> None:
        assert not self.ended, "bytes after the end"
        assert data, "nothing to write"
        self.got.append(data)

    def end(self) -> None:
        assert not self.ended, "the end twice"
        self.ended = True


class RecordedJob:
    """A codec job that only notes its orders; `deliver` and `done` are the test's to call."""

    def __init__(
        self,
        history_ticks: int,
        deliver: Callable[[list[Coded | Metered]], None],
        done: Callable[[bool], None],
    ) -> None:
        self.history_ticks = history_ticks
        self.deliver = deliver
        self.done = done
        self.fed: list[Packet] = []
        self.orders: list[tuple[str, Rendition | None]] = []
        self.resumed: dict[Rendition, int | None] = {}
        self.full = False

    def feed(self, frame: Frame, packet: Packet) -> None:
        self.fed.append(packet)

    def open(self, rendition: Rendition, ticks: int, resume: int | None = None) -> None:
        self.resumed[rendition] = resume
        self.orders.append(("open", rendition))

    def close(self, rendition: Rendition) -> None:
        self.orders.append(("close", rendition))

    def meter(self) -> None:
        self.orders.append(("meter", None))

    def finish(self) -> None:
        self.orders.append(("finish", None))


class RecordedCodecs:
    """Gives out recorded jobs."""

    def __init__(self, metering: bool = False) -> None:
        self.metering = metering
        self.jobs: list[RecordedJob] = []
        self.full = False

    def job(
        self,
        history_ticks: int,
        deliver: Callable[[list[Coded | Metered]], None],
        done: Callable[[bool], None],
    ) -> RecordedJob:
        self.jobs.append(RecordedJob(history_ticks, deliver, done))
        return self.jobs[-1]
