"""Reference pictures: what a view looked like when somebody last looked, compared with what it looks like now.

A view is a name and a function that returns its HTML. `make pictures` draws all of them anew into `pictures/`; look at
what changed before you commit it. The comparison is by blocks of pixels, with a tolerance: letters of another font, and
the smooth edges of another browser, differ by a little everywhere; a box that is gone, cut off, or of another colour
differs by a lot in one place.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest

from needle_edu.viz.page import PAGE

FOLDER = Path(__file__).parent / "pictures"
LIVE = Path(__file__).parents[2] / "docs" / "live"  # views in a running JupyterLab, which are not compared
WRITE = "NEEDLE_EDU_PICTURES"  # set by `make pictures`
BLOCK = 24  # pixels
SIZE_TOLERANCE = 0.03  # of the width and of the height
MEAN_TOLERANCE = 0.02  # of the grey values, from 0 to 1, over the whole picture
BLOCK_TOLERANCE, BLOCKS = (
    0.05,
    0.008,
)  # so few blocks may differ by so much: another font takes 0.005, a lost card 0.01


def screenshot(browser, html: str, theme: str, width: int = 900, height: int = 700) -> bytes:
    """A view in a page of its own, as PNG."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    try:
        page.set_content(PAGE.format(title="a view", body=html))
        return page.screenshot(animations="disabled")
    finally:
        page.close()


def pixels(png: bytes) -> np.ndarray:
    """Grey values (height, width), from 0 to 1."""
    from matplotlib.image import imread

    return imread(io.BytesIO(png))[..., :3].mean(axis=-1)


def blocks(picture: np.ndarray) -> np.ndarray:
    """The means of squares of pixels."""
    h, w = (length // BLOCK * BLOCK for length in picture.shape)
    return picture[:h, :w].reshape(h // BLOCK, BLOCK, w // BLOCK, BLOCK).mean(axis=(1, 3))


def difference(now: np.ndarray, before: np.ndarray) -> str:
    """What is wrong with a picture, in words; empty if it looks as it did."""
    for axis, name in enumerate(("height", "width")):
        if abs(now.shape[axis] - before.shape[axis]) > SIZE_TOLERANCE * before.shape[axis]:
            return f"its {name} was {before.shape[axis]}, and is {now.shape[axis]} pixels"
    a, b = blocks(now), blocks(before)
    h, w = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
    apart = np.abs(a[:h, :w] - b[:h, :w])
    if apart.mean() > MEAN_TOLERANCE:
        return f"its grey values differ by {apart.mean():.3f} on the average"
    share = (apart > BLOCK_TOLERANCE).mean()
    if share > BLOCKS:
        row, column = np.unravel_index(apart.argmax(), apart.shape)
        return f"{share:.1%} of it looks different, most of all at x={column * BLOCK}, y={row * BLOCK}"
    return ""


def check(browser, name: str, html: str, theme: str) -> None:
    """Compare a view with its picture, or, under `make pictures`, draw the picture anew."""
    path, png = FOLDER / f"{name}-{theme}.png", screenshot(browser, html, theme)
    if os.environ.get(WRITE):
        FOLDER.mkdir(exist_ok=True)
        path.write_bytes(png)
        return
    if not path.exists():
        pytest.fail(f"there is no picture {path.name}; look at the view, and run: make pictures")
    wrong = difference(pixels(png), pixels(path.read_bytes()))
    if wrong:
        seen = Path(os.environ.get("NEEDLE_EDU_SCREENSHOTS") or "screenshots")
        seen.mkdir(parents=True, exist_ok=True)
        (seen / path.name).write_bytes(png)
        pytest.fail(f"{path.name}: {wrong}. What it looks like now is in {seen}; if it should: make pictures")


def keep(view, name: str) -> None:
    """Under `make pictures`, a picture of a view with a kernel behind it, for the documentation."""
    if os.environ.get(WRITE):
        LIVE.mkdir(exist_ok=True)
        (LIVE / f"{name}.png").write_bytes(view.screenshot(animations="disabled"))
