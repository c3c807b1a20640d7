"""What requests ask for: titles, profile, and Safari's two bytes."""

import pytest

from support.stream import head
from talas_stream.egress.wish import PROBE_BYTES, Wish, wish
from talas_stream.media import LADDER
from talas_stream.output.delivery import Delivery, Profile, Wire
from talas_stream.wire.request import parse_head


def of(*lines: str, target: str = "/live.mp3", method: str = "GET", name: str = "mp3") -> Wish:
    request = parse_head(head("\n".join([f"{method} {target} HTTP/1.1", *lines])))
    assert request is not None
    return wish(request, LADDER[name])


def test_titles_are_for_those_who_ask_and_never_in_ogg_or_flac() -> None:
    assert of("Icy-MetaData: 1") == Wish(Delivery(Wire.ICY))
    assert of("Icy-MetaData: 0") == of() == Wish()
    for name, wire in (("opus", Wire.OGG), ("32.opus", Wire.OGG), ("flac", Wire.FLAC)):
        assert of("Icy-MetaData: 1", name=name) == Wish(Delivery(wire))


@pytest.mark.parametrize(
    ("query", "profile"),
    [
        ("?latency=low", Profile.LOW),
        ("?latency=steady", Profile.STEADY),
        ("?latency=LOW", Profile.STEADY),
        ("?x=low", Profile.STEADY),
    ],
)
def test_the_profile_stands_in_the_query(query: str, profile: Profile) -> None:
    assert of(target=f"/live.mp3{query}") == Wish(Delivery(profile=profile))


@pytest.mark.parametrize(
    ("field", "probe"),
    [
        ("bytes=0-1", 2),
        ("bytes=0-0", 1),
        (f"bytes=0-{PROBE_BYTES - 1}", PROBE_BYTES),
        (f"bytes=0-{PROBE_BYTES}", None),
        ("bytes=0-9999999", None),
        ("bytes=0-", None),
        ("bytes=5-9", None),
        ("bytes=-2", None),
        ("bytes=0-1,4-5", None),
        ("seconds=0-1", None),
        ("bytes=0-\u0661", None),
    ],
)
def test_only_a_short_range_from_the_start_is_a_probe(field: str, probe: int | None) -> None:
    assert of(f"Range: {field}") == Wish(probe=probe, looks=probe is not None)


def test_probe_that_asks_for_titles_gets_them_instead_of_a_part() -> None:
    lines = ("Range: bytes=0-1", "Icy-MetaData: 1")
    assert of(*lines) == Wish(Delivery(Wire.ICY), looks=True)
    assert of(*lines, name="opus") == Wish(Delivery(Wire.OGG), probe=2, looks=True)


def test_firefox_reads_in_blocks_unless_it_wants_every_packet_at_once() -> None:
    agent = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
    assert of(agent) == Wish(blocks=True)
    assert of(agent, target="/live.mp3?latency=low") == Wish(Delivery(profile=Profile.LOW))
    assert of("User-Agent: VLC/3.0.20 LibVLC/3.0.20") == Wish()


def test_a_head_has_no_range() -> None:
    assert of("Range: bytes=0-1", method="HEAD") == Wish()
