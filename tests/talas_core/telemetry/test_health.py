from __future__ import annotations

import asyncio

import pytest

from talas_core.telemetry import health
from talas_core.telemetry.health import Health


async def good() -> None:
    return None


async def bad() -> None:
    raise RuntimeError("the database said no")


async def test_service_without_parts_is_healthy() -> None:
    report = await Health("api").report()
    assert (report.service, report.status, report.parts, report.ready) == ("api", "ok", {}, True)


async def test_health_names_every_part_with_what_failed() -> None:
    async def wordless() -> None:
        raise ValueError

    one = Health("api")
    one.register("database", bad)
    one.register("bus", good)
    one.register("odd", wordless)
    report = await one.report()
    assert report.parts == {"database": "the database said no", "bus": "ok", "odd": "ValueError"}
    assert report.status == "degraded"
    assert not report.ready


async def test_a_part_that_hangs_has_failed_and_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "DEADLINE_SECONDS", 0.03)
    asked = asyncio.Barrier(2)

    async def hangs() -> None:
        await asked.wait()
        await asyncio.Event().wait()

    async def meets() -> None:
        await asked.wait()

    one = Health("api")
    one.register("slow", hangs)
    one.register("quick", meets)
    report = await one.report()
    assert report.parts == {"slow": "no answer within 0.03 s", "quick": "ok"}


async def test_a_part_whose_own_task_was_cancelled_has_failed() -> None:
    dead = asyncio.create_task(asyncio.sleep(60))
    dead.cancel()

    async def asks() -> None:
        await dead

    one = Health("api")
    one.register("worker", asks)
    assert (await one.report()).parts == {"worker": "stopped"}


async def test_health_question_may_be_cancelled() -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    one = Health("api")
    one.register("slow", hangs)
    asking = asyncio.create_task(one.report())
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_service_that_drains_is_not_ready_whatever_works() -> None:
    one = Health("stream")
    one.register("bus", good)
    one.draining = True
    report = await one.report()
    assert report.status == "draining"
    assert not report.ready
    assert report.parts == {"bus": "ok"}


async def test_check_registered_again_replaces_the_first() -> None:
    one = Health("stream")
    one.register("bus", bad)
    one.register("bus", good)
    assert (await one.report()).parts == {"bus": "ok"}
