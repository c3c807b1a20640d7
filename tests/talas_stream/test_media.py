"""The values of the audio path."""

import numpy as np
import pytest

from talas_core.messages import RENDITIONS
from talas_stream.media import CONTENT_TYPE, LADDER, RATE, Codec, Format, Packet, Pcm


def test_a_packet_ends_where_its_sound_does() -> None:
    assert Packet(b"x", 1000, 960).end == 1960


def test_normalised_audio_ends_after_its_samples_whatever_the_channels() -> None:
    assert Pcm(np.zeros((2, 480), np.float32), 100).end == 580


def test_the_ladder_is_what_stations_may_choose_from_and_every_codec_has_a_type() -> None:
    assert tuple(LADDER) == RENDITIONS
    assert {rendition.codec for rendition in LADDER.values()} == set(CONTENT_TYPE) == set(Codec)
    assert all(rendition.name == name for name, rendition in LADDER.items())


def test_what_a_source_sends_has_the_name_of_its_codec() -> None:
    assert all(LADDER[codec].codec is codec for codec in Codec)


def test_two_links_of_a_chain_are_two_formats_even_if_all_their_numbers_agree() -> None:
    one, two = (Format(Codec.OPUS, RATE, 2, b"head", 312) for _ in range(2))
    assert one == one  # noqa: PLR0124
    assert one != two


def test_values_cannot_be_changed_by_who_shares_them() -> None:
    with pytest.raises(AttributeError):
        Packet(b"x", 0, 1).at = 5  # type: ignore[misc]
