"""Classical test functions, each with its published start, box and known minima.

    >>> rosenbrock = FUNCTIONS["rosenbrock"]
    >>> float(rosenbrock.value(rosenbrock.start)), float(rosenbrock.value([1.0, 1.0]))
    (158.5, 0.0)

A formula is written once and computes on TensorFlow tensors, NumPy arrays and plain numbers; its gradient is
derived by hand for NumPy. Nothing is clipped, and
only the functions called `two_d_...` have noise: they are those of DeepOBS (Schneider, Balles and Hennig, 2019) to the
last draw.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Point = tuple[float, ...]

SOLVED = 1e-6  # rule B20: share of the way from the start's value to the minimum that may be left
NOISE_SEED, NOISE_ROWS = 42, 10_000


def is_tensor(x: Any) -> bool:
    """Returns whether a value is TensorFlow's or Keras's, without importing them."""
    return type(x).__module__.startswith(("tensorflow", "keras"))


def coordinates(name: str, what: str, x: Any, size: int, like: Any = None) -> Any:
    """Returns points [..., size] as floats: of the kind and precision of `like`, or else tensors as they are, or NumPy.

    Raises:
        ValueError: the last axis has another size, or there is none; `name` and `what` say of what.
    """
    if is_tensor(like):
        import tensorflow as tf

        x = tf.cast(x, like.dtype)
    elif like is not None or not is_tensor(x):
        x = np.asarray(x, getattr(like, "dtype", None))
        x = x if x.dtype.kind == "f" else x.astype(np.float64)
    shape = tuple(x.shape)
    if not shape or shape[-1] != size:
        raise ValueError(f"{name}: {what} must have {size} coordinates on the last axis, got the shape {shape}.")
    return x


@dataclasses.dataclass(frozen=True)
class Function:
    """One test function."""

    name: str  # its name in studies; seeds derive from it
    title: str  # what it is, in words
    formula: Callable[..., Any]  # the value, from one argument a coordinate
    slope: Callable[..., tuple[Any, ...]]  # the derivatives by hand, from the same arguments
    start: Point  # where runs begin
    box: tuple[tuple[float, float], ...]  # lowest and highest value of each coordinate, as published with the function
    minimum: float  # lowest value
    minimizers: tuple[Point, ...]  # every point that has it
    classical: Point | None = None  # the start of the older literature, where that is another
    noisy: bool = False  # whether a batch adds the mean of its noise rows times the point

    @property
    def parameters(self) -> int:
        """Number of coordinates."""
        return len(self.start)

    def value(self, point: Any) -> Any:
        """Returns the exact value, without noise, [...], of a point [..., coordinates], in its kind and precision."""
        point = coordinates(self.name, "a point", point, self.parameters)
        return self.formula(*(point[..., i] for i in range(self.parameters)))

    def gradient(self, point: Any) -> Array:
        """Returns the gradient by the derivatives taken by hand, [..., coordinates] in float64; needs no TensorFlow."""
        array = coordinates(self.name, "a point", np.asarray(point, np.float64), self.parameters)
        return np.stack(self.slope(*(array[..., i] for i in range(self.parameters))), axis=-1)

    def loss(self, point: Any, rows: Any) -> Any:
        """Returns the loss of each row of noise [n, coordinates]: the value plus the row times the point, [n]."""
        point = coordinates(self.name, "a point", point, self.parameters)
        rows = coordinates(self.name, "a row of noise", rows, self.parameters, like=point)
        return self.value(point) + sum(rows[..., i] * point[i] for i in range(self.parameters))

    def noise(self) -> npt.NDArray[np.float32]:
        """Returns the noise rows, [10,000, coordinates] from N(0, 1), the same on every call and machine."""
        if not self.noisy:
            raise ValueError(f"{self.name} has no noise: the noisy form is called two_d_{self.name}.")
        generator = np.random.RandomState(NOISE_SEED)  # DeepOBS's own; its stream is frozen for good
        return generator.normal(size=(self.parameters, NOISE_ROWS)).T.astype(np.float32)

    def start_from(self, init: int) -> Array:
        """Returns the random start of a seed of initial weights, [coordinates] in float64."""
        low, high = np.array(self.box).T
        draws = np.random.default_rng(init).random(self.parameters)
        start: Array = low + (high - low) * draws
        return start

    def solved(self, value: float, start_value: float) -> bool:
        """Returns whether a value is within a millionth of the way from the start's value to the minimum (rule B20)."""
        return bool(value - self.minimum <= SOLVED * (start_value - self.minimum))  # NaN has not solved it


def _cos(x: Any) -> Any:
    if not is_tensor(x):
        return np.cos(x)
    import tensorflow as tf

    return tf.cos(x)


def _rosenbrock(u: Any, v: Any) -> Any:
    return (1 - u) ** 2 + 100 * (v - u**2) ** 2


def _rosenbrock_slope(u: Any, v: Any) -> tuple[Any, Any]:
    return -2 * (1 - u) - 400 * u * (v - u**2), 200 * (v - u**2)


def _beale(u: Any, v: Any) -> Any:
    return (1.5 - u + u * v) ** 2 + (2.25 - u + u * v**2) ** 2 + (2.625 - u + u * v**3) ** 2


def _beale_slope(u: Any, v: Any) -> tuple[Any, Any]:
    a, b, c = 1.5 - u + u * v, 2.25 - u + u * v**2, 2.625 - u + u * v**3
    by_u = 2 * (a * (v - 1) + b * (v**2 - 1) + c * (v**3 - 1))
    return by_u, 2 * u * (a + 2 * b * v + 3 * c * v**2)


def _branin(u: Any, v: Any) -> Any:
    bend = v - 5.1 / (4 * math.pi**2) * u**2 + 5 / math.pi * u - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * _cos(u) + 10


def _branin_slope(u: Any, v: Any) -> tuple[Any, Any]:
    bend = v - 5.1 / (4 * math.pi**2) * u**2 + 5 / math.pi * u - 6
    by_u = 2 * bend * (5 / math.pi - 5.1 / (2 * math.pi**2) * u) - 10 * (1 - 1 / (8 * math.pi)) * np.sin(u)
    return by_u, 2 * bend


def _quartic(x: Any) -> Any:
    return 2 * x**4 + 3 * x**3 + 2


def _quartic_slope(x: Any) -> tuple[Any]:
    return (8 * x**3 + 9 * x**2,)


_EXACT = (
    Function(
        name="rosenbrock",
        title="Rosenbrock's curved valley (1960)",
        formula=_rosenbrock,
        slope=_rosenbrock_slope,
        start=(-0.5, 1.5),
        classical=(-1.2, 1.0),
        box=((-2.048, 2.048),) * 2,
        minimum=0.0,
        minimizers=((1.0, 1.0),),
    ),
    Function(
        name="beale",
        title="Beale's plateaus with sharp walls (1958)",
        formula=_beale,
        slope=_beale_slope,
        start=(-4.5, 4.5),
        box=((-4.5, 4.5),) * 2,
        minimum=0.0,
        minimizers=((3.0, 0.5),),
    ),
    Function(
        name="branin",
        title="Branin's three equal minima (1972)",
        formula=_branin,
        slope=_branin_slope,
        start=(2.5, 12.5),
        box=((-5.0, 10.0), (0.0, 15.0)),
        minimum=5 / (4 * math.pi),
        minimizers=((-math.pi, 12.275), (math.pi, 2.275), (3 * math.pi, 2.475)),
    ),
)
_QUARTIC = Function(
    name="tf_guide",
    title="2x⁴ + 3x³ + 2, the test of TensorFlow's guide 'Optimizers with Core APIs'",
    formula=_quartic,
    slope=_quartic_slope,
    start=(2.0,),
    box=((-2.0, 2.0),),  # the range that the guide draws
    minimum=1909 / 2048,
    minimizers=((-9 / 8,),),
)
_NOISY = tuple(
    dataclasses.replace(f, name=f"two_d_{f.name}", title=f"{f.title}, with the noise of DeepOBS", noisy=True)
    for f in _EXACT
)
FUNCTIONS = {function.name: function for function in (*_EXACT, _QUARTIC, *_NOISY)}
