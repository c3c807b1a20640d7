"""The attacks of `make attack` in short: each is refused, cut or held back, and everybody else goes
on. How little they notice is measured there; here the bars leave room for a busy machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attack.bars import mild
from attack.siege import Siege, besieged
from attack.table import ATTACKS, Attack

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

SECONDS = 2.0
QUIET_SECONDS = 0.5
SHORT = [attack for attack in ATTACKS if attack.short]


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with besieged(tmp_path_factory.mktemp("attack"), QUIET_SECONDS) as siege:
        yield siege


@pytest.mark.parametrize("attack", SHORT, ids=lambda attack: attack.name)
def test_an_attack_is_refused_or_held_back_while_everybody_else_goes_on(
    siege: Siege, attack: Attack
) -> None:
    result = siege.attack(attack, SECONDS, mild())
    assert result.passed, (result.faults, result.outcome.said, result.measured)
