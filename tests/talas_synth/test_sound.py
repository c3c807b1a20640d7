"""The package's sound fits the service that plays it."""

from talas_stream import media
from talas_synth import sound


def test_rate_is_the_one_that_the_service_normalises_to() -> None:
    assert sound.RATE == media.RATE
