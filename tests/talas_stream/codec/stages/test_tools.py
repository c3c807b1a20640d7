"""Encoders told what they may use: each tool is used by the codec that it is for, and no other."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.sound import programme
from support.stage import TOOLS
from talas_stream.codec.stages.encode import Encoder
from talas_stream.codec.stages.tools import Tools
from talas_stream.media import LADDER, Pcm


@pytest.mark.parametrize("name", ["mp3", "aac", "opus", "flac"])
def test_encoder_of_pyav_codes_its_first_frame_alone_on_one_processor(name: str) -> None:
    entered: list[str] = []

    @contextmanager
    def noted() -> Iterator[None]:
        entered.append(name)
        with TOOLS.one_cpu():
            yield

    sound, encoder = programme(0.1), Encoder(LADDER[name], Tools(noted))
    for at in range(0, 4800, 1200):
        encoder.encode(Pcm(sound[:, at : at + 1200], at))
    assert entered == [name]
