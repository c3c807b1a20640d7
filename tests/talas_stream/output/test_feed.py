"""One wire format's listeners: heads, bursts, floods and ends."""

import pytest

from support.icy import IcyParser
from support.stage import KERNELS, OPUS_HEAD, Hearer, noise, sized
from talas_stream.media import Packet
from talas_stream.output.feed import TURNS, Feed
from talas_stream.output.packetise import METAINT, IcyPacketiser, OggPacketiser, PlainPacketiser
from talas_stream.wire.ogg_pages import PageReader


def plain(burst: int = 1000, keep: int = 3000) -> Feed:
    return Feed(PlainPacketiser(), sized(burst, keep))


def whole(packets: list[Packet]) -> bytes:
    return b"".join(packet.payload for packet in packets)


def test_the_first_bytes_go_out_at_once_and_later_ones_at_a_flush() -> None:
    feed, hearer = plain(), Hearer()
    feed.join(hearer)
    first, second = noise([100, 100])
    feed.push([first])
    assert hearer.heard == first.payload
    feed.push([second])
    assert hearer.heard == first.payload
    feed.flush()
    assert hearer.heard == first.payload + second.payload
    assert len(feed) == 1


def test_everybody_gets_the_head_first() -> None:
    packetiser = OggPacketiser(KERNELS, OPUS_HEAD, 1, "x")
    feed = Feed(packetiser, sized(1000, 3000))
    early, late = Hearer(), Hearer()
    feed.join(early)
    assert early.heard == packetiser.head
    feed.push(noise([100] * 5))
    feed.join(late)
    assert late.heard == early.heard


def test_a_flood_is_flushed_on_the_way_and_loses_nothing() -> None:
    """Far more than the ring holds, between two beats."""
    feed = plain()
    one, two = Hearer(), Hearer()
    feed.join(one)
    feed.join(two)
    packets = noise([700] * 100)
    feed.push(packets)
    feed.flush()
    assert one.heard == two.heard == whole(packets)
    assert feed.skipped == 0


def test_a_packet_larger_than_the_whole_ring_reaches_everybody() -> None:
    feed, hearer = plain(), Hearer()
    feed.join(hearer)
    packets = noise([100, 9000, 100, 100, 9000])
    feed.push(packets)
    feed.flush()
    assert hearer.heard == whole(packets)


def test_a_flood_does_not_put_icy_out_of_step() -> None:
    feed, hearer = Feed(IcyPacketiser(KERNELS, "t"), sized(49_152, 120_000)), Hearer()
    feed.join(hearer)
    packets = noise([1300] * 400)
    feed.push(packets)
    feed.flush()
    assert IcyParser(METAINT).feed(hearer.heard) == (whole(packets), ["t"])


def test_the_end_comes_after_the_last_byte_for_those_in_step_and_those_behind() -> None:
    packetiser = OggPacketiser(KERNELS, OPUS_HEAD, 1, "x")
    feed = Feed(packetiser, sized(10_000, 30_000))
    quick, slow = Hearer(), Hearer()
    for hearer in (quick, slow):
        feed.join(hearer)
    packets = noise([100] * 13)
    feed.push(packets[:5])
    feed.pause(slow)
    feed.push(packets[5:])
    feed.end()
    assert quick.ended
    assert slow.ended
    assert quick.heard == slow.heard
    pages = PageReader().feed(quick.heard)
    assert [packet for page in pages[2:] for packet in page.packets] == [
        packet.payload for packet in packets
    ]
    assert pages[-1].eos


def test_a_listener_whose_buffer_fills_while_the_end_is_told_still_gets_it_all() -> None:
    feed = plain()

    class Full(Hearer):
        def write(self, data: bytes) -> None:
            super().write(data)
            feed.pause(self)

    full = Full()
    feed.join(full)
    packets = noise([100] * 4)
    feed.push(packets[:1])
    feed.push(packets[1:])
    feed.end()
    assert full.ended
    assert full.heard == whole(packets)
    # His transport calls even now, while it closes.
    feed.resume(full)
    feed.leave(full)
    assert len(feed) == 0


def test_bytes_are_counted_for_each_listener_bursts_included() -> None:
    feed, hearer = plain(), Hearer()
    feed.push(noise([100] * 3))
    feed.flush()
    feed.join(hearer)
    assert feed.bytes_out == len(hearer.heard) == 300
    feed.join(Hearer())
    feed.push(noise([50]))
    feed.flush()
    assert feed.bytes_out == 700


def test_the_head_counts_too() -> None:
    packetiser = OggPacketiser(KERNELS, OPUS_HEAD, 1, "x")
    feed, hearer = Feed(packetiser, sized(1000, 3000)), Hearer()
    feed.join(hearer)
    assert feed.bytes_out == len(hearer.heard) == len(packetiser.head) > 0


def test_a_newcomer_who_found_no_title_in_his_burst_is_told_at_the_next_block() -> None:
    feed = Feed(IcyPacketiser(KERNELS, "t"), sized(49_152, 120_000))
    early, late = Hearer(), Hearer()
    feed.join(early)
    feed.push(noise([METAINT - 100]))
    feed.join(late)
    feed.retitle("now")
    feed.push(noise([200]))
    feed.flush()
    assert [IcyParser(METAINT).feed(hearer.heard)[1] for hearer in (early, late)] == [["now"]] * 2


@pytest.mark.parametrize("times", [1, 2])
def test_leaving_is_for_good(times: int) -> None:
    feed, hearer = plain(), Hearer()
    feed.join(hearer)
    for _ in range(times):
        feed.leave(hearer)
    feed.push(noise([100]))
    feed.end()
    assert hearer.heard == b""
    assert not hearer.ended


def test_at_once_means_with_every_push() -> None:
    feed, hearer = Feed(PlainPacketiser(), sized(1000, 3000), at_once=True), Hearer()
    feed.join(hearer)
    packets = noise([100] * 4)
    for number, packet in enumerate(packets, 1):
        feed.push([packet])
        assert hearer.heard == whole(packets[:number])
    assert len(hearer.got) == 4


def test_in_a_round_of_turns_every_share_is_flushed_once() -> None:
    feed = plain()
    feed.push(noise([10]))
    hearers = [Hearer() for _ in range(2 * TURNS)]
    for hearer in hearers:
        feed.join(hearer)
    fresh = noise([100], seed=2)
    feed.push(fresh)
    for turn in range(TURNS):
        feed.flush_turn(turn)
        assert sum(len(hearer.got) == 2 for hearer in hearers) == 2 * (turn + 1)
    assert all(hearer.got[1] == fresh[0].payload for hearer in hearers)


def test_a_flood_between_two_turns_loses_nothing_for_any_share() -> None:
    feed = plain()
    hearers = [Hearer() for _ in range(TURNS)]
    for hearer in hearers:
        feed.join(hearer)
    packets = noise([300] * 200)
    for number, packet in enumerate(packets):
        feed.push([packet])
        feed.flush_turn(number % 2)
    feed.flush()
    assert {hearer.heard for hearer in hearers} == {whole(packets)}
    assert feed.skipped == 0


def test_low_has_one_share_and_its_turn_changes_nothing() -> None:
    feed, hearer = Feed(PlainPacketiser(), sized(1000, 3000), at_once=True), Hearer()
    feed.join(hearer)
    feed.push(noise([100]))
    for turn in range(TURNS):
        feed.flush_turn(turn)
    assert len(hearer.got) == 1


def after_a_round(feed: Feed, packets: list[Packet]) -> int:
    """Bytes that are kept once `packets` have come, and all have had their turn."""
    for number, packet in enumerate(packets):
        feed.push([packet])
        feed.flush_turn(number % TURNS)
    for turn in range(TURNS):
        feed.flush_turn(turn)
    return feed._ring.size


@pytest.mark.parametrize("at_once", [False, True])
def test_feed_that_nobody_is_behind_of_keeps_what_bursts_take_and_no_more(at_once: bool) -> None:
    size = sized(20_000, 300_000)
    feed = Feed(PlainPacketiser(), size, at_once=at_once)
    feed.join(Hearer())
    packets = noise([100] * 5000)
    kept = after_a_round(feed, packets)
    assert size.burst + size.start <= kept < size.burst + size.start + 100 * (TURNS + 1)
    late = Hearer()
    feed.join(late)
    assert late.heard == whole(packets)[-size.burst :]


@pytest.mark.parametrize("goes_on", [True, False], ids=["reads again", "leaves"])
def test_backlog_of_who_is_behind_is_kept_until_they_are_so_no_more(goes_on: bool) -> None:
    size = sized(20_000, 300_000)
    feed, slow = Feed(PlainPacketiser(), size), Hearer()
    feed.join(slow)
    packets = noise([100] * 3900)
    after_a_round(feed, packets[:1000])
    feed.pause(slow)
    assert after_a_round(feed, packets[1000:]) >= 290_000
    if goes_on:
        feed.resume(slow)
        assert slow.heard == whole(packets)
    else:
        feed.leave(slow)
    assert after_a_round(feed, noise([100])) == size.burst + size.start
    assert feed.skipped == 0
