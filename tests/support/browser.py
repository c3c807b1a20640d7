"""A real browser: Debian's Chromium, headless, driven by Selenium.

Does:        start one with a profile of its own, or open a page in one that runs; press, type and
             read as a person would; keep every complaint the page made: console errors,
             exceptions, violations of its policy.
Never:       downloads a browser or a driver; shares a profile, or anything a page may keep.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement

from support.wait import PATIENCE, until

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--force-color-profile=srgb",
)
WATCH = """
window.violations = [];
addEventListener('securitypolicyviolation', (event) => {
  window.violations.push(`${event.effectiveDirective} refused ${event.blockedURI}`);
});
"""
DESKTOP, PHONE = (1280, 800), (390, 844)
MOVING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
"""The page is just drawing it anew, or lets something pass over it: nothing was done to it."""

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium or chromium-driver is not installed; CI installs it"
)


class Browser:
    """One browser with one tab. Elements are named by CSS selectors."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.size(*DESKTOP)
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def command(self, name: str, **arguments: Any) -> dict[str, Any]:
        """A command of the DevTools protocol."""
        return dict(self.driver.execute_cdp_cmd(name, arguments) or {})

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """The size of the page in CSS pixels; a phone has fingers and no scroll bars."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """As `size`, of the page that is open; returns once it is laid out so."""
        self.size(width, height, phone=phone)
        until(lambda: self.script("return matchMedia(`(width: ${arguments[0]}px)`).matches", width))

    def scheme(self, name: str) -> None:
        """What the system asks for: `dark` or `light`."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def script(self, code: str, *arguments: Any) -> Any:
        """Run `code` in the page; elements and plain values go in and come out."""
        return self.driver.execute_script(code, *arguments)

    def find(self, selector: str, seconds: float = PATIENCE) -> WebElement:
        """The first element of this kind that is in sight."""

        def shown() -> WebElement | None:
            with contextlib.suppress(StaleElementReferenceException):
                found = self.driver.find_elements("css selector", selector)
                return next((each for each in found if each.is_displayed()), None)
            return None

        try:
            return until(shown, seconds)  # type: ignore[return-value]
        except AssertionError as error:
            raise AssertionError(f"{selector} is not in sight") from error

    def press(self, selector: str) -> None:
        self._do(selector, WebElement.click)

    def fill(self, selector: str, text: str) -> None:
        """Type into an empty field."""
        self._do(selector, lambda field: field.send_keys(text))

    def _do(self, selector: str, act: Callable[[WebElement], None]) -> None:
        """Do it to the first element of this kind, once that is at rest."""

        def done() -> bool:
            try:
                act(self.find(selector))
            except MOVING as error:
                raise AssertionError(f"{selector}: {error.msg}") from error
            return True

        until(done)

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def text(self, selector: str) -> str:
        """What is read there now; empty where there is no such element."""
        return str(
            self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        )

    def reads(self, selector: str, words: str, seconds: float = PATIENCE) -> None:
        """Wait until `words` stand there."""
        try:
            until(lambda: words in self.text(selector), seconds)
        except AssertionError as error:
            raise AssertionError(f"{selector} reads {self.text(selector)!r}") from error

    def complaints(self) -> list[str]:
        """Console errors and warnings, and violations of the policy, since the last call."""
        lines = [
            f"{entry['level']}: {entry['message']}"
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]
        return lines + list(self.script("return window.violations.splice(0)"))

    def picture(self, file: Path) -> None:
        """Keep what is in sight as PNG."""
        data = self.command("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"]
        file.write_bytes(base64.b64decode(data))


class SharedBrowser:
    """One running browser, in which one test after the other opens a page, which costs less than a
    start. Each is in a context of its own, as of a browser that was never here.

    A tab that WebDriver opens beside such a page is not in its context; who needs one needs a
    browser for themselves.
    """

    def __init__(self, opened: Browser, tools: websockets.sync.client.ClientConnection) -> None:
        self._driver, self._tools = opened.driver, tools
        self._numbers = itertools.count(1)
        self._next = self._context()
        self._driver.close()

    @contextlib.contextmanager
    def page(self) -> Iterator[Browser]:
        """A page of a stranger. One at a time."""
        context, tab = self._next
        self._driver.switch_to.window(tab)
        self._driver.get_log("browser")  # what the page before said at its end
        try:
            yield Browser(self._driver)
        finally:
            self._next = self._context()  # a browser without a window ends
            self._driver.switch_to.window(self._next[1])
            self._ask("Target.disposeBrowserContext", browserContextId=context)

    def _context(self) -> tuple[str, str]:
        """A new context, and the tab in it."""
        context = self._ask("Target.createBrowserContext")["browserContextId"]
        tab = self._ask(
            "Target.createTarget", url="about:blank", browserContextId=context, newWindow=True
        )
        return context, tab["targetId"]

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._tools.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._tools.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                return dict(answer["result"])


@contextlib.contextmanager
def shared_browser(profile: Path) -> Iterator[SharedBrowser]:
    """A browser with a fresh profile in the folder `profile`, to open pages in, until the block
    ends."""
    with browser(profile) as opened:
        address = opened.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        with urllib.request.urlopen(f"http://{address}/json/version", timeout=PATIENCE) as answer:
            url = json.load(answer)["webSocketDebuggerUrl"]
        with websockets.sync.client.connect(url, max_size=None, ping_interval=None) as tools:
            yield SharedBrowser(opened, tools)


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile in the folder `profile`; it ends with the block."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option("excludeSwitches", ["mute-audio", "enable-automation"])
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_script_timeout(PATIENCE)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
