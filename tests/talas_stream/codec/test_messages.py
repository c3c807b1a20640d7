"""Orders and reports: as they were sent, however the bytes come."""

import pytest

from talas_stream.codec.load import Load
from talas_stream.codec.messages import (
    MOST_ORDERS_BYTES,
    MOST_REPORT_BYTES,
    Change,
    Close,
    Coded,
    Feed,
    Finish,
    Measure,
    Metered,
    Open,
    Order,
    Report,
    Result,
    Said,
    Take,
    Unpacker,
    pack,
)
from talas_stream.codec.stages.meter import Reading
from talas_stream.media import LADDER, Codec, Format, Packet, SourceCodec

ORDERS: list[Order] = [
    Take(1, 2, 3),
    Change(1, True, "mp3", 44_100, 2, b"", 0),
    Feed(1, b"\x00\xff", 1152, 1 << 40, 1254),
    Open(1, LADDER["32.opus"], 96_000),
    Close(1, LADDER["32.opus"]),
    Measure(1),
    Finish(1),
]
REPORT = Report(
    [
        Result(
            1, [Coded(LADDER["aac"], [Packet(b"one", 5, 6), Packet(b"", 11, 6)], b"head")], False
        ),
        Result(2, [Metered(Reading(-23.0, None, None, 4.5, -1.0, 0.3)), Metered(None)], True),
    ],
    Load(0.5, 0.25, 0.005, 10, 7, 1, 1 << 26),
    4,
    [Said("info", "codec work eased", {"worker": 1, "busy": 0.9, "how": "so"})],
)


@pytest.mark.parametrize("size", [1, 3, 64, 1 << 20])
def test_batches_come_out_as_they_went_in(size: int) -> None:
    data = pack(ORDERS) + pack([]) + pack(ORDERS[:1])
    unpacker = Unpacker(list[Order], MOST_ORDERS_BYTES)
    found = []
    for start in range(0, len(data), size):
        found += unpacker.feed(data[start : start + size])
    assert found == [ORDERS, [], ORDERS[:1]]
    assert Unpacker(Report, MOST_REPORT_BYTES).feed(pack(REPORT)) == [REPORT]


@pytest.mark.parametrize("codec", [*Codec, *SourceCodec])
def test_a_format_keeps_its_coding_and_is_new_each_time(codec: Codec | SourceCodec) -> None:
    change = Change.to(3, Format(codec, 22_050, 1, b"config", 312))
    (there,) = Unpacker(list[Order], MOST_ORDERS_BYTES).feed(pack([change]))[0]
    assert isinstance(there, Change)
    made = there.format
    assert type(made.codec) is type(codec)
    assert (made.codec, made.rate, made.channels) == (codec, 22_050, 1)
    assert (made.config, made.pre_skip) == (b"config", 312)
    assert there.format is not made


def test_bytes_that_are_no_batch_are_refused() -> None:
    with pytest.raises(ValueError, match=str(MOST_REPORT_BYTES + 1)):
        Unpacker(Report, MOST_REPORT_BYTES).feed((MOST_REPORT_BYTES + 1).to_bytes(4, "little"))
    with pytest.raises(ValueError, match="Expected"):
        Unpacker(Report, MOST_REPORT_BYTES).feed(pack(ORDERS))
