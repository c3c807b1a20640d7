"""A codec worker, run in a thread: its order, its failures, its load."""

import asyncio
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from support.codec import AAC, BAD, LOW, MP3, OPUS, WORK, Client, relax, squeeze, working
from support.wait import auntil
from talas_stream.codec import worker
from talas_stream.codec.stages.govern import BEST, STEPS
from talas_stream.codec.stages.meter import Meter
from talas_stream.codec.worker import HURRIED_TICKS
from talas_stream.media import RATE, Format, Frame, Packet, SourceCodec


async def test_packets_arrive_in_order_after_their_config_and_the_end_comes_last() -> None:
    async with working() as (workers, _):
        client = Client(workers)
        for rendition in (OPUS, AAC, MP3):
            client.job.open(rendition, 60 * RATE)
        client.feed()
        client.job.finish()
        client.feed()
        await auntil(lambda: client.done)
    for rendition in (OPUS, AAC, MP3):
        packets = client.packets(rendition)
        assert len(client.configs(rendition)) == 1
        first = next(out for out in client.outputs if out.rendition == rendition)
        assert first.config is not None
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert packets[-1].end >= WORK[-1][1].end
    assert client.configs(OPUS)[0].startswith(b"OpusHead")
    assert client.done == 1


async def test_a_rendition_opened_late_starts_with_the_history_and_a_closed_one_stops() -> None:
    async with working() as (workers, _):
        client = Client(workers)
        client.feed()
        client.job.open(OPUS, 60 * RATE)
        await auntil(lambda: client.packets(OPUS))
        start = client.packets(OPUS)[0].at
        await auntil(lambda: client.packets(OPUS)[-1].end - start > 40_000)
        client.job.close(OPUS)
        client.job.open(AAC, 60 * RATE)
        await auntil(lambda: client.packets(AAC))
        before = len(client.packets(OPUS))
        client.feed()
        client.job.finish()
        await auntil(lambda: client.done)
        assert len(client.packets(OPUS)) == before


async def test_a_job_that_fails_ends_itself_and_nobody_else() -> None:
    async with working() as (workers, _):
        bad, good = Client(workers), Client(workers)
        with capture_logs() as logs:
            for client in (bad, good):
                client.job.open(OPUS, 60 * RATE)
            bad.feed()
            bad.job.feed(BAD, Packet(b"x", 0, 960))
            bad.feed()
            good.feed()
            good.job.finish()
            await auntil(lambda: bad.done and good.done)
        assert good.packets(OPUS)[-1].end >= WORK[-1][1].end
        # What was made before the failure still arrives, once, and nothing after it.
        assert bad.packets(OPUS)[-1].end <= WORK[-1][1].end
        assert bad.done == 1
        assert [line["event"] for line in logs].count("a codec job failed") == 1
        await workers.check()


async def test_frames_that_could_not_be_decoded_are_told_at_the_end() -> None:
    async with working() as (workers, _):
        client = Client(workers)
        with capture_logs() as logs:
            client.job.open(OPUS, 60 * RATE)
            client.feed()
            frame, packet = WORK[-1]
            for number in range(1, 4):
                at = packet.at + number * packet.duration
                broken = Frame(b"", frame.format, frame.samples)
                client.job.feed(broken, Packet(b"", at, packet.duration))
            client.job.finish()
            await auntil(lambda: client.done)
        told = [line for line in logs if line["event"] == "broken frames became silence"]
        assert [line["frames"] for line in told] == [3]
        assert client.packets(OPUS)[-1].end >= packet.end + 3 * packet.duration


async def test_orders_come_in_order_however_they_are_cut_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "READ_BYTES", 61)
    monkeypatch.setattr(worker, "READING_SECONDS", 0.0001)
    async with working() as (workers, _):
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        client.feed()
        client.job.finish()
        await auntil(lambda: client.done)
    packets = client.packets(OPUS)
    assert all(a.end == b.at for a, b in pairwise(packets))
    assert packets[-1].end >= WORK[-1][1].end


async def test_short_of_time_encoders_on_the_air_change_over_without_a_gap() -> None:
    async with working() as (workers, threads):
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        client.job.open(LOW, 60 * RATE)
        client.feed()
        await auntil(lambda: threads.workers[0].jobs)
        encoders = next(iter(threads.workers[0].jobs.values())).work.pipeline._encoders
        await auntil(lambda: len(encoders) == 2)
        first = dict(encoders)
        squeeze(threads)
        for frame, packet in WORK[:20]:
            at = packet.at + WORK[-1][1].end
            client.job.feed(frame, Packet(packet.payload, at, packet.duration))
        await auntil(lambda: not any(encoders[name] is first[name] for name in first))
        assert {encoder.effort for encoder in encoders.values()} == {STEPS[-1].effort}
        await auntil(lambda: workers.loads[0].busy < 0.1)
        relax(threads)
        await auntil(lambda: {encoder.effort for encoder in encoders.values()} == {BEST})
        client.job.finish()
        await auntil(lambda: client.done)
    for rendition in (OPUS, LOW):
        packets = client.packets(rendition)
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert packets[-1].end >= WORK[-1][1].end + WORK[19][1].end - 960
        assert len(client.configs(rendition)) == 1


async def test_a_worker_that_falls_idle_has_room_again() -> None:
    async with working() as (workers, threads):
        squeeze(threads)
        await auntil(lambda: workers.full)
        await auntil(lambda: not workers.full)


async def test_a_flood_is_left_out_in_silence_and_told() -> None:
    async with working(lead_seconds=0.0) as (workers, _):
        client = Client(workers)
        client.job.open(OPUS, 60 * RATE)
        client.feed()
        await auntil(lambda: client.packets(OPUS))
        with capture_logs() as logs:
            for number, (frame, packet) in enumerate(WORK * 4):
                at = packet.at + (1 + number // len(WORK)) * WORK[-1][1].end
                client.job.feed(frame, Packet(packet.payload, at, packet.duration))
            client.job.finish()
            await auntil(lambda: client.done)
            await auntil(lambda: "source frames left out" in [line["event"] for line in logs])
        assert workers.loads[0].shed > 0
        packets = client.packets(OPUS)
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert packets[-1].end >= 5 * WORK[-1][1].end - 2000


async def test_readings_come_with_the_packets_and_metering_that_fails_ends_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with working() as (workers, _):
        client = Client(workers)
        client.job.meter()
        client.feed()
        await auntil(lambda: client.metered)
        assert client.metered[-1].reading is not None
        assert client.outputs == []
        client.job.open(OPUS, 60 * RATE)
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(Meter, "feed", lambda meter, pcm: 1 / 0)
            client.feed()
            await auntil(lambda: client.metered[-1].reading is None)
        client.feed()
        client.job.finish()
        await auntil(lambda: client.done)
    assert [line["event"] for line in logs] == ["metering failed"]
    assert client.metered[-1].reading is None
    packets = client.packets(OPUS)
    assert all(a.end == b.at for a, b in pairwise(packets))
    assert len(packets) > 150


async def test_short_of_time_a_rendition_begins_with_less_history() -> None:
    async with working() as (workers, threads):
        client = Client(workers, history_ticks=10 * RATE)
        squeeze(threads)
        client.feed(times=5)
        client.job.open(OPUS, 60 * RATE)
        client.job.finish()
        await auntil(lambda: client.done)
    coded = sum(packet.duration for packet in client.packets(OPUS))
    assert HURRIED_TICKS <= coded <= HURRIED_TICKS + RATE // 10


async def test_a_worker_with_somebody_behind_for_long_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.01)
    async with working() as (workers, _):
        client = Client(workers)
        # What comes before the first order is history, which is never left out.
        client.feed(times=400)
        client.job.open(OPUS, 60 * RATE)
        await auntil(lambda: workers.full)
        assert client.job.full
        await auntil(lambda: workers.loads[0].quantum > STEPS[0].quantum)


async def test_flood_of_links_of_one_sample_leaves_a_neighbour_its_time() -> None:
    async with working(lead_seconds=0.0) as (workers, _):
        hostile, honest = Client(workers), Client(workers)
        for client in (hostile, honest):
            client.job.open(OPUS, 60 * RATE)
        flood = [
            Frame(bytes(4), Format(SourceCodec.PCM_S16, (191_999, 187_507)[n % 2], 2), 1)
            for n in range(500)
        ]
        last = WORK[-1][1].end
        with capture_logs():
            for frame, packet in WORK:
                for link in flood:
                    hostile.job.feed(link, Packet(link.payload, packet.at, 0))
                honest.job.feed(frame, packet)
                await asyncio.sleep(0)
            honest.job.finish()
            await auntil(lambda: honest.done)
        assert not hostile.done, "the neighbour need not wait for its end"
        packets = honest.packets(OPUS)
        assert packets[-1].end >= last, "and nothing of it is left out"
        assert all(a.end == b.at for a, b in pairwise(packets))
        assert workers.loads[0].shed > 0
        hostile.job.finish()
        await auntil(lambda: hostile.done)
