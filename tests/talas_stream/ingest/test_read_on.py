"""How the end of a source that is held back is looked for."""

import pytest

from support.parts import Parts, Transport
from talas_core.clock import FakeClock
from talas_stream.ingest import read_on as module
from talas_stream.ingest.body import Counted
from talas_stream.ingest.intake import Intake
from talas_stream.ingest.pace import SourcePace
from talas_stream.ingest.read_on import READ_ON_BYTES, read_on
from talas_stream.ingest.reader import SourceReader


class Reads(Transport):
    """Counts how often it was read."""

    reads = 0

    def resume_reading(self) -> None:
        self.reads += 1
        super().resume_reading()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_ON_STEP", 0)


@pytest.fixture
def intake() -> Intake:
    kernels = Parts(FakeClock()).sources.kernels
    return Intake(Counted(None), SourceReader(kernels), SourcePace(1.0), SourcePace(1.0))


async def test_source_is_read_until_its_end_shows_and_held_back_again(intake: Intake) -> None:
    transport = Reads(None)
    await read_on(transport, intake, lambda: True, lambda: transport.reads == 3)
    assert (transport.reads, transport.paused) == (3, True)


async def test_source_of_which_much_waits_is_read_no_further(intake: Intake) -> None:
    transport = Reads(None)
    intake.put(bytes(READ_ON_BYTES))
    await read_on(transport, intake, lambda: True, lambda: False)
    assert (transport.reads, transport.paused) == (0, True)


async def test_source_that_does_not_end_is_read_for_a_while(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_ON_SECONDS", 0.01)
    transport = Reads(None)
    await read_on(transport, intake, lambda: True, lambda: False)
    assert transport.paused


async def test_source_that_is_held_back_no_longer_is_left_alone(intake: Intake) -> None:
    transport = Reads(None)
    await read_on(transport, intake, lambda: transport.reads < 2, lambda: False)
    assert (transport.reads, transport.paused) == (2, False)
