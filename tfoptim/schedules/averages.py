"""Schedules of `ema_momentum`: which average of the weights an optimizer keeps."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfoptim.declaration import Integer, Interval
from tfoptim.schedules.exact import Exact

_MOMENTUM = Interval(0.0, 1.0, closed_high=True, schedulable=False)


@keras.saving.register_keras_serializable(package="tfoptim")
class EmaWarmup(Exact):
    """Share of the old average that grows to `momentum`, so that an average soon forgets the first weights.

    ```
    value = min(momentum, (1 + step) / (10 + step))
    ```

    As in `tf.train.ExponentialMovingAverage` with `num_updates`, and in the `dynamic_decay` of TensorFlow Addons'
    `MovingAverage`, whose average starts from the initial weights; here, the first step copies the weights.

    Args:
        momentum: largest value, in [0, 1].

    Raises:
        ValueError, TypeError: the argument is out of its range, with that range.

    >>> [round(float(EmaWarmup(0.9)(step)), 3) for step in (0, 1, 8, 79, 80, 81)]
    [0.1, 0.182, 0.5, 0.899, 0.9, 0.9]
    >>> from tfoptim import Adam
    >>> averaged = Adam(use_ema=True, ema_momentum=EmaWarmup(0.999))
    """

    arguments = ("momentum",)

    def __init__(self, momentum: float = 0.99) -> None:
        super().__init__()
        self.momentum = _MOMENTUM.parse("EmaWarmup: momentum", momentum)

    @property
    def ends(self) -> tuple[float, ...]:
        """The extreme values."""
        return min(self.momentum, 0.1), self.momentum

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value at a step given in float64."""
        return tf.minimum((1 + step) / (10 + step), self.momentum)


@keras.saving.register_keras_serializable(package="tfoptim")
class SWA(Exact):
    """Makes the moving average the mean of the weights at every `period`-th step (Izmailov et al., 2018, algorithm 1).

    ```
    value = 0             step < start: the average is the weights
    value = n / (n + 1)   step = start + n * period: the weights join the n before them
    value = 1             else: the average stands still
    ```

    `start` and `period` count steps taken: the calls of an accumulation cycle are one step, and skipped steps are none.
    `SWA(start, 1)` is the average of Polyak and Ruppert. A rate for it is high and constant, or cyclic with the same
    period. The statistics of BatchNormalization are of other weights: see `tfoptim.update_batch_norm`.

    Args:
        start: step whose weights are the first of the mean, counted from 0.
        period: steps from one to the next, >= 1.

    Raises:
        ValueError, TypeError: an argument is out of its range, with that range.

    >>> [round(float(SWA(2, 3)(step)), 3) for step in range(10)]
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.5, 1.0, 1.0, 0.667, 1.0]
    >>> import keras
    >>> from tfoptim import SGD
    >>> weight, optimizer = keras.Variable(1.0), SGD(0.1, use_ema=True, ema_momentum=SWA(1, 2))
    >>> for _ in range(6):  # the weights are 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, of which every second is taken
    ...     optimizer.apply([1.0], [weight])
    >>> optimizer.finalize_variable_values([weight])
    >>> print(f"{float(weight):.3f}")
    0.600
    """

    arguments = ("start", "period")

    def __init__(self, start: int, period: int) -> None:
        super().__init__()
        self.start = Integer(0, required=True).parse("SWA: start", start)
        self.period = Integer(1, required=True).parse("SWA: period", period)

    @property
    def ends(self) -> tuple[float, ...]:
        """The extreme values."""
        return 0.0, 1.0

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value at a step given in float64."""
        gone = tf.maximum(step - self.start, 0)
        before = gone // self.period
        mean = tf.where(gone % self.period > 0, tf.ones_like(gone), before / (before + 1))
        return tf.where(step < self.start, tf.zeros_like(mean), mean)
