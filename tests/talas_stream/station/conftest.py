"""Outputs that have been sent some MP3, with their clock and the jobs they ask for."""

import pytest

from support.outputs import MP3_FRAMES, outputs_of
from support.stage import RecordedCodecs
from talas_core.clock import FakeClock
from talas_stream.station.outputs import Outputs


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def codecs() -> RecordedCodecs:
    return RecordedCodecs()


@pytest.fixture
def outputs(codecs: RecordedCodecs, clock: FakeClock) -> Outputs:
    outputs = outputs_of(codecs, 96_000, "Night Line", "Song", clock=clock)
    outputs.accept(MP3_FRAMES)
    return outputs
