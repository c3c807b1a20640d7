"""The calls of a codec job become orders; frames that nobody waits for come in lots."""

import msgspec
import pytest

from support.codec import AAC, OPUS, WORK
from talas_stream.codec.job import UNHURRIED_BYTES, UNHURRIED_FRAMES, UNHURRIED_TICKS, LinkedJob
from talas_stream.codec.messages import (
    Change,
    Close,
    Coded,
    Feed,
    Finish,
    Measure,
    Metered,
    Open,
    Order,
)
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import Packet, Rendition


class Recorded:
    """The way to a worker: keeps the orders."""

    def __init__(self) -> None:
        self.full = False
        self.orders: list[Order] = []

    def submit(self, order: Order) -> None:
        self.orders.append(order)

    @property
    def kinds(self) -> list[type]:
        return [type(order) for order in self.orders]


@pytest.fixture
def there() -> Recorded:
    return Recorded()


@pytest.fixture
def job(there: Recorded) -> LinkedJob:
    return LinkedJob(there, 1, lambda outputs: None, lambda lost: None)


def test_orders_go_out_in_the_sequence_of_the_calls(there: Recorded, job: LinkedJob) -> None:
    frame, packet = WORK[0]
    job.meter()
    job.feed(frame, packet)
    job.open(OPUS, 7, resume=5)
    job.close(OPUS)
    job.finish()
    assert there.orders[0] == Measure(1)
    assert isinstance(there.orders[1], Change)
    assert there.orders[2:] == [
        Feed(1, frame.payload, frame.samples, packet.at, packet.duration),
        Open(1, OPUS, 7, 5),
        Close(1, OPUS),
        Finish(1),
    ]


def test_job_is_full_where_its_worker_is(there: Recorded, job: LinkedJob) -> None:
    assert not job.full
    there.full = True
    assert job.full


def test_frames_that_nobody_waits_for_come_in_larger_lots(there: Recorded, job: LinkedJob) -> None:
    lot = -(-UNHURRIED_TICKS // WORK[0][1].duration)
    for frame, packet in WORK[: lot - 1]:
        job.feed(frame, packet)
    assert there.orders == []
    for frame, packet in WORK[lot - 1 : lot + 3]:
        job.feed(frame, packet)
    assert there.kinds == [Change, *[Feed] * lot]
    job.open(OPUS, 0)
    assert there.kinds[lot + 1 :] == [Feed, Feed, Feed, Open]
    job.feed(*WORK[0])
    assert there.kinds[lot + 5 :] == [Feed], "at once where somebody waits"


@pytest.mark.parametrize(
    ("payload", "lot"), [(b"x", UNHURRIED_FRAMES - 1), (bytes(300_000), UNHURRIED_BYTES // 300_000)]
)
def test_lot_of_frames_without_media_time_is_bounded_in_number_and_bytes(
    payload: bytes, lot: int, there: Recorded, job: LinkedJob
) -> None:
    frame, packet = (msgspec.structs.replace(thing, payload=payload) for thing in WORK[0])
    packet = msgspec.structs.replace(packet, duration=0)
    for fed in range(1, 2 * lot + 4):
        job.feed(frame, packet)
        assert fed - there.kinds.count(Feed) <= lot


def test_packets_of_a_rendition_not_ordered_are_left_out(job: LinkedJob) -> None:
    def output(rendition: Rendition) -> Coded:
        return Coded(rendition, [Packet(b"sound", 0, 960)], b"head")

    reading = Metered(Reading(-23.0, None, None, None, -1.0, 0.0))
    job.open(OPUS, 0)
    richer = msgspec.structs.replace(OPUS, bit_rate=1)
    assert job.believed([output(AAC), output(richer), reading]) == []
    job.meter()
    made = [output(OPUS), reading, Metered(None)]
    assert job.believed(made) == made
    job.close(OPUS)
    assert job.believed([output(OPUS)]) == []
    job.open(OPUS, 0)
    assert job.believed([Coded(OPUS, [Packet(b"sound", 960, 960)])]) == [], "of the closed one"


def test_reading_of_an_earlier_order_to_measure_is_not_believed(job: LinkedJob) -> None:
    reading = Reading(-23.0, None, None, None, -1.0, 0.0)
    assert job.believed([Metered(reading, order=0)]) == [], "none was given"
    job.meter()
    job.meter()
    late, fresh = Metered(reading, order=1), Metered(reading, order=2)
    assert job.believed([late, fresh]) == [fresh]


def test_packet_that_goes_backwards_is_refused(job: LinkedJob) -> None:
    job.open(OPUS, 0)
    job.believed([Coded(OPUS, [Packet(b"sound", 960, 960)], b"head")])
    with pytest.raises(ValueError, match="packet"):
        job.believed([Coded(OPUS, [Packet(b"sound", 0, 960)])])
