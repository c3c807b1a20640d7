"""The page's layout in other browsers: Firefox over WebDriver BiDi, WebKitGTK over its driver.

Does:        open a page at a size, run a script in it, press by a real press of the pointer.
Never:       downloads a browser or a driver; shares a profile; needs a screen.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import websockets.sync.client
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains

from support.browser import CHROMIUM, DRIVER, Browser, browser
from support.ports import free_ports
from support.wait import PATIENCE, until

FIREFOX, WEBKIT, XVFB = (shutil.which(name) for name in ("firefox-esr", "WebKitWebDriver", "Xvfb"))
MINI = next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))), None)
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "media.cubeb.backend": "pulse-rust",
    "remote.prefs.recommended": True,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}

MIDDLE = """
const box = document.getElementById('play').getBoundingClientRect();
return [box.x + box.width / 2, box.y + box.height / 2];
"""
"""Where to press to play."""


class Engine(Protocol):
    """A browser as far as a test of the layout needs it."""

    narrowest: int
    """The least width, in CSS pixels, that its page can have."""

    def size(self, width: int, height: int) -> None:
        """The size of the page in CSS pixels."""

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""

    def script(self, code: str) -> Any:
        """What `code`, the body of a function, returns; plain values only."""

    def press_at(self, x: float, y: float) -> None:
        """Press the first button of the pointer there, in CSS pixels of the page in sight."""


class Chromium:
    """Chromium, as the other journeys use it."""

    narrowest = 0

    def __init__(self, opened: Browser) -> None:
        self._browser = opened
        self.size, self.open, self.script = opened.size, opened.open, opened.script

    def press_at(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self._browser.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )


class Firefox:
    """Firefox over its BiDi socket: Debian has no geckodriver."""

    narrowest = 0

    def __init__(self, socket: websockets.sync.client.ClientConnection) -> None:
        self._socket, self._number = socket, 0
        self._ask("session.new", capabilities={})
        self._tab = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def _ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def size(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self._ask("browsingContext.setViewport", context=self._tab, viewport=viewport)

    def open(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def script(self, code: str) -> Any:
        expression = f"JSON.stringify((() => {{ {code} }})() ?? null)"
        where = {"context": self._tab}
        answer = self._ask(
            "script.evaluate", expression=expression, target=where, awaitPromise=False
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def press_at(self, x: float, y: float) -> None:
        press = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "hand", "actions": press}
        self._ask("input.performActions", context=self._tab, actions=[pointer])


class WebKit:
    """WebKitGTK's small browser. Its window has a bar of its own, which keeps it wide."""

    narrowest = 450

    def __init__(self, driver: webdriver.WebKitGTK) -> None:
        self._driver = driver

    def size(self, width: int, height: int) -> None:
        self._driver.set_window_size(width, height)
        until(lambda: self._has(width, height), every=0.2)

    def _has(self, width: int, height: int) -> bool:
        """Whether the page has this size; the window is made larger or smaller by what is
        missing, again and again: what was asked for while another size was under way is lost."""
        inner = self.script("return [innerWidth, innerHeight]")
        if inner == [width, height]:
            return True
        outer = self._driver.get_window_size()
        self._driver.set_window_size(
            outer["width"] + width - inner[0], outer["height"] + height - inner[1]
        )
        return False

    def open(self, url: str) -> None:
        self._driver.get(url)

    def script(self, code: str) -> Any:
        return self._driver.execute_script(code)

    def press_at(self, x: float, y: float) -> None:
        chain = ActionChains(self._driver)
        chain.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        chain.w3c_actions.pointer_action.click()
        chain.perform()


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Engine]:
    with browser(folder) as opened:
        yield Chromium(opened)


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Engine]:
    [port] = free_ports(1)
    (folder / "user.js").write_text(
        "".join(
            f'user_pref("{name}", {json.dumps(value)});\n' for name, value in PREFERENCES.items()
        )
    )
    command = [str(FIREFOX), "--headless", "--no-remote", "--profile", str(folder)]
    process = subprocess.Popen(
        [*command, f"--remote-debugging-port={port}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_home(folder),
    )  # fmt: skip
    try:
        with until(lambda: _connected(port)) as socket:
            yield Firefox(socket)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _connected(port: int) -> websockets.sync.client.ClientConnection | None:
    with contextlib.suppress(OSError):
        return websockets.sync.client.connect(f"ws://127.0.0.1:{port}/session", max_size=None)
    return None


@contextlib.contextmanager
def webkit(folder: Path) -> Iterator[Engine]:
    read, write = os.pipe()
    screen = subprocess.Popen(
        [str(XVFB), "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
        pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            display = f":{answer.readline().strip()}"
        options = webdriver.WebKitGTKOptions()
        options.binary_location = str(MINI)
        options.add_argument("--automation")
        env = _home(folder) | {"DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        service = webdriver.WebKitGTKService(str(WEBKIT), env=env)
        driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            yield WebKit(driver)
        finally:
            driver.quit()
    finally:
        screen.terminate()
        screen.wait(PATIENCE)


def _home(folder: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}


ENGINES: dict[str, tuple[Callable[[Path], AbstractContextManager[Engine]], bool, str]] = {
    "chromium": (chromium, bool(CHROMIUM and DRIVER), "chromium or chromium-driver"),
    "firefox": (firefox, bool(FIREFOX), "firefox-esr"),
    "webkit": (webkit, bool(WEBKIT and MINI and XVFB), "webkit2gtk-driver or xvfb"),
}
"""By name: how to start it, whether it is here, and the packages it is in."""
