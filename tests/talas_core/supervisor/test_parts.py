"""Services as parts: their command, their environment, their end."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from support.wait import auntil
from talas_core.supervisor.parts import Service, ServiceSpec, module

STANDIN = str(Path(__file__).parents[2] / "support" / "standin.py")


def test_a_module_is_never_taken_from_the_working_folder() -> None:
    assert module("talas_api", "migrate") == (
        sys.executable, "-P", "-m", "talas_api", "migrate",
    )  # fmt: skip


async def test_a_service_sees_the_environment_of_its_launch(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    values = iter(["first", "second"])
    spec = ServiceSpec("trial", (sys.executable, STANDIN, "--show", str(seen)))
    service = Service(spec, lambda spec: {"VALUE": next(values), "NAME": spec.name}, 5.0)
    await service.prepare()
    for value in ("first", "second"):
        running = await service.launch()
        await service.ready(running)
        await auntil(seen.exists)
        told = json.loads(seen.read_text())
        assert (told["VALUE"], told["NAME"]) == (value, "trial")
        assert await service.stop(running) in (0, -signal.SIGTERM)
        seen.unlink()


async def test_a_service_that_does_not_drain_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(1000)"
    )
    spec = ServiceSpec("deaf", (sys.executable, "-c", program, str(ready)))
    service = Service(spec, lambda spec: {}, 0.1)
    running = await service.launch()
    await auntil(ready.exists)
    assert await service.stop(running) == -signal.SIGKILL
