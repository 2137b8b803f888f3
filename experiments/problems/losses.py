"""Losses of segmentation models, from logits: soft Dice, cross entropy, and their sum.

Labels are class numbers, [batch, *image] or [batch, *image, 1], never one-hot; the logits are [batch, *image, classes],
or [batch, *image, 1] for one structure against the background. A loss has one value for each example; Keras then
weights and averages the examples. A label that is no class makes its example's loss NaN, under XLA too, where no error
can be raised: it would else count as background and be learnt.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

Tensor = Any

serializable = keras.saving.register_keras_serializable("experiments")


def class_numbers(y_true: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Returns labels as int32 of the logits' shape without its last axis, and whether each is a class.

    Args:
        y_true: class numbers of any dtype, with or without a last axis of size 1.
        logits: as the module describes them.

    Raises:
        ValueError: the shapes do not belong together.
    """
    y_true, shape = tf.convert_to_tensor(y_true), logits.shape
    labels = tf.squeeze(y_true, -1) if y_true.shape.rank == shape.rank and y_true.shape[-1] == 1 else y_true
    if shape.rank is None or shape.rank < 2 or not labels.shape.is_compatible_with(shape[:-1]):
        raise ValueError(
            f"Labels must be class numbers of the logits' shape {shape} without its last axis, or with 1 there, "
            f"got the shape {y_true.shape}; of one-hot labels take the argmax first."
        )
    numbers = tf.cast(labels, tf.int32)
    whole = tf.equal(tf.cast(numbers, labels.dtype), labels)
    return numbers, whole & (numbers >= 0) & (numbers < max(shape[-1], 2))


def one_hot(y_true: Tensor, logits: Tensor) -> Tensor:
    """Returns labels as 0 and 1 in the shape and dtype of the logits, and NaN where a label is no class."""
    numbers, known = class_numbers(y_true, logits)
    first = 1 if logits.shape[-1] == 1 else 0
    hot = tf.one_hot(numbers - first, logits.shape[-1], dtype=logits.dtype)
    return tf.where(known[..., tf.newaxis], hot, tf.constant(float("nan"), logits.dtype))


def per_example_mean(values: Tensor) -> Tensor:
    """Returns the mean over all axes but the first."""
    return tf.reduce_mean(values, axis=list(range(1, values.shape.rank)))


def cross_entropy(y_true: Tensor, logits: Tensor) -> Tensor:
    """Returns the mean cross entropy of each example's pixels, [batch]."""
    hot = one_hot(y_true, logits)
    if logits.shape[-1] == 1:
        return per_example_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=hot, logits=logits))
    return per_example_mean(tf.nn.softmax_cross_entropy_with_logits(labels=hot, logits=logits))


def soft_dice(y_true: Tensor, logits: Tensor, smooth: float, background: bool) -> Tensor:
    """Returns one minus the soft Dice coefficient of each example, the mean over its classes, [batch]."""
    hot, p = one_hot(y_true, logits), _probabilities(logits)
    if logits.shape[-1] > 1 and not background:
        hot, p = hot[..., 1:], p[..., 1:]
    space = list(range(1, logits.shape.rank - 1))
    both, either = tf.reduce_sum(p * hot, space), tf.reduce_sum(p + hot, space)
    # Without smoothing 0 / 0 is left when nothing is there and nothing is found: an agreement, and flat.
    nothing = tf.equal(either + smooth, 0)
    dice = tf.math.divide_no_nan(2 * both + smooth, either + smooth) + tf.cast(nothing, p.dtype)
    return per_example_mean(1 - dice)


def _probabilities(logits: Tensor) -> Tensor:
    return tf.sigmoid(logits) if logits.shape[-1] == 1 else tf.nn.softmax(logits)


class _PerExample(keras.losses.Loss):
    """A loss with one value an example."""

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> Tensor:
        """Returns the losses, weighted and reduced.

        Args:
            y_true: class numbers, as the module describes them.
            y_pred: logits, likewise.
            sample_weight: one weight an example, [batch] or [batch, 1].

        Raises:
            ValueError: the shapes do not belong together, or weights are of pixels.
        """
        if sample_weight is not None:
            shape = tuple(tf.convert_to_tensor(sample_weight).shape)
            if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
                raise ValueError(
                    f"{type(self).__name__}: sample_weight must be one weight an example, of the shape [batch], "
                    f"got {shape}; weights of pixels have no meaning in a ratio of sums."
                )
        return super().__call__(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns what the constructor takes; Keras's own leaves the dtype out."""
        return {**super().get_config(), "dtype": self.dtype}


@serializable
class CrossEntropy(_PerExample):
    """Mean cross entropy of the pixels: softmax for two or more logits a pixel, sigmoid for one.

    Args:
        reduction: how Keras reduces the examples.
        name: the loss's name.
        dtype: what it is computed in; float32 unless told, whatever the model's logits are in.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "cross_entropy", dtype: Any = None) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Returns the loss of each example, [batch]."""
        return cross_entropy(y_true, y_pred)


@serializable
class SoftDice(_PerExample):
    """One minus the soft Dice coefficient: per example and class, then the mean over classes.

    ```
    1 - (2 Σ p t + s) / (Σ p + Σ t + s)         sums over an example's pixels; p softmax or sigmoid, t 0 or 1
    ```

    An example without a structure has a loss near 0 when nothing is predicted there, and finite gradients always:
    with s = 0 and both sums zero the coefficient is 1 and the gradient 0. (Milletari, Navab and Ahmadi 2016, there
    with squares in the denominator.)

    Args:
        smooth: s, at least 0, in pixels.
        background: whether class 0 counts among the classes, when there are two logits or more.
        reduction: how Keras reduces the examples.
        name: the loss's name.
        dtype: what it is computed in; float32 unless told, whatever the model's logits are in.

    Raises:
        ValueError: `smooth` is below 0 or not finite.
    """

    def __init__(
        self,
        smooth: float = 1.0,
        background: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str = "soft_dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if isinstance(smooth, bool) or not isinstance(smooth, int | float) or not 0 <= smooth < float("inf"):
            raise ValueError(f"{type(self).__name__}: smooth must be a finite number, at least 0, got {smooth!r}.")
        self.smooth, self.background = float(smooth), bool(background)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Returns the loss of each example, [batch]."""
        return soft_dice(y_true, y_pred, self.smooth, self.background)

    def get_config(self) -> dict[str, Any]:
        """Returns what the constructor takes."""
        return {**super().get_config(), "smooth": self.smooth, "background": self.background}


@serializable
class DiceCrossEntropy(SoftDice):
    """Sum of `SoftDice` and `CrossEntropy`: overlap for what is rare, cross entropy for gradients from the start.

    Args:
        smooth: of the soft Dice, at least 0, in pixels.
        background: whether class 0 counts in the soft Dice; the cross entropy has all classes.
        reduction: how Keras reduces the examples.
        name: the loss's name.
        dtype: what it is computed in; float32 unless told, whatever the model's logits are in.

    Raises:
        ValueError: `smooth` is below 0 or not finite.
    """

    def __init__(
        self,
        smooth: float = 1.0,
        background: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str = "dice_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(smooth, background, reduction, name, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Returns the loss of each example, [batch]."""
        return super().call(y_true, y_pred) + cross_entropy(y_true, y_pred)
