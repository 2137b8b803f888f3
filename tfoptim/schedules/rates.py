"""Schedules of the learning rate, and of numbers that follow it or are opposed to it."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration import Choice, Integer, Interval
from tfoptim.scalar import Scalar, host
from tfoptim.schedules.exact import VALUE, Exact

_SHAPES = Choice(("triangular", "triangular2", "exponential"))
_GAMMA = Interval(0.0, 1.0, closed_low=False, closed_high=True, schedulable=False)
_TAIL = Interval(0.0, 1.0, schedulable=False)


def triangle(step: Any, cycle: int) -> Any:
    """Returns the triangular wave of cyclic rates: 0 at the start of each cycle, 1 in its middle, linear in between.

    `1 - |2 x - 1|` with `x = (step mod cycle) / cycle`. Formulas without the `mod`, as often printed,
    leave the range from the second cycle on.

    Args:
        step: counted from 0; a number, a float64 tensor, or the `Scalar` of a rule.
        cycle: steps of one full cycle, up and down.

    >>> [triangle(step, 4) for step in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    if isinstance(step, Scalar):
        return step.map(lambda value: triangle(value, cycle))
    return 1 - abs(2 * (step % cycle / cycle) - 1)


@keras.saving.register_keras_serializable(package="tfoptim")
class Cyclic(Exact):
    """Cycles between `start` and `peak` (Smith, 2017: Cyclical learning rates, section 3).

    ```
    value = start + (peak - start) * triangle(step, cycle) * scale
    scale = 1                                triangular
    scale = 1 / 2 ** floor(step / cycle)     triangular2: each cycle is half as high as the one before
    scale = gamma ** step                    exponential
    ```

    For the momentum, `Cyclic(0.85, 0.95, cycle)` swings in phase with a rate that rises first, as in CLMR (Mortazi et
    al., 2023); `Cyclic(0.95, 0.85, cycle)` is opposed to it, as in Smith's later papers.

    Args:
        start: value at the first step and at the start of each cycle, >= 0.
        peak: value in the middle of a cycle, >= 0; below `start`, the cycle goes down first.
        cycle: steps of one whole cycle, >= 2. Smith takes 4 to 20 epochs. Even, or no step falls on the peak.
        shape: "triangular", "triangular2" or "exponential".
        gamma: for "exponential", in (0, 1].

    Raises:
        ValueError, TypeError: an argument is out of its range, with that range.

    >>> [round(float(Cyclic(0.01, 0.1, 10)(step)), 3) for step in range(12)]
    [0.01, 0.028, 0.046, 0.064, 0.082, 0.1, 0.082, 0.064, 0.046, 0.028, 0.01, 0.028]
    >>> from tfoptim import Momentum
    >>> clmr = Momentum(Cyclic(0.01, 0.1, 10), momentum=Cyclic(0.85, 0.95, 10), nesterov=True)
    """

    arguments = ("start", "peak", "cycle", "shape", "gamma")
    between = ("start", "peak")

    def __init__(self, start: float, peak: float, cycle: int, shape: str = "triangular", gamma: float = 1.0) -> None:
        super().__init__()
        self.start = VALUE.parse("Cyclic: start", start)
        self.peak = VALUE.parse("Cyclic: peak", peak)
        self.cycle = Integer(2, required=True).parse("Cyclic: cycle", cycle)
        self.shape = _SHAPES.parse("Cyclic: shape", shape)
        self.gamma = _GAMMA.parse("Cyclic: gamma", gamma)
        if self.gamma != 1 and self.shape != "exponential":
            raise ValueError(f"Cyclic: gamma={self.gamma} has no effect without shape='exponential'.")

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value at a step given in float64."""
        height = (self.peak - self.start) * triangle(step, self.cycle)
        if self.shape == "triangular2":
            height *= tf.constant(0.5, step.dtype) ** (step // self.cycle)
        elif self.shape == "exponential":
            height *= tf.constant(self.gamma, step.dtype) ** step
        return self.start + height


@keras.saving.register_keras_serializable(package="tfoptim")
class OneCycle(Exact):
    """One cycle, slightly shorter than the training, then linearly to `final` (Smith, 2018: A disciplined approach).

    ```
    half = steps * (1 - tail) / 2
    start -> peak      over the first half
    peak  -> start     over the second
    start -> final     over the tail, and `final` from step `steps` on
    ```

    The momentum is opposed to the rate: `OneCycle(0.95, 0.85, 0.95, steps)`.

    Args:
        start: value at the first step, >= 0.
        peak: value in the middle of the cycle, >= 0; often ten times `start`.
        final: value at the end, >= 0; for a learning rate, far below `start`.
        steps: of the whole training, >= 1.
        tail: share of the steps that comes after the cycle, in [0, 1).

    Raises:
        ValueError, TypeError: an argument is out of its range, with that range.

    >>> [round(float(OneCycle(0.1, 1.0, 0.0, 10, tail=0.2)(step)), 3) for step in range(11)]
    [0.1, 0.325, 0.55, 0.775, 1.0, 0.775, 0.55, 0.325, 0.1, 0.05, 0.0]
    """

    arguments = ("start", "peak", "final", "steps", "tail")
    between = ("start", "peak", "final")

    def __init__(self, start: float, peak: float, final: float, steps: int, tail: float = 0.1) -> None:
        super().__init__()
        self.start = VALUE.parse("OneCycle: start", start)
        self.peak = VALUE.parse("OneCycle: peak", peak)
        self.final = VALUE.parse("OneCycle: final", final)
        self.steps = Integer(1, required=True).parse("OneCycle: steps", steps)
        self.tail = _TAIL.parse("OneCycle: tail", tail)

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value at a step given in float64."""
        last = self.steps * self.tail
        cycle = self.steps - last
        wave = self.start + (self.peak - self.start) * (1 - abs(2 * step / cycle - 1))
        if last == 0:
            return tf.where(step < self.steps, wave, tf.constant(self.final, step.dtype))
        gone = tf.minimum((step - cycle) / last, 1)
        return tf.where(step < cycle, wave, self.start + (self.final - self.start) * gone)


@keras.saving.register_keras_serializable(package="tfoptim")
class WarmupCosine(Exact):
    """Linear warm-up to `peak`, then half a cosine (Goyal et al., 2017; Loshchilov & Hutter, 2017).

    ```
    peak * (step + 1) / warmup                                                      for step < warmup
    final + (peak - final) / 2 * (1 + cos(pi * (step - warmup) / (steps - warmup)))    after it
    final                                                                           from step `steps` on
    ```

    The first step already moves, and the last of the warm-up has the full rate. Keras's `CosineDecay` begins at its
    initial rate and counts `decay_steps` from the end of the warm-up.

    Args:
        peak: largest value, >= 0.
        steps: of the whole training, warm-up included, >= 1.
        warmup: steps of the warm-up, in [0, steps); None: a twentieth of `steps`, rounded up, where there are two.
        final: value at the end, >= 0.

    Raises:
        ValueError, TypeError: an argument is out of its range, with that range.

    >>> schedule = WarmupCosine(1.0, 1000)
    >>> [round(float(schedule(step)), 9) for step in (0, 49, 50, 525, 999, 2000)]
    [0.02, 1.0, 1.0, 0.5, 2.734e-06, 0.0]
    """

    arguments = ("peak", "steps", "warmup", "final")
    between = ("peak", "final")

    def __init__(self, peak: float, steps: int, warmup: int | None = None, final: float = 0.0) -> None:
        super().__init__()
        self.peak = VALUE.parse("WarmupCosine: peak", peak)
        self.steps = Integer(1, required=True).parse("WarmupCosine: steps", steps)
        self.final = VALUE.parse("WarmupCosine: final", final)
        if warmup is None:
            warmup = min(-(-self.steps // 20), self.steps - 1)
        self.warmup = Integer(0).parse("WarmupCosine: warmup", warmup)
        if self.warmup >= self.steps:
            raise ValueError(f"WarmupCosine: warmup must be less than steps={self.steps}, got {self.warmup}.")

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value at a step given in float64."""
        gone = tf.minimum((step - self.warmup) / (self.steps - self.warmup), 1)
        falling = self.final + (self.peak - self.final) / 2 * (1 + tf.cos(math.pi * gone))
        if self.warmup == 0:
            return falling
        return tf.where(step < self.warmup, self.peak * (step + 1) / self.warmup, falling)


@keras.saving.register_keras_serializable(package="tfoptim")
class Times(Exact):
    """Another schedule times a number, such as a weight decay that is scheduled itself.

    ```
    value = schedule(step) * factor
    ```

    Weights decay by `learning_rate * weight_decay`, so that with `Times(rate, decay / peak)` they decay by
    `decay * rate**2 / peak`: the corrected decay of AdamC (Defazio, 2025), which keeps the norm of weights that are
    followed by a normalization from growing at the end of the training.

    Args:
        schedule: a schedule of tfoptim, or any `keras.optimizers.schedules.LearningRateSchedule`; Keras's are computed
            in float32.
        factor: >= 0.

    Raises:
        ValueError, TypeError: an argument is out of its range, with that range.

    >>> from tfoptim import AdamW
    >>> rate = WarmupCosine(0.01, 100, warmup=4)
    >>> [round(float(Times(rate, 0.1 / 0.01)(step)), 9) for step in (0, 3, 52, 100)]
    [0.025, 0.1, 0.05, 0.0]
    >>> corrected = AdamW(rate, weight_decay=Times(rate, 0.1 / 0.01))
    """

    arguments = ("schedule", "factor")

    def __init__(self, schedule: Any, factor: float) -> None:
        super().__init__()
        if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            given = f"{type(schedule).__name__} {schedule!r}"
            raise TypeError(f"Times: schedule must be a LearningRateSchedule, got {given}.")
        self.schedule = schedule
        self.factor = VALUE.parse("Times: factor", factor)

    @property
    def ends(self) -> tuple[float, ...]:
        """The extreme values; empty if those of the other schedule are unknown."""
        return tuple(end * self.factor for end in getattr(self.schedule, "ends", ()))

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the value at a step, a float64 scalar; float32 for a step in float32.

        Args:
            step: counted from 0; a number, tensor or variable.
        """
        single = tf.is_tensor(step) and step.dtype == tf.float32
        with host():
            return tf.cast(self.schedule(step), tf.float32 if single else tf.float64) * self.factor

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Times:
        """Returns the schedule that `get_config` describes."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])
