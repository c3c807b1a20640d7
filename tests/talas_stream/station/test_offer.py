"""What a station is offered as; that a station offers it is shown in test_station.py."""

import msgspec
import pytest

from support.stream import record
from talas_stream.media import LADDER, Rendition, SourceInfo
from talas_stream.station.offer import Offer


class Outputs:
    """Made of the source's own packets in `through`."""

    bit_rate = 111

    def __init__(self, through: Rendition | None) -> None:
        self.through = through

    def passes(self, rendition: Rendition) -> bool:
        return rendition is self.through


def offer(*names: str, through: str = "", **said: str) -> Offer:
    outputs = Outputs(LADDER[through]) if through else None
    return Offer(record(renditions=names or ("mp3",)), SourceInfo(**said), outputs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "names", "usual", "shown"),
    [
        (offer("opus", "aac", "mp3"), ["opus", "aac", "mp3"], "mp3", "mp3"),
        (offer("32.opus", "of a later version", "flac"), ["32.opus", "flac"], "32.opus", "32.opus"),
        (offer("32.opus", through="mp3"), ["32.opus", "mp3"], "mp3", "mp3"),
        (offer("mp3", "aac", through="aac"), ["mp3", "aac"], "mp3", "aac"),
        (offer("of a later version"), ["mp3"], "mp3", "mp3"),
    ],
)
def test_renditions_are_the_record_s_and_the_source_s_own(
    given: Offer, names: list[str], usual: str, shown: str
) -> None:
    assert [rendition.name for rendition in given.renditions] == names
    assert (given.usual.name, given.shown.name) == (usual, shown)


def test_name_is_the_owner_s_unless_the_owner_prefers_the_source_s() -> None:
    owner = offer(name="Guest", description="A guest's")
    assert (owner.name, owner.description) == ("Night Line", "A guest's")
    prefers = msgspec.structs.replace(owner.record, prefer_source=True)
    assert msgspec.structs.replace(owner, record=prefers).name == "Guest"
    silent = msgspec.structs.replace(owner, record=prefers, info=SourceInfo())
    assert (silent.name, silent.description) == ("Night Line", "")


@pytest.mark.parametrize(("said", "told"), [("", 111), ("Q", 111), ("0", 111), ("96", 96)])
def test_bit_rate_of_the_source_s_packets_is_its_word_or_what_they_come_to(
    said: str, told: int
) -> None:
    given = offer(through="mp3", bit_rate=said)
    assert [given.bit_rate(LADDER[name]) for name in ("mp3", "32.opus", "flac")] == [told, 32, 0]
