"""For all tests: where random numbers come from, names that are the same in every process (pytest-xdist shares the
work), and one browser.

No test draws from a generator that another test draws from too: else an instruction set more, a test more or another
order would change its numbers. The properties that Hypothesis tests see the same examples at every run; `make fuzz`
looks at others.
"""

import gc
import random
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import needle_edu

# A busy machine must not fail a test: no deadline for an example, no complaint that drawing it was slow.
PATIENT = settings(database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", PATIENT, derandomize=True, max_examples=60)
settings.register_profile("fuzz", PATIENT, derandomize=False, max_examples=300)
settings.load_profile("same")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
INSTALL = "sudo apt install chromium  (any Chrome or Chromium on PATH will do), and: pip install playwright"
FLAGS = [
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
    *("--disable-background-networking", "--no-first-run"),
]


@pytest.fixture
def rng(request):
    """A generator of this test's own. Its numbers depend on the test's name alone, so that every device and
    instruction set gets the same ones, those of machines that nobody here has included."""
    return np.random.default_rng(zlib.crc32(request.node.originalname.encode()))


@pytest.fixture(autouse=True)
def global_generators_start_anew():
    """Weights and dropout come from NumPy's global generator: each test finds it at the same place."""
    np.random.seed(0)
    random.seed(0)


@pytest.fixture(autouse=True)
def default_device_shares_memory(request):
    """A test that names no device runs on the default one; `--device` may have made that one NumPy cannot look into."""
    if request.node.get_closest_marker("shares_memory") and needle_edu.default_device().host_view is None:
        pytest.skip(f"{needle_edu.default_device()!r} shares no memory with NumPy")


def pytest_make_parametrize_id(config, val, argname):
    """Bytes may hold the time of day (gzip) and do not read well: number them instead."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Nothing that is collected is garbage: the collector would look at it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish():
    """29,000 tests are two million objects. From now on the garbage collector looks only at what the tests make: else
    each of its rounds, and each test that counts what lives, would take half a second."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """`make browser` looks in two folders alone: to collect all tests takes half a minute."""
    there = [Path(__file__).parent / folder for folder in ("browser", "viz")]
    strays = [item for item in items if item.get_closest_marker("browser")]
    strays = [item.nodeid for item in strays if not any(map(item.path.is_relative_to, there))]
    if strays:
        raise pytest.UsageError(f"{strays[0]} needs a browser: put it into tests/browser or tests/viz")


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
