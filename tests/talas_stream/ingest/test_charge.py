"""What a source is charged: prices, the account, and where it ends."""

from __future__ import annotations

import pytest

from talas_core.errors import UnsupportedMedia
from talas_stream.ingest import charge
from talas_stream.ingest.charge import Account, work_seconds
from talas_stream.media import Codec, Format, Frame, SourceCodec

MP3 = Format(Codec.MP3, 48_000, 2)
NARROW = Format(SourceCodec.FLAC, 192_000, 2)


def test_each_kind_of_work_has_its_price() -> None:
    whole = work_seconds(reads=3, steps=5, garbage=7, links=2)
    assert whole == pytest.approx(
        3 * charge.READ_SECONDS + 5 * charge.STEP_SECONDS + 7 * charge.GARBAGE_SECONDS
        + 2 * charge.LINK_SECONDS
    )  # fmt: skip
    assert work_seconds() == 0


def test_frames_are_media_and_are_charged_less_than_they_play() -> None:
    account = Account()
    account.take([Frame(bytes(384), MP3, 1152)] * 10, 3840, 0.0)
    assert account.media == pytest.approx(0.24)
    assert charge.FRAME_SECONDS * 10 < account.charge < account.media / 4


def test_frames_without_length_are_charged_all_the_same() -> None:
    account = Account()
    account.take([Frame(bytes(12), NARROW, 0)] * 1000, 12_000, 0.0)
    assert account.media == 0
    assert account.charge > 1000 * charge.FRAME_SECONDS


def test_payload_beyond_what_its_samples_could_take_is_charged_by_the_byte() -> None:
    account = Account()
    account.take([Frame(bytes(250_000), MP3, 120)], 250_000, 0.0)
    assert account.charge > 40 * account.media


def test_totals_are_charged_once() -> None:
    account = Account()
    for size in (1000, 2000, 3000):
        account.take([], size, size / 1000)
    assert account.charge == pytest.approx(3.0 + 3000 * charge.BYTE_SECONDS)


def test_source_charged_far_beyond_its_audio_is_refused() -> None:
    account = Account()
    account.take([], 0, charge.MOST_DEBT_SECONDS - 1)
    with pytest.raises(UnsupportedMedia, match="too little of it is audio"):
        account.take([], 0, charge.MOST_DEBT_SECONDS + 1)


def test_audio_pays_debt_off_and_is_not_saved_up() -> None:
    account, second = Account(), [Frame(b"", MP3, 48_000)]
    account.take(second * 1000, 0, 0.0)
    account.take([], 0, charge.MOST_DEBT_SECONDS - 1)
    account.take(second * 20, 0, charge.MOST_DEBT_SECONDS - 1)
    account.take([], 0, charge.MOST_DEBT_SECONDS + 15)
    with pytest.raises(UnsupportedMedia):
        account.take([], 0, charge.MOST_DEBT_SECONDS * 2)
