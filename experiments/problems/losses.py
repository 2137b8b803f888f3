"""Losses of segmentation models, from logits: soft Dice and cross entropy, one value for each example.

Labels are class numbers, [batch, *image] or [batch, *image, 1], never one-hot; the logits are [batch, *image, classes],
or [batch, *image, 1] for one structure against the background. A label that is no class makes its example's loss NaN,
under XLA too, where no error can be raised; otherwise it would count as background and be learned.
"""

from typing import Any

import tensorflow as tf

Tensor = Any


def class_numbers(y_true: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Returns labels as int32 of the logits' shape without its last axis, and whether each is a class.

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
    """Returns one minus the soft Dice coefficient of each example, the mean over its classes, [batch].

    ```
    1 - (2 Σ p t + s) / (Σ p + Σ t + s)         sums over an example's pixels; p softmax or sigmoid, t 0 or 1
    ```

    An example without a structure has a loss near 0 when nothing is predicted there, and finite gradients always:
    with s = 0 and both sums zero the coefficient is 1 and the gradient 0. (Milletari, Navab and Ahmadi 2016, there
    with squares in the denominator.) `smooth` is s, in pixels; `background` whether class 0 counts, of several.
    """
    hot = one_hot(y_true, logits)
    p: Tensor = tf.sigmoid(logits) if logits.shape[-1] == 1 else tf.nn.softmax(logits)
    if logits.shape[-1] > 1 and not background:
        hot, p = hot[..., 1:], p[..., 1:]
    space = list(range(1, logits.shape.rank - 1))
    both, either = tf.reduce_sum(p * hot, space), tf.reduce_sum(p + hot, space)
    # Without smoothing, 0 / 0 remains when both masks are empty: an agreement, with gradient 0.
    nothing = tf.equal(either + smooth, 0)
    dice = tf.math.divide_no_nan(2 * both + smooth, either + smooth) + tf.cast(nothing, p.dtype)
    return per_example_mean(1 - dice)
