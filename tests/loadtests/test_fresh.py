"""A fresh server for a run: there when it is needed, gone afterwards."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from loadtests import fresh
from loadtests.fresh import NotReady, fresh_talas, inherited

CHEAP = {"TALAS_BCRYPT_COST": "4"}


@pytest.mark.journey
async def test_fresh_server_starts_has_people_and_stops(tmp_path: Path) -> None:
    async with fresh_talas(tmp_path, CHEAP) as server:
        await server.ready()
        await server.seed(3, tmp_path / "tokens")
        family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children())]
        assert len(set((tmp_path / "tokens").read_text().split())) == 3
        with pytest.raises(NotReady, match="talas seed: exit status 2"):
            await server.seed(1, tmp_path / "nowhere" / "tokens")
    assert not any(psutil.pid_exists(pid) for pid in family)


async def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    async with fresh_talas(tmp_path, {"TALAS_BCRYPT_COST": "99"}) as server:
        with pytest.raises(NotReady, match="TALAS_BCRYPT_COST"):
            await server.ready()


async def test_a_server_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "READY_SECONDS", 0.05)
    monkeypatch.setattr(fresh, "SEED_SECONDS", 0.05)
    async with fresh_talas(tmp_path, CHEAP) as server:
        with pytest.raises(NotReady, match="not ready in"):
            await server.ready()
        with pytest.raises(NotReady, match="no people in"):
            await server.seed(1, tmp_path / "tokens")


def test_settings_of_another_talas_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALAS_DATABASE_URL", "postgresql://elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/some/where")
    found = inherited()
    assert not [name for name in found if name.startswith("TALAS_")]
    assert found["PYTHONPATH"].endswith(":/some/where")
