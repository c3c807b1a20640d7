"""A job's work by amounts of audio, without a thread."""

from itertools import pairwise

from support.sound import programme
from support.stage import frames_of, placed
from talas_stream.media import LADDER, RATE, Codec, Packet, Rendition
from talas_stream.work import SLICE, Work

OPUS, AAC = LADDER[Codec.OPUS], LADDER[Codec.AAC]
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
    return [p for out in work.outputs if out.rendition == rendition for p in out.packets]


def test_orders_are_done_in_sequence_and_by_amount() -> None:
    work = Work(RATE, 4 * RATE)
    work.open(OPUS)
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
    assert [out.config is not None for out in work.taken()][:2] == [True, False]
    assert work.taken() == []


def test_history_is_coded_in_slices_while_the_source_goes_on() -> None:
    work = Work(4 * RATE, 4 * RATE)
    feed(work, 0, 150)
    work.open(OPUS)
    work.run(100 * RATE)
    slices = 0
    while not packets(work, OPUS):
        feed(work, 150 + slices, 151 + slices)
        work.run(FRAME)
        work.catch_up()
        slices += 1
    assert slices > 3 * RATE // SLICE
    through(work)
    out = packets(work, OPUS)
    assert all(a.end == b.at for a, b in pairwise(out))
    assert out[-1].end > FED[149 + slices][1].end - 2000


def test_the_end_codes_what_is_left_and_nothing_comes_after() -> None:
    work = Work(RATE, 4 * RATE)
    feed(work, 0, 50)
    work.open(OPUS)
    work.open(AAC)
    work.close(AAC)
    work.finish()
    feed(work, 50, 60)
    work.run(100 * RATE)
    assert work.finished
    assert not work.behind
    assert FED[49][1].end <= packets(work, OPUS)[-1].end < FED[51][1].end
    assert not packets(work, AAC)


def test_the_history_a_job_starts_with_is_never_left_out() -> None:
    work = Work(RATE, RATE)
    feed(work, 0, 200)
    assert work.shed() == 0
    work.open(OPUS)
    feed(work, 200, 230)
    assert work.shed() == 0
    work.run(220 * FRAME)
    assert work.shed() == 0


def test_too_much_waiting_is_left_out_at_the_old_end_and_the_clock_is_kept() -> None:
    work = Work(RATE, RATE)
    work.open(OPUS)
    feed(work, 0, 10)
    through(work)
    before = packets(work, OPUS)[-1].end
    feed(work, 10, 80)
    work.open(AAC)
    feed(work, 80, 130)
    shed = work.shed()
    assert 120 * FRAME - RATE < shed * FRAME <= 120 * FRAME - RATE // 2 + FRAME
    assert work.shed() == 0
    through(work)
    out = packets(work, OPUS)
    assert out[-1].end - before > 118 * FRAME
    assert all(a.end == b.at for a, b in pairwise(out))
    assert packets(work, AAC), "only audio is left out, orders are not"
