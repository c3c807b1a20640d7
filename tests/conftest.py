"""Fixtures that every test may ask for."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from support import backing, c_kernels
from support.once import made_once, shared_by_workers

# A busy machine is no fault of what is tested.
settings.register_profile("talas", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("talas")

SERVERS = {"databases", "nats_url", "make_server"}
"""Who asks for one of these starts a server of others."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark who starts servers of others. Journeys, which are long, come first: the last to end are
    small, and no worker waits for another."""
    for item in items:
        if isinstance(item, pytest.Function) and SERVERS.intersection(item.fixturenames):
            item.add_marker("servers")
    items.sort(key=lambda item: "journeys" not in item.path.parts)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A test that sets up the logs does so for itself alone."""
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[backing.Databases]:
    """One embedded PostgreSQL for the session; `databases.fresh()` is the URL of an empty one."""
    with backing.databases(tmp_path_factory.mktemp("postgres")) as found:
        yield found


@pytest.fixture
def database(databases: backing.Databases) -> str:
    """URL of an empty database of this test's own."""
    return databases.fresh()


@pytest.fixture
def make_database(databases: backing.Databases) -> Callable[..., str]:
    """Makes further databases: `make_database()`, or `make_database(template="test_1")`."""
    return databases.fresh


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL, token included, of one embedded NATS for the session. Use subjects of your own."""
    with backing.nats(tmp_path_factory.mktemp("nats")) as url:
        yield url


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A C compiler that has both sanitizers."""
    found = c_kernels.compiler(tmp_path_factory.mktemp("probe"))
    if found is None:
        pytest.skip("no C compiler with the address and undefined-behaviour sanitizers found")
    return found


@pytest.fixture(scope="session")
def kernels(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The object of each C kernel, with both sanitizers."""
    folder = shared_by_workers(tmp_path_factory)
    made = made_once(folder, "kernels", lambda part: c_kernels.objects(compiler, part))
    return sorted(made.glob("*.o"))
