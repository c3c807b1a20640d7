"""What listeners' tests see of the service from within."""

from __future__ import annotations

from typing import Any

import pytest

from support.listeners import Inside
from talas_stream import compose
from talas_stream.door.capacity import Capacity
from talas_stream.door.front_door import Doorkeeper


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    found = Inside()

    class SeenKeeper(Doorkeeper):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.keeper = self

    class SeenCapacity(Capacity):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.capacity = self

    monkeypatch.setattr(compose, "Doorkeeper", SeenKeeper)
    monkeypatch.setattr(compose, "Capacity", SeenCapacity)
    return found
