"""Segmentation problems: loss and scores of a slice, from labels and logits."""

from collections.abc import Callable, Sequence
from typing import Any

from experiments.problems.datasets.augment import Augmentation
from experiments.problems.tasks.base import Task, Tensor, unit_range

TOLERANCE_MM = 2.0  # a pixel of the brain, and one to two of the hearts
EVALUATION_BATCH = 16  # a layer of 16 filters takes 105 MB then at 320 x 320, the largest


def slices(
    name: str,
    title: str,
    parameters: int,
    build: Callable[[int], Any],
    classes: Sequence[str],
    *,
    dropout: bool,
    augmentation: Augmentation | None,
    by_case: bool = False,
    data: str = "",
) -> Task:
    """Returns the problem of classifying each pixel of a slice as one of the classes, the background first.

    The loss is soft Dice plus cross entropy; the scores of each slice are the Dice of each class but the background and
    their mean, 1 where neither label nor prediction has the class (rule B19). With `by_case`, runs are compared by the
    mean Dice of whole test cases.
    """
    scores = {f"dice_{label.replace(' ', '_')}": _of_class(number) for number, label in enumerate(classes) if number}
    return Task(
        name=name,
        version=1,
        data=data,
        title=title,
        parameters=parameters,
        build=build,
        inputs=unit_range,
        loss=_loss,
        metrics={"dice": dice, **scores} if len(scores) > 1 else {"dice": dice},
        dropout=dropout,
        score="dice",
        score_title="Dice",
        loss_title="soft Dice loss plus cross entropy",
        example="slices",
        augmentation=augmentation,
        evaluation_batch=EVALUATION_BATCH,
        classes=tuple(classes),
        tolerance_mm=TOLERANCE_MM,
        by_case=by_case,
        outputs=lambda logits: (predicted(logits), probabilities(logits)),
    )


def dice(labels: Tensor, logits: Tensor) -> Tensor:
    """Returns the mean Dice over the classes but the background, of each slice, [n]."""
    import tensorflow as tf

    return tf.reduce_mean(_dice(labels, logits), axis=1)


def predicted(logits: Tensor) -> Tensor:
    """Returns the class of each pixel, uint8 [n, height, width]."""
    import tensorflow as tf

    if logits.shape[-1] == 1:
        return tf.cast(logits[..., 0] > 0, tf.uint8)
    return tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32), tf.uint8)


def probabilities(logits: Tensor) -> Tensor:
    """Returns the probability of each class and pixel, [n, height, width, classes], the background's first."""
    import tensorflow as tf

    if logits.shape[-1] == 1:
        return tf.sigmoid(tf.concat([-logits, logits], axis=-1))
    return tf.nn.softmax(logits)


def _of_class(number: int) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda labels, logits: _dice(labels, logits)[:, number - 1]


def _dice(labels: Tensor, logits: Tensor) -> Tensor:
    """Returns the Dice of each slice and class but the background, [n, classes - 1]."""
    import tensorflow as tf

    count = max(int(logits.shape[-1]), 2)
    truth, found = (tf.one_hot(tf.cast(numbers, tf.int32), count)[..., 1:] for numbers in (labels, predicted(logits)))
    both = tf.reduce_sum(truth * found, axis=(1, 2))
    all_of_them = tf.reduce_sum(truth + found, axis=(1, 2))
    return tf.where(all_of_them > 0, 2 * both / tf.maximum(all_of_them, 1), 1.0)


def _loss(labels: Tensor, logits: Tensor) -> Tensor:
    from experiments.problems import losses

    return losses.soft_dice(labels, logits, smooth=1.0, background=False) + losses.cross_entropy(labels, logits)
