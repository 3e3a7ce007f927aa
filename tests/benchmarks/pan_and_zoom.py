"""How smoothly a drawing of 1,000 nodes moves and changes its size: milliseconds from frame to frame, in the page.

    python -m tests.benchmarks.pan_and_zoom

In each frame the window is scrolled by 40 pixels, or the graph made a little larger or smaller by the wheel with Ctrl,
as a reader would. A screen shows 60 frames in a second, one each 16.7 ms. Beside it stands how long the page takes to
draw all cards anew when the size has come to rest.
"""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from needle_edu import viz
from tests.benchmarks.drawing import recurrent
from tests.conftest import CHROMIUM, FLAGS, INSTALL

FRAMES = 90
MEASURE = """async ([frames, zooms]) => {
  const frame = () => new Promise(requestAnimationFrame), view = document.querySelector(".ndl-window");
  const place = view.getBoundingClientRect(), times = [];
  const at = { clientX: place.left + 300, clientY: place.top + 300, ctrlKey: true, bubbles: true, cancelable: true };
  let before = await frame();
  for (let k = 0; k < frames; k++) {
    if (zooms) view.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: k % 60 < 30 ? -5 : 5 }));
    else view.scrollBy(0, k % 60 < 30 ? 40 : -40);
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  const rested = performance.now();
  if (zooms) while (document.querySelector(".ndl-window > svg").style.transform) await frame();
  await frame();
  await new Promise((done) => setTimeout(done));
  return [times, performance.now() - rested];
}"""


def measure() -> None:
    """Print a line for moving, and one for zooming."""
    from playwright.sync_api import sync_playwright

    drawing = viz.draw(recurrent(), modules=False, roll=False)
    file = drawing.save(Path(tempfile.mkdtemp()) / "graph.html")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page: Any = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(file.as_uri())
            page.locator(".ndl-map rect").wait_for()
            for what, zooms in (("moved", False), ("zoomed", True)):
                page.evaluate(MEASURE, [10, zooms])
                times, rested = page.evaluate(MEASURE, [FRAMES, zooms])
                print(
                    f"{len(drawing.graph.nodes):,} nodes {what}: {np.median(times):.1f} ms from frame to frame, "
                    f"{np.percentile(times, 95):.1f} at most in 95 %; at rest after {rested:.0f} ms"
                )
        finally:
            browser.close()


if __name__ == "__main__":
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        raise SystemExit(f"pan_and_zoom: needs a browser: {INSTALL}")
    measure()
