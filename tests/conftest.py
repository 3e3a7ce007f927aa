"""For all tests: names that are the same in every process (pytest-xdist shares the work), and one browser."""

import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
INSTALL = "sudo apt install chromium  (any Chrome or Chromium on PATH will do), and: pip install playwright"
FLAGS = [
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
    *("--disable-background-networking", "--no-first-run"),
]


def pytest_make_parametrize_id(config, val, argname):
    """Bytes may hold the time of day (gzip) and do not read well: number them instead."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def playwright_api():
    """Playwright's entry, if it and a Chromium exist; else tests skip, loudly, with the command that installs them."""
    if CHROMIUM is None:
        pytest.skip(f"BROWSER TESTS NOT RUN: no Chromium found. Install: {INSTALL}")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip(f"BROWSER TESTS NOT RUN: playwright is absent. Install: {INSTALL}")
    return sync_playwright


@pytest.fixture(scope="module")
def browser(playwright_api):
    """Headless Chromium. One per test file, no longer: while playwright runs, an asyncio loop counts as running in
    this thread, and `asyncio.run` of any other test that shares the process would be refused."""
    with playwright_api() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
