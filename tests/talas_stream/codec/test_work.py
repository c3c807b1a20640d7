"""A job's work by amounts of audio, without a process."""

import gc
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from support.sound import programme
from support.stage import KERNELS, frames_of, placed
from talas_stream.codec.mark import Mark, memory
from talas_stream.codec.messages import Coded, Metered
from talas_stream.codec.stages import pipeline as stage
from talas_stream.codec.stages.decode import Decoder
from talas_stream.codec.stages.encode import Encoder
from talas_stream.codec.stages.meter import Meter, Reading
from talas_stream.codec.turns import Job, Turns
from talas_stream.codec.work import LEAST_TICKS, SLICE, Work
from talas_stream.media import LADDER, RATE, Frame, Packet, Rendition

OPUS, AAC = LADDER["opus"], LADDER["aac"]
FRAMES = frames_of(programme(6.0), "mp3")
FED = list(zip(FRAMES, placed(FRAMES), strict=True))
FRAME = 1152


def feed(work: Work, start: int = 0, stop: int | None = None) -> None:
    for frame, packet in FED[start:stop]:
        work.feed(frame, packet)


def through(work: Work) -> None:
    while work.behind:
        work.catch_up()


def packets(work: Work, rendition: Rendition) -> list[Packet]:
    made = [output for output in work.outputs if isinstance(output, Coded)]
    return [p for out in made if out.rendition == rendition for p in out.packets]


def readings(work: Work) -> list[Reading | None]:
    return [output.reading for output in work.taken() if isinstance(output, Metered)]


def test_orders_are_done_in_sequence_and_by_amount() -> None:
    work = Work(RATE, 4 * RATE, KERNELS)
    work.open(OPUS, 60 * RATE)
    feed(work, 0, 20)
    assert work.behind
    work.run(5 * FRAME)
    assert not packets(work, OPUS), "still catching up"
    work.catch_up()
    assert packets(work, OPUS)[-1].end <= 5 * FRAME
    work.run(1)
    work.run(100 * FRAME)
    assert not work.behind
    assert packets(work, OPUS)[-1].end > 19 * FRAME
    taken = [output for output in work.taken() if isinstance(output, Coded)]
    assert [output.config is not None for output in taken][:2] == [True, False]
    assert work.taken() == []


def test_history_is_coded_in_slices_while_the_source_goes_on() -> None:
    work = Work(4 * RATE, 4 * RATE, KERNELS)
    feed(work, 0, 150)
    work.open(OPUS, 60 * RATE)
    work.run(100 * RATE)
    slices = 0
    while work.behind:
        feed(work, 150 + slices, 151 + slices)
        work.run(FRAME)
        work.catch_up()
        slices += 1
        assert packets(work, OPUS), "of use from the first slice on"
    assert slices > 3 * RATE // SLICE
    out = packets(work, OPUS)
    assert all(a.end == b.at for a, b in pairwise(out))
    assert out[-1].end > FED[149 + slices][1].end - 2000


def test_the_end_codes_what_is_left_and_nothing_comes_after() -> None:
    work = Work(RATE, 4 * RATE, KERNELS)
    feed(work, 0, 50)
    work.open(OPUS, 60 * RATE)
    work.open(AAC, 60 * RATE)
    work.close(AAC)
    work.finish()
    feed(work, 50, 60)
    work.run(100 * RATE)
    assert work.finished
    assert not work.behind
    assert FED[49][1].end <= packets(work, OPUS)[-1].end < FED[51][1].end
    assert not packets(work, AAC)


def test_the_history_a_job_starts_with_is_never_left_out() -> None:
    work = Work(RATE, RATE, KERNELS)
    feed(work, 0, 200)
    assert work.shed() == 0
    work.open(OPUS, 60 * RATE)
    feed(work, 200, 230)
    assert work.shed() == 0
    work.run(220 * FRAME)
    assert work.shed() == 0


def test_a_flood_after_the_history_leaves_out_the_flood_alone() -> None:
    work = Work(4 * RATE, RATE, KERNELS)
    feed(work, 0, 160)
    work.open(OPUS, 60 * RATE)
    feed(work, 160, 230)
    shed = work.shed()
    assert 70 * FRAME - RATE < shed * FRAME <= 70 * FRAME - RATE // 2 + FRAME
    assert work.shed() == 0
    through(work)
    out = packets(work, OPUS)
    # All of the history is still there to begin with.
    assert out[0].at < FED[0][1].end
    assert out[-1].end >= FED[228][1].at
    assert all(a.end == b.at for a, b in pairwise(out))


def test_too_much_waiting_is_left_out_at_the_old_end_and_the_clock_is_kept() -> None:
    work = Work(RATE, RATE, KERNELS)
    work.open(OPUS, 60 * RATE)
    feed(work, 0, 10)
    through(work)
    before = packets(work, OPUS)[-1].end
    feed(work, 10, 80)
    work.open(AAC, 60 * RATE)
    feed(work, 80, 130)
    shed = work.shed()
    assert 120 * FRAME - RATE < shed * FRAME <= 120 * FRAME - RATE // 2 + FRAME
    assert work.shed() == 0
    through(work)
    out = packets(work, OPUS)
    assert out[-1].end - before > 118 * FRAME
    assert all(a.end == b.at for a, b in pairwise(out))
    assert packets(work, AAC), "only audio is left out, orders are not"


def test_readings_are_given_once_each_and_not_of_what_was_fed_before() -> None:
    work = Work(RATE, 4 * RATE, KERNELS)
    feed(work, 0, 20)
    work.meter()
    feed(work, 20, 22)
    work.run(100 * RATE)
    assert readings(work) == []
    feed(work, 22, 100)
    work.run(100 * RATE)
    (reading,) = readings(work)
    assert reading is not None
    assert reading.momentary is not None
    assert readings(work) == []


def test_reading_says_by_which_order_to_measure_it_was_made() -> None:
    work = Work(RATE, 4 * RATE, KERNELS)
    orders = []
    for start in (0, 30, 60):
        work.meter()
        feed(work, start, start + 30)
        through(work)
        (made,) = work.taken()
        assert isinstance(made, Metered)
        assert made.reading is not None
        orders.append(made.order)
    assert orders == [1, 2, 3]


def test_what_is_left_out_is_not_measured_as_silence() -> None:
    work = Work(RATE, RATE, KERNELS)
    work.meter()
    feed(work, 0, 150)
    assert work.shed() > 50
    work.run(100 * RATE)
    (reading,) = readings(work)
    assert reading is not None
    assert reading.silent_seconds == 0


def test_metering_that_fails_ends_alone_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(RATE, 4 * RATE, KERNELS)
    work.meter()
    work.open(OPUS, 60 * RATE)
    feed(work, 0, 20)
    through(work)
    work.outputs.clear()
    monkeypatch.setattr(Meter, "feed", lambda meter, pcm: 1 / 0)
    with capture_logs() as logs:
        feed(work, 20, 60)
        through(work)
    assert [line["event"] for line in logs] == ["metering failed"]
    assert packets(work, OPUS)[-1].end > 58 * FRAME
    assert readings(work) == [None]


def test_frames_of_no_length_or_of_many_bytes_are_left_out_like_long_ones() -> None:
    frame = FRAMES[0]
    for payload, most in ((b"", RATE // LEAST_TICKS), (bytes(250_000), 13)):
        work = Work(RATE, RATE, KERNELS)
        work.open(OPUS, 60 * RATE)
        kept = Frame(payload, frame.format, 0)
        left_out = 0
        for _ in range(3 * most):
            work.feed(kept, Packet(payload, 0, 0))
            left_out += work.shed()
        assert left_out >= most
        assert len(work._orders) <= most + 3, "many left out are one silence"


def test_run_stops_when_it_is_enough_and_the_end_comes_in_slices() -> None:
    work = Work(4 * RATE, 4 * RATE, KERNELS)
    feed(work, 0, 100)
    work.open(OPUS, 60 * RATE)
    looked = iter([False] * 9 + [True])
    work.run(100 * RATE, lambda: next(looked))
    assert list(looked) == [], "asked after each order, up to the yes"
    assert work.behind
    work.run(100 * RATE)
    work.finish()
    work.run(1, lambda: True)
    assert not work.finished, "the history is still being coded"
    assert work.starting
    work.run(1)
    assert work.finished
    assert packets(work, OPUS)[-1].end >= FED[99][1].end


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No cycle of references is found: what goes, goes with its last reference."""
    gc.disable()
    yield
    gc.enable()


def finish(work: Work) -> None:
    work.finish()
    through(work)
    assert work.finished


def fail(work: Work) -> None:
    def fails(work: Work) -> None:
        raise RuntimeError("a decoder that cannot go on")

    Turns(lambda jobs: None, Mark(memory())).attempt(Job(1, work), fails)
    assert work.finished


def let_go(work: Work) -> None:
    assert work.behind, "its worker has been left, whatever it was at"


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("end", [finish, fail, let_go])
def test_job_that_ended_frees_its_pipeline_and_coders_with_the_last_reference(
    end: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[object]] = []
    for part in (Decoder, Encoder):

        def noted(*told: object, make: Callable[..., object] = part) -> object:
            made = make(*told)
            alive.append(weakref.ref(made))
            return made

        monkeypatch.setattr(stage, part.__name__, noted)
    work = Work(RATE, 4 * RATE, KERNELS)
    alive += [weakref.ref(work), weakref.ref(work.pipeline)]
    work.meter()
    work.open(OPUS, 60 * RATE)
    feed(work, 0, 100)
    through(work)
    assert len(alive) == 4
    # What has not been carried out when it ends is let go with the rest.
    feed(work, 100, 101)
    work.open(AAC, 60 * RATE)
    work.close(OPUS)
    work.meter()
    end(work)
    del work
    assert not [left for left in alive if left() is not None]
