"""Points in the plane: in classes that one straight line parts, or two, or none.

Two coordinates can be drawn, so these sets show what a network does: colour the plane by its prediction and
watch the boundary bend while it trains. Each function returns the points and their classes; the same `seed`
gives the same points in every run, `seed=None` draws from the global generator.
"""

from __future__ import annotations

import numpy as np

from ..backend.arguments import real, whole
from ..backend.errors import DataError
from ..backend.random import generator


def spiral(
    n: int = 300, classes: int = 3, noise: float = 0.1, turns: float = 0.75, seed: int | None = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Interleaved spiral arms, one per class.

    Parameters
    ----------
    n : int
        Number of points, shared as evenly as possible among the classes.
    classes : int
        Number of arms.
    noise : float
        Standard deviation of the angle, in radians.
    turns : float
        How far each arm winds around the centre; 1 is a full turn.
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2), within the unit disc
    labels : numpy.ndarray, int64 of shape (n,), 0 to classes - 1

    Examples
    --------
    >>> points, labels = spiral(90)
    >>> points.shape, np.bincount(labels).tolist()
    ((90, 2), [30, 30, 30])
    """
    labels = _labels("spiral", n, classes, noise, seed)
    real("spiral", turns=turns)
    radius = _ramp(labels, 0.05, 1.0)
    angle = 2 * np.pi * (turns * radius + labels / classes)
    angle = angle + noise * generator(seed).randn(n)
    return _points(radius * np.cos(angle), radius * np.sin(angle)), labels


def moons(n: int = 200, noise: float = 0.1, seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles, the upper one class 0, the lower one class 1.

    Parameters
    ----------
    n : int
        Number of points.
    noise : float
        Standard deviation of both coordinates; without noise the upper moon has radius 1 around (0, 0), the
        lower one radius 1 around (1, 0.5).
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2)
    labels : numpy.ndarray, int64 of shape (n,), 0 or 1

    Examples
    --------
    >>> points, labels = moons(4, noise=0.0)
    >>> points[labels == 0].round(2).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    labels = _labels("moons", n, 2, noise, seed)
    angle = np.pi * _ramp(labels, 0.0, 1.0)
    x = np.where(labels == 0, np.cos(angle), 1 - np.cos(angle))
    y = np.where(labels == 0, np.sin(angle), 0.5 - np.sin(angle))
    return _points(x, y) + _noise(n, noise, seed), labels


def circles(
    n: int = 200, noise: float = 0.05, inner: float = 0.5, seed: int | None = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A circle of radius 1 (class 0) around a circle of radius `inner` (class 1).

    Parameters
    ----------
    n : int
        Number of points.
    noise : float
        Standard deviation of both coordinates.
    inner : float
        Radius of the inner circle.
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2)
    labels : numpy.ndarray, int64 of shape (n,), 0 or 1

    Examples
    --------
    >>> points, labels = circles(100, noise=0.0)
    >>> radii = np.sqrt((points ** 2).sum(axis=1))
    >>> radii[labels == 0].round(3).max().item(), radii[labels == 1].round(3).max().item()
    (1.0, 0.5)
    """
    labels = _labels("circles", n, 2, noise, seed)
    real("circles", 0, inner=inner)
    angle = 2 * np.pi * _ramp(labels, 0.0, 1.0, endpoint=False)
    radius = np.where(labels == 0, 1.0, inner)
    return _points(radius * np.cos(angle), radius * np.sin(angle)) + _noise(n, noise, seed), labels


def xor(n: int = 200, noise: float = 0.0, seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in the square from -1 to 1; class 1 where exactly one coordinate is positive.

    The problem that no single linear layer can solve, and with which the history of deep learning begins
    (M. Minsky, S. Papert, "Perceptrons", 1969).

    Parameters
    ----------
    n : int
        Number of points.
    noise : float
        Standard deviation added to both coordinates AFTER the class was decided.
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2)
    labels : numpy.ndarray, int64 of shape (n,), 0 or 1

    Examples
    --------
    >>> points, labels = xor(50)
    >>> bool(((points[:, 0] * points[:, 1] < 0) == (labels == 1)).all())
    True
    """
    _labels("xor", n, 2, noise, seed)
    rng = generator(seed)
    points = rng.rand(n, 2) * 2 - 1
    labels = ((points[:, 0] > 0) != (points[:, 1] > 0)).astype(np.int64)
    return (points + noise * rng.randn(n, 2)).astype(np.float32), labels


def halves(n: int = 200, seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in the square from -1 to 1; class 1 where the first coordinate is negative.

    One upright line parts them. Source: the set "Simple" of minitorch (S. Rush), on another square.

    Parameters
    ----------
    n : int
        Number of points.
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2)
    labels : numpy.ndarray, int64 of shape (n,), 0 or 1

    Examples
    --------
    >>> points, labels = halves(50)
    >>> bool(((points[:, 0] < 0) == labels).all())
    True
    """
    points = _square("halves", n, seed)
    return points, (points[:, 0] < 0).astype(np.int64)


def diagonal(n: int = 200, seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in the square from -1 to 1; class 1 in the corner below the line x + y = -1.

    One sloping line parts them. Source: the set "Diag" of minitorch (S. Rush), on another square.

    Parameters
    ----------
    n : int
        Number of points; about one in eight is of class 1.
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2)
    labels : numpy.ndarray, int64 of shape (n,), 0 or 1

    Examples
    --------
    >>> points, labels = diagonal(50)
    >>> bool(((points.sum(axis=1) < -1) == labels).all())
    True
    """
    points = _square("diagonal", n, seed)
    return points, (points[:, 0] + points[:, 1] < -1).astype(np.int64)


def stripes(n: int = 200, seed: int | None = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in the square from -1 to 1; class 1 where the first coordinate is below -0.6 or above 0.6.

    It takes two lines to part them. Source: the set "Split" of minitorch (S. Rush), on another square.

    Parameters
    ----------
    n : int
        Number of points; about two in five are of class 1.
    seed : int or None

    Returns
    -------
    points : numpy.ndarray, float32 of shape (n, 2)
    labels : numpy.ndarray, int64 of shape (n,), 0 or 1

    Examples
    --------
    >>> points, labels = stripes(50)
    >>> bool(((abs(points[:, 0]) > 0.6) == labels).all())
    True
    """
    points = _square("stripes", n, seed)
    return points, (np.abs(points[:, 0]) > 0.6).astype(np.int64)


def _square(name: str, n: int, seed: int | None) -> np.ndarray:
    """Points anywhere in the square from -1 to 1."""
    _labels(name, n, 2, 0.0, seed)
    return (generator(seed).rand(n, 2) * 2 - 1).astype(np.float32)


def _labels(name: str, n: int, classes: int, noise: float, seed: int | None) -> np.ndarray:
    """0, 1, ..., 0, 1, ...: classes as even as possible. Looks at what all sets of points are given."""
    n, classes = whole(name, error=DataError, n=n, classes=classes)
    real(name, 0, error=DataError, noise=noise)
    if seed is not None:
        whole(name, 0, error=DataError, seed=seed)
    return np.arange(n, dtype=np.int64) % classes


def _ramp(labels: np.ndarray, low: float, high: float, endpoint: bool = True) -> np.ndarray:
    """Within each class, evenly spaced numbers from `low` to `high` (without `high` if not `endpoint`)."""
    ramp = np.empty(len(labels))
    for label in np.unique(labels):
        members = labels == label
        ramp[members] = np.linspace(low, high, members.sum(), endpoint=endpoint)
    return ramp


def _noise(n: int, noise: float, seed: int | None) -> np.ndarray:
    return (noise * generator(seed).randn(n, 2)).astype(np.float32)


def _points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x, y], axis=1).astype(np.float32)
