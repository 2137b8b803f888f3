"""Pictures of how rules move on two functions, as small SVG files without text."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from contourpy import contour_generator

from tfoptim.optimizer import Optimizer
from tfoptim.simulate import simulate

STEPS = 100
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SIZE = 220  # of a picture, in its own units
LEVELS = 9
Array = np.ndarray


@dataclass(frozen=True)
class Place:
    """A function of two numbers, where it is drawn, and where a path starts."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    low: tuple[float, float]
    high: tuple[float, float]
    start: tuple[float, float]
    minimum: tuple[float, float]


TURN = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
BOWL = TURN @ np.diag([1.0, 20.0]) @ TURN.T


def _valley(w: Array) -> Array:
    x, y = w
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _valley_slope(w: Array) -> Array:
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


PLACES = {
    "bowl": Place(
        value=lambda w: 0.5 * np.einsum("i...,ij,j...", w, BOWL, w),
        slope=lambda w: BOWL @ w,
        low=(-1.6, -1.2),
        high=(1.2, 1.6),
        start=(-1.3, 1.0),
        minimum=(0.0, 0.0),
    ),
    "valley": Place(
        value=_valley, slope=_valley_slope, low=(-1.7, -0.7), high=(1.5, 2.0), start=(-1.2, 1.6), minimum=(1.0, 1.0)
    ),
}


def both(cls: type[Optimizer]) -> dict[str, tuple[str, float | None]]:
    """Returns for each function the drawing and its learning rate, None for a rule without one.

    Raises:
        ValueError: the rule cannot be simulated; the message says why.
    """
    if cls.needs_loss:
        raise ValueError("the rule needs the loss, and the simulation has gradients alone.")
    return {name: _drawn(cls, place) for name, place in PLACES.items()}


def _drawn(cls: type[Optimizer], place: Place) -> tuple[str, float | None]:
    if "learning_rate" not in cls.fields:
        return svg(place, _path(cls(), place)), None
    paths = {rate: _path(cls(learning_rate=rate), place) for rate in RATES}
    rate = min(paths, key=lambda rate: _height(place, paths[rate]))
    return svg(place, paths[rate]), rate


def _path(optimizer: Optimizer, place: Place) -> Array:
    with np.errstate(all="ignore"):
        steps = simulate(optimizer, np.array(place.start), [place.slope] * STEPS)
    return np.vstack([place.start, steps])


def _height(place: Place, path: Array) -> float:
    """Returns how high a path runs: the mean logarithm of the function over its steps."""
    with np.errstate(all="ignore"):
        height = float(np.mean(np.log10(place.value(path.T) + 1e-9)))
    return height if np.isfinite(height) else np.inf


def _screen(place: Place, points: Array) -> Array:
    """Returns points in the units of the picture, y downwards."""
    low, high = np.array(place.low), np.array(place.high)
    share = (np.asarray(points) - low) / (high - low)
    return np.stack([share[:, 0], 1 - share[:, 1]], axis=1) * SIZE


def _line(points: Array) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in np.clip(points, -SIZE, 2 * SIZE))


@functools.cache
def _contours(name: str) -> str:
    place = PLACES[name]
    x, y = (np.linspace(place.low[i], place.high[i], 48) for i in (0, 1))
    height = place.value(np.array(np.meshgrid(x, y)))
    levels = np.geomspace(max(height.min(), height.max() * 1e-4), height.max(), LEVELS)
    lines = [line for level in levels for line in contour_generator(x, y, height).lines(level)]
    return "".join(f'<polyline points="{_line(_screen(place, line))}"/>' for line in lines)


def svg(place: Place, path: Array) -> str:
    """Returns the drawing of a path: contours, line, steps, start and minimum."""
    name = next(key for key, value in PLACES.items() if value is place)
    points = _screen(place, path[np.isfinite(path).all(axis=1)])
    (start, goal) = _screen(place, np.array([place.start, place.minimum]))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in points if 0 <= x <= SIZE and 0 <= y <= SIZE
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" fill="#fff"/>'
        f'<g fill="none" stroke="#bbb" stroke-width=".8">{_contours(name)}</g>'
        f'<polyline points="{_line(points)}" fill="none" stroke="#0072B2" stroke-width="1.2"/>'
        f'<g fill="#0072B2">{dots}</g>'
        f'<circle cx="{start[0]:.1f}" cy="{start[1]:.1f}" r="4" fill="#fff" stroke="#000"/>'
        f'<path transform="translate({goal[0]:.1f} {goal[1]:.1f})" d="{STAR}" fill="#D55E00"/></svg>\n'
    )


STAR = "M0,-7 L1.7,-2.3 L6.7,-2.2 L2.7,0.9 L4.1,5.7 L0,2.9 L-4.1,5.7 L-2.7,0.9 L-6.7,-2.2 L-1.7,-2.3 Z"
