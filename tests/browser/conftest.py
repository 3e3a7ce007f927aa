"""A real JupyterLab, served by `needle-edu lab`, in a real headless Chromium.

The server gets a folder, a configuration and a cache of its own, so nothing of the user's is read or written. Where
Chromium or playwright is absent these tests skip, loudly, with the command that installs them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from needle_edu import cpu


def screenshot_folder() -> Path | None:
    """Where pictures are kept: NEEDLE_EDU_SCREENSHOTS, or nowhere."""
    name = os.environ.get("NEEDLE_EDU_SCREENSHOTS")
    if not name:
        return None
    Path(name).mkdir(parents=True, exist_ok=True)
    return Path(name)


def needle_edu_lab(options: list[str]) -> list[str]:
    return [sys.executable, "-m", "needle_edu", "lab", *options]


def free_port() -> int:
    """A port that nobody has, below those that the system hands out by itself: a kernel that another server starts in
    the meantime gets one of those."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port below 32,000")


class Lab:
    """A running `needle-edu lab`, or what `command` makes of its options, and the folder it serves."""

    def __init__(self, root: Path, command: Callable[[list[str]], list[str]] = needle_edu_lab):
        _ = cpu().kernels  # compiled now if need be: that may take longer than a server is waited for
        self.root = root
        self.folder = root / "needle-edu-course"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = [
            "--no-browser", f"--port={self.port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]  # fmt: skip
        self.private = root.parent / f"{root.name}-jupyter"  # not in what may be somebody's checkout
        private = {f"JUPYTER_{kind}_DIR": str(self.private / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
        self.private.mkdir(exist_ok=True)
        self.log = (self.private / "lab.log").open("w+")
        self.process = subprocess.Popen(
            command(options),
            cwd=root, env={**os.environ, **private}, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/api/status", timeout=2)
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.2)
        said = self.printed()
        if self.process.poll() is None:
            self.stop()  # nobody else will: the fixture has no server yet
        pytest.fail(f"needle-edu lab did not start:\n{said}")

    def printed(self) -> str:
        self.log.flush()
        return (self.private / "lab.log").read_text()

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()


@pytest.fixture(scope="session")
def lab(playwright_api, tmp_path_factory):
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


# True once every cell stands on the page with all its outputs: JupyterLab runs a cell that it has not yet put into the
# page; it does that when it has time, from the top.
ALL_IS_SHOWN = """() => {
    const cells = jupyterapp.shell.currentWidget.content.widgets;
    return cells.every(cell => cell.isAttached) && cells.filter(cell => cell.model.type === 'code').every(cell =>
        cell.outputArea.node.querySelectorAll('.jp-OutputArea-child').length >= cell.outputArea.model.length);
}"""


class Notebook:
    """One notebook in the browser: run it, look at it, click in it."""

    def __init__(self, page, lab: Lab):
        self.page, self.lab = page, lab

    def open(self, path: str) -> Notebook:
        """Open `path` (relative to the course folder) and wait until its kernel is idle."""
        self.page.goto(f"{self.lab.url}/lab/tree/{path}?reset", wait_until="load")
        return self.wait_for_kernel()

    def wait_for_kernel(self) -> Notebook:
        self.page.wait_for_selector(".jp-Notebook", timeout=60_000)
        self.page.wait_for_function(
            "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=60_000,
        )
        return self

    def run_all(self) -> Notebook:
        """Run every cell; an error in a cell ends the run, as it does for a person."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'", timeout=120_000
        )
        return self.settled()

    def settled(self) -> Notebook:
        """Wait until what the cells have printed, drawn and raised so far stands on the page."""
        self.page.wait_for_function(ALL_IS_SHOWN, timeout=60_000)
        return self

    def tracebacks(self) -> list[str]:
        """The text of every error output on the page."""
        kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        selector = ", ".join(f'.jp-RenderedText[data-mime-type="{kind}"]' for kind in kinds)
        return self.settled().page.locator(selector).all_text_contents()

    def text(self) -> str:
        return self.page.locator(".jp-Notebook").text_content()

    def screenshot(self, name: str) -> None:
        folder = screenshot_folder()
        if folder:
            self.page.screenshot(path=folder / f"{name}.png")


@pytest.fixture
def notebook(browser, lab):
    """A page without what earlier tests left open: the server remembers that in a workspace."""
    shutil.rmtree(lab.private / "CONFIG" / "lab" / "workspaces", ignore_errors=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield Notebook(page, lab)
    page.close()
