"""What every journey is spared, and what those of the page begin with; a module that needs another
beginning has its own of that name."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import serve
from support.browser import Browser, SharedBrowser, browser, shared_browser
from support.once import shared_by_workers
from support.page import folder
from support.ready_made import ReadyMade
from support.serve import Served, running_serve
from support.wait import until


@pytest.fixture(autouse=True, scope="module")
def _unmeasured() -> Iterator[None]:
    """No coverage of what a journey runs or starts: that would double what the product costs there,
    and the bar is for the tests of each part."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # which undoes it
        yield
    threading.settrace(in_threads)  # type: ignore[arg-type]
    sys.settrace(here)


@pytest.fixture(autouse=True, scope="session")
def _ready_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No first start for those that do not ask for one."""
    ready = ReadyMade(shared_by_workers(tmp_path_factory), serve.migrate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "ready_made", ready)
        yield


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Talas with its demo on the air. A source that has gone is soon taken for gone."""
    env = {"TALAS_HOLD_SECONDS": "1"}
    with running_serve(tmp_path_factory.mktemp("served"), "--demo", env=env) as running:
        running.wait_ready()
        until(lambda: "/demo." in running.get(running.stream, "/status-json.xsl")[1])
        yield running


@pytest.fixture(scope="session")
def running_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBrowser]:
    """A browser that all who need a page share, and nothing else."""
    with shared_browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    """A browser that was never here."""
    if request.node.get_closest_marker("own_browser"):
        with browser(folder(tmp_path, "profile")) as opened:
            yield opened
    else:
        with request.getfixturevalue("running_browser").page() as opened:
            yield opened
