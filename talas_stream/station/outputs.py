"""What a station is heard in while anything is heard of it: its outputs, across inputs.

Does:        place what the inputs send on one timeline; keep the last of it; pass it on to the
             output that is coded alike; have the others made, each only while somebody listens; let
             silence follow while there is no input.
Never:       knows where a source or a listener is connected, or asks a clock.
Guarantees:  an output's coding never changes while it has a listener: an input that would change it
             is encoded into it. Media time goes on without a gap from one input to the next, and so
             does each output. Where an input is passed on after one that was encoded, it waits for
             the encoder to tell the end of that; where no worker does, the end is silence. A
             listener of any starts with the last seconds that were sent.

    input as the output is coded ──> passed on ─────────────────────────┐
    input in any other coding ─────> encoded into the output's coding ──┴──> output
    no input ──────────────────────> silence, in the output's coding ───┘

From / to:   station.py  ->  here  ->  coding.py, output.py
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import partial

from talas_core.errors import Unavailable
from talas_stream.codec.stages.meter import Reading
from talas_stream.kernels import Kernels
from talas_stream.media import LADDER, RATE, SILENT, Format, Frame, Packet, Rendition
from talas_stream.output.delivery import Delivery
from talas_stream.output.feed import Feed, Listener
from talas_stream.output.output import Output
from talas_stream.output.passing import own_coding, untrimmed
from talas_stream.output.sizes import Sizes
from talas_stream.station.coding import Codecs, Coding
from talas_stream.station.input_history import InputHistory
from talas_stream.station.timeline import Timeline

REST_TICKS = RATE // 50
"""Silence between two inputs, at least: the one fades out in it before the other fades in."""

_MOST_SILENT_TICKS = RATE // 10
"""Of one frame of silence."""


class Outputs:
    """From `start` on, in ticks of the station's media time. `renditions` are those to be ready
    for: enough is kept to fill the longest burst of theirs. `now` is the clock, in seconds, that
    `tidy` is told the time of."""

    def __init__(
        self,
        start: int,
        name: str,
        title: str,
        *,
        renditions: Iterable[Rendition],
        kernels: Kernels,
        codecs: Codecs,
        sizes: Sizes,
        now: Callable[[], float],
    ) -> None:
        self._timeline = Timeline(start)
        self._name = name
        self._title = title
        self._kernels = kernels
        self._sizes = sizes
        self._open: dict[str, Output] = {}
        self._passed: Output | None = None
        self._format: Format | None = None
        self._own: Rendition | None = None
        self._config = b""
        ticks = max(map(sizes.history_ticks, renditions), default=0)
        self._kept = InputHistory(ticks, sizes.burst)
        self._coding = Coding(
            name, codecs, sizes, ticks,
            kept=self._kept, ended=_ended_in(self._open), now=now,
        )  # fmt: skip
        self.through: Rendition | None = None
        """The rendition that the last source's own packets make; None before its first frame, and
        where there is none."""

    @property
    def reading(self) -> Reading | None:
        """What was measured last; None where nothing is."""
        return self._coding.reading

    @property
    def end_at(self) -> int:
        """Media time right after the last frame."""
        return self._timeline.end

    @property
    def all(self) -> list[Output]:
        """The outputs in use."""
        return list(self._open.values())

    @property
    def listeners(self) -> int:
        """Listeners now."""
        return sum(output.listeners for output in self._open.values())

    def passes(self, rendition: Rendition) -> bool:
        """Whether `rendition` is, or would be, made of the source's own packets."""
        output = self._open.get(rendition.name)
        return rendition is self.through and (output is None or output is self._passed)

    @property
    def bit_rate(self) -> int:
        """What the source's packets come to, in kbit/s, over what is kept of them."""
        return self._kept.bit_rate

    def accept(self, frames: list[Frame]) -> None:
        """Take what the source sent, in order."""
        packets: list[Packet] = []
        for frame in frames:
            if frame.format is not self._format:
                self._pass_on(packets)
                packets = []
                self._change(frame)
            packets.append(self._place(frame))
        self._pass_on(packets)

    def rest(self, until: int) -> None:
        """Let silence follow, up to `until` in media time."""
        self._format = SILENT
        while (left := until - self.end_at) > 0:
            self._place(Frame(b"", SILENT, min(left, _MOST_SILENT_TICKS)))
        self._stay()
        if self._passed is not None:
            self._passed.rest(self.end_at)

    def admit(self, rendition: Rendition) -> None:
        """Raises Unavailable where `rendition` would have to be encoded and nobody has time for it,
        or that has failed again and again.
        What is being made already, or needs no encoder, is never refused."""
        if rendition.name in self._open or self._can_pass(rendition):
            return
        if self._coding.failing:
            raise Unavailable(f"{rendition.name} cannot be encoded", retry_after=30)
        if self._coding.full:
            raise Unavailable(f"no time left to encode {rendition.name}", retry_after=10)

    def join(
        self,
        listener: Listener,
        rendition: Rendition,
        delivery: Delivery,
        joined: Callable[[Feed], None],
    ) -> Output:
        """Let a listener in; `joined` is told its feed. There must have been a frame.

        Raises Unavailable as `admit` does.
        """
        self.admit(rendition)
        output = self._open.get(rendition.name)
        if output is None:
            output = self._begin(rendition)
        output.join(listener, delivery, joined)
        return output

    def retitle(self, title: str) -> None:
        """What is playing from here on."""
        self._title = title
        for output in self._open.values():
            output.retitle(title)

    def tidy(self, now: float, idle_seconds: float) -> None:
        """Close the outputs that nobody has listened to for `idle_seconds`."""
        for output in self.all:
            if output.listeners:
                output.idle_since = None
            elif output.idle_since is None:
                output.idle_since = now
            elif now - output.idle_since >= idle_seconds:
                self._close(output)
        self._coding.tidy(now)

    def end(self) -> None:
        """Nothing more will come: send what is left, then end every listener."""
        self._stay()
        passed, self._passed = self._passed, None
        if passed is not None:
            del self._open[passed.rendition.name]
            passed.end()
        self._coding.finish()

    def _place(self, frame: Frame) -> Packet:
        packet = self._timeline.place(frame)
        self._kept.add(frame, packet)
        self._coding.feed(frame, packet)
        return packet

    def _pass_on(self, packets: list[Packet]) -> None:
        if packets and self._passed is not None:
            if self._passed.turning and not self._coding.makes(self._passed):
                self._passed.settle()  # its job was lost, and there is room for no other
            packets[-1] = untrimmed(packets[-1], self._passed.coding)
            self._passed.pass_on(packets)

    def _change(self, frame: Frame) -> None:
        """The input goes on in another format, or another begins, with `frame`."""
        begins = self._format is None or self._format is SILENT
        if begins:
            self._coding.measure()
        self._format = frame.format
        self._config = frame.format.config
        self._own = own = own_coding(frame)
        self.through = LADDER[own.codec] if own is not None else None
        output = self._fitting(own)
        if self._passed is not output:
            self._stay()
        if self._passed is not None and self._passed is not output:
            self._encode_on(self._passed)
        if begins and output is not None:
            self._go_on_with(output, frame.format)

    def _fitting(self, own: Rendition | None) -> Output | None:
        """The output that packets of `own` coding may follow on in: its last packet is there, and
        its coding is the same."""
        output = self._open.get(own.name) if own is not None else None
        if output is None or own is None or output.end_at is None:
            return None
        alike = (output.coding.rate, output.coding.channels) == (own.rate, own.channels)
        return output if alike else None

    def _encode_on(self, output: Output) -> None:
        """What was passed on can be so no longer: go on with an encoder, if anybody listens."""
        self._passed = None
        if output.listeners:
            self._coding.open(output)
        else:
            del self._open[output.rendition.name]

    def _go_on_with(self, output: Output, format: Format) -> None:
        """Pass the new input on in an output that there was, from the end of its silence: nothing
        comes twice, and nothing is left out."""
        closed = partial(self._coding.close, output)
        seam = output.turn(self.end_at, closed) if self._coding.makes(output) else None
        if seam is None:
            closed()
            output.rest(self.end_at, over=True)
            seam = output.end_at or 0
        self._passed = output
        # An encoder's first samples are its own beginning, and sound in what is passed on only.
        start = seam + format.pre_skip
        if start > self.end_at:
            self._place(Frame(b"", SILENT, start - self.end_at))

    def _stay(self) -> None:
        """An input that ends before its output has turned to it is all the encoder's."""
        if self._passed is not None and self._passed.turning:
            self._passed.stay()
            self._passed = None

    def _begin(self, rendition: Rendition) -> Output:
        passed = self._can_pass(rendition)
        output = self._open[rendition.name] = Output(
            rendition, self._kernels, self._sizes, self._name, secrets.randbits(32),
            coding=self._own if passed else None,
        )  # fmt: skip
        output.retitle(self._title)
        if passed:
            self._passed = output
            output.ready(self._config)
            output.push(self._kept.latest())
            output.rest(self.end_at)
        else:
            self._coding.open(output)
        return output

    def _can_pass(self, rendition: Rendition) -> bool:
        """Whether an output can be made of the source's own packets. After a long silence nothing
        may be kept that tells how they were coded."""
        return rendition is self.through and not self._kept.silent

    def _close(self, output: Output) -> None:
        del self._open[output.rendition.name]
        if output is self._passed:
            self._passed = None
        self._coding.close(output)


def _ended_in(outputs: dict[str, Output]) -> Callable[[Output], None]:
    """What ends one of `outputs` that is encoded no more, but for one that turns to what is passed
    on. It knows nothing else of theirs, which would
    otherwise be kept, and what is kept with them, until the garbage collector looks for cycles."""

    def ended(output: Output) -> None:
        if output.turning:
            output.settle()
        elif outputs.pop(output.rendition.name, None) is output:
            output.end()

    return ended
