"""How long a step of the stepper takes, from the click to the frame that shows it, measured in the page.

    python -m tests.benchmarks.click_to_frame

A line for each graph, of 60 clicks on "one step on", and of 60 jumps to nodes anywhere. The time runs from the click
to a task after the next animation frame, when that has been painted; so half a frame of waiting, 8 ms, is in it on
average. Beside it stands the processor time of the page's main thread for a click, which a busy machine does not
lengthen so much.
"""

import importlib.util
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import needle_edu as ndl
from needle_edu import nn, viz
from tests.conftest import CHROMIUM, FLAGS, INSTALL

CLICKS = 60
MEASURE = """async ([clicks, jumps]) => {
  const task = (wait) => new Promise((done) => setTimeout(done, wait));
  const frame = () => new Promise(requestAnimationFrame), root = document.querySelector(".needle-stepper").shadowRoot;
  const next = root.querySelector("button.next"), nodes = [...root.querySelectorAll("[data-node]")], times = [];
  for (let k = 0; k < clicks; k++) {
    await task(20 + k % 17);
    const target = jumps ? nodes[(k * 7919) % nodes.length] : next, begin = performance.now();
    target.dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true }));
    await frame();
    await task(0);
    times.push(performance.now() - begin);
  }
  return times;
}"""
PARTS = {
    "TaskDuration": "all",
    "ScriptDuration": "script",
    "RecalcStyleDuration": "style",
    "LayoutDuration": "layout",
}


def models() -> dict[str, ndl.Tensor]:
    """Losses of graphs from very small to large."""
    x, y = ndl.Tensor([2.0]), ndl.Tensor([3.0])
    digits = ndl.init.rand(16, 64, requires_grad=False)
    labels = ndl.Tensor(np.arange(16) % 10, requires_grad=False)
    mlp = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    chain = ndl.Tensor([0.5])
    for _ in range(150):
        chain = chain.tanh() * 1.01
    return {
        "x y + x": x * y + x,
        "MLP 64-32-10": nn.SoftmaxLoss()(mlp(digits), labels),
        "chain of 300": chain,
    }


def processor_times(session: Any) -> np.ndarray:
    """Seconds of processor time that the page's main thread has taken: in all, and for each part."""
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return np.array([metrics[name] for name in PARTS])


def measure() -> None:
    """Print a line for each graph."""
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp())
    print(f"{platform.processor() or platform.machine()}, Chromium headless")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            for name, loss in models().items():
                viz.step(loss).save(folder / "page.html")
                page.goto((folder / "page.html").as_uri())
                page.wait_for_selector(".needle-stepper")
                for what, jumps in (("step", False), ("jump", True)):
                    before = processor_times(session)
                    times = page.evaluate(MEASURE, [CLICKS, jumps])
                    spent = (processor_times(session) - before) / CLICKS * 1e3
                    parts = ", ".join(
                        f"{part} {ms:.1f}" for part, ms in zip(PARTS.values(), spent, strict=True)
                    )
                    print(
                        f"{name:14s} {what}: median {np.median(times):5.1f} ms, least {min(times):5.1f} ms; "
                        f"processor {parts} ms"
                    )
        finally:
            browser.close()


if __name__ == "__main__":
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        raise SystemExit(f"click_to_frame: needs a browser: {INSTALL}")
    measure()
