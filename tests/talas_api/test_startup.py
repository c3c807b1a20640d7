import asyncio

import pytest

from talas_api import startup
from talas_api.startup import Startup
from talas_core.errors import Unavailable, UsageError


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(startup, "LONGEST_WAIT", 0.004)


class Flaky:
    """A step that fails a few times."""

    def __init__(self, failures: int, log: list[str], name: str) -> None:
        self.failures = failures
        self.log = log
        self.name = name

    async def __call__(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("The database does not answer.")
        self.log.append(self.name)


async def test_start_does_its_steps_in_order_each_until_it_works() -> None:
    log: list[str] = []
    start = Startup([(name, Flaky(tries, log, name)) for name, tries in (("a", 3), ("b", 5))])
    with pytest.raises(Unavailable, match="not begun"):
        await start.check()
    await start.run()
    assert log == ["a", "b"]
    await start.check()


async def test_health_names_the_step_that_fails() -> None:
    start = Startup([("migrations", Flaky(1_000_000, [], "x"))])
    running = asyncio.create_task(start.run())
    await asyncio.sleep(0.02)
    with pytest.raises(Unavailable, match=r"starting: migrations: The database does not answer\."):
        await start.check()
    running.cancel()


async def test_health_names_the_step_under_way() -> None:
    begun = asyncio.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.Event().wait()

    start = Startup([("a", Flaky(1, [], "a")), ("keys", slow)])
    running = asyncio.create_task(start.run())
    await begun.wait()
    with pytest.raises(Unavailable, match=r"starting: keys$"):
        await start.check()
    running.cancel()


async def test_failing_step_logs_its_cause_once(capsys: pytest.CaptureFixture[str]) -> None:
    await Startup([("a", Flaky(20, [], "a"))]).run()
    assert capsys.readouterr().out.count("start waits") == 1


async def test_failure_that_will_not_pass_is_raised() -> None:
    async def hopeless() -> None:
        raise UsageError("a version this program does not know")

    with pytest.raises(UsageError):
        await Startup([("a", hopeless)]).run()
