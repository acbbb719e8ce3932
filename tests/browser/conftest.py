"""Fixtures of the tests that drive a real Chromium, and the guard against foreign requests.

``chromium_browser`` is the browser; the ``context`` and ``page`` fixtures of pytest-playwright
work as well, with the same browser. ``page_guard`` watches a page's requests. Where no Chromium
is found the tests are skipped and the summary says so.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, WebSocket

NO_BROWSER = "no Chromium found"  # tests/conftest.py looks for these words in the skips
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PROGRAMS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
FEATURES_OFF = (
    # Chromium opens these pages of its own with every window, which costs as much as the window.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
    "SpareRendererForSitePerProcess",  # a process more for each window, started and not used
    # What playwright switches off; only the last list counts, and ours comes after its own.
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"),
    *("HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter"),
    *("NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"),
)
# Quiet: nothing but the page under test may speak to the network.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(FEATURES_OFF)}",
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of this folder, and keep them in one process: one Chromium is enough."""
    item.add_marker(pytest.mark.browser)
    item.add_marker(pytest.mark.xdist_group("browser"))


def find_chromium(playwright: Playwright) -> str | None:
    """Path of a Chromium or Chrome of this machine, or None."""
    given = os.environ.get("WASTEFLOW_TEST_CHROMIUM")
    if given:
        return given
    for command in COMMANDS:
        found = shutil.which(command)
        if found:
            return found
    candidates = [*PROGRAMS, playwright.chromium.executable_path]
    return next((path for path in candidates if Path(path).is_file()), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(playwright: Playwright) -> dict[str, Any]:
    """How pytest-playwright starts the browser; skips where there is none."""
    path = find_chromium(playwright)
    if path is None:
        pytest.skip(NO_BROWSER)
    flags = [flag for flag in FLAGS if flag != "--no-sandbox" or sys.platform == "linux"]
    return {"executable_path": path, "args": flags}


@pytest.fixture(scope="session")
def chromium_browser(browser: Browser) -> Browser:
    """The Chromium of this test run."""
    return browser


class PageGuard:
    """Records every request of a page and names those that left its own origin.

    Requests of frames, workers and pop-ups of the same browser context count too.
    """

    def __init__(self, page: Page, origin: str, allowed: tuple[str, ...]) -> None:
        self.origin = _origin(origin)
        self.allowed = allowed
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.context.on("request", self._on_request)
        page.on("websocket", self._on_websocket)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _on_websocket(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    @property
    def foreign(self) -> list[str]:
        """Requests that left the origin, in order."""
        return [url for url in self.requests if not self._is_own(url)]

    def _is_own(self, url: str) -> bool:
        return _origin(url) == self.origin or urlsplit(url).scheme in self.allowed

    def check(self) -> None:
        """Fail if nothing was requested, or anything outside the origin."""
        assert self.requests, "the page made no request at all: was it opened?"
        assert not self.foreign, f"requests outside {self.origin}: {self.foreign}"

    def check_quiet(self) -> None:
        """Fail if the page wrote an error to the console or threw one."""
        assert not self.errors, f"errors in the page: {self.errors}"


def _origin(url: str) -> str:
    """Scheme, host and port; a web socket belongs to the origin of its page."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return "file://"
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"


@pytest.fixture
def page_guard() -> Iterator[Callable[..., PageGuard]]:
    """``guard = page_guard(page, origin)`` before the page is opened; checked when the test ends.

    ``origin`` is any address of the server under test, or ``file://`` for a file opened from
    disk; ``allowed=("data", "blob")`` are the schemes allowed beside it. ``guard.requests``
    holds every address asked for, ``guard.check_quiet()`` also forbids errors on the console.
    """
    guards: list[PageGuard] = []

    def watch(page: Page, origin: str, allowed: tuple[str, ...] = ("data", "blob")) -> PageGuard:
        guards.append(PageGuard(page, origin, allowed))
        return guards[-1]

    yield watch
    for guard in guards:
        guard.check()
