"""The outputs of a station without one: what they are fed, who listens, and how sources go."""

import gc
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any

import msgspec

from support.sound import programme
from support.stage import KERNELS, Hearer, RecordedCodecs, frames_of
from talas_core.clock import FakeClock
from talas_stream.media import LADDER, RATE, Frame, Rendition
from talas_stream.output.delivery import Delivery, wire_of
from talas_stream.output.feed import Feed
from talas_stream.output.output import Output
from talas_stream.output.sizes import Sizes
from talas_stream.station.outputs import Outputs

SIZES = Sizes(49_152, 65_536)
MP3_FRAMES = frames_of(programme(8.0), "mp3")
OPUS, AAC, MP3 = LADDER["opus"], LADDER["aac"], LADDER["mp3"]
FLAC, LEAN = LADDER["flac"], LADDER["32.opus"]
OFFERED = (OPUS, AAC, MP3)
MONO = frames_of(programme(2.0, 44_100, 1), "mp3", 44_100)
STEREO_OPUS = frames_of(programme(2.0), "opus")


def outputs_of(
    codecs: RecordedCodecs,
    *told: Any,
    renditions: Iterable[Rendition] = OFFERED,
    clock: FakeClock | None = None,
    sizes: Sizes = SIZES,
) -> Outputs:
    now = (clock or FakeClock()).monotonic
    return Outputs(
        *told, renditions=renditions, kernels=KERNELS, codecs=codecs, sizes=sizes, now=now
    )


def join(
    outputs: Outputs, rendition: Rendition, icy: bool = False
) -> tuple[Hearer, list[Feed], Output]:
    hearer, feeds = Hearer(), []  # type: tuple[Hearer, list[Feed]]
    live = outputs.join(hearer, rendition, Delivery(wire_of(rendition.codec, icy)), feeds.append)
    return hearer, feeds, live


def payloads(frames: list[Frame]) -> bytes:
    return b"".join(frame.payload for frame in frames)


def gone(outputs: Outputs, ticks: int = RATE) -> None:
    """The source goes, and so long nobody sends."""
    outputs.rest(outputs.end_at + ticks)


def feeds_flushed(output: Output) -> None:
    for feed in output.feeds:
        feed.flush()


def bytes_kept(root: object) -> int:
    """Bytes of all `bytes` that hang on an object, each counted once, however often it is held."""
    seen: set[int] = set()
    left, total = [root], 0
    while left:
        thing = left.pop()
        if id(thing) in seen or isinstance(thing, type | ModuleType | FunctionType):
            continue
        seen.add(id(thing))
        if isinstance(thing, bytes):
            total += len(thing)
        elif isinstance(thing, msgspec.Struct):  # which may hide from the garbage collector
            left += [getattr(thing, name) for name in thing.__struct_fields__]
        else:
            left += gc.get_referents(thing)
    return total
