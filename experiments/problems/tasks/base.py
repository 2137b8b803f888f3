"""The record of a problem, and what the classification problems share."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.problems import seeds
from experiments.problems.datasets.augment import Augmentation

Tensor = Any
PerExample = Callable[[Tensor, Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class Task:
    """One problem."""

    name: str  # its name in studies; seeds derive from it
    # raised whenever the definition changes, since it is part of a run's identity; of a user's task that of its code
    version: int | str
    title: str  # the model in words, for figures
    # number of trainable parameters, checked when the model is built; None of a user's model, inspected before
    parameters: int | None
    # makes the model from the seed of its dropout keys, and draws the weights from Keras's global seed; its outputs are
    # logits, so its last layer has no activation
    build: Callable[[int], Any]
    # turns stored images, uint8 [n, height, width, channels], into the model's inputs
    inputs: Callable[[Tensor], Tensor]
    loss: PerExample  # loss of each example, [n], from labels and logits
    metrics: Mapping[str, PerExample]  # score of each example, [n], from labels and logits, by name
    dropout: bool = False  # whether training draws dropout masks
    score: str = "accuracy"  # the metric that judges runs and chooses hyperparameters
    score_title: str = "accuracy"  # that metric in words
    loss_title: str = "cross entropy"  # the loss in words
    example: str = "examples"  # what an example is called, in the plural
    # how training examples are moved in each epoch; None leaves them as they are stored
    augmentation: Augmentation | None = None
    # Examples held at a time while a split is evaluated: so many that a layer of theirs takes some 100 MB at most, as
    # one of 32 filters does of 28 x 28. Any machine has room for a few of these, and larger batches are no faster.
    evaluation_batch: int = 1_000
    # names of the classes of a segmentation, the background first; empty for other problems
    classes: tuple[str, ...] = ()
    tolerance_mm: float = 0.0  # distance in mm up to which the surface Dice of a case counts boundaries as one
    # of a segmentation, the predicted class of each pixel and the probability of each class, uint8 [n, height, width]
    # and float32 [n, height, width, classes], from logits
    outputs: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    # whether a run's test score is the mean over whole test cases, each stacked from its slices, and not over slices
    by_case: bool = False
    # whether examples are numbers of words, ranked by frequency, so that runs end with what was learned of rare ones
    by_frequency: bool = False
    lower_is_better: bool = False  # whether a lower score is better, such as of a loss
    # whether the score, where a higher one is better, is a share from 0 to 1, so that what lacks to 1 is an error
    share: bool = True
    # of a problem whose weights are a point, where a run begins, [parameters], from the seed of its initial weights;
    # the model's outputs are then losses and no logits. None for networks.
    start: Callable[[int], Any] | None = None
    # whether epochs are those of DeepOBS: all in the order of the first, and without the examples that fill no batch
    as_deepobs: bool = False
    optimum: float | None = None  # the lowest possible loss, where it is known
    data: str = ""  # its usual data set, where a study names none
    toy: bool = False  # a function of few dimensions, which shows how optimizers move and is no evidence (rule B20)

    @property
    def has_error(self) -> bool:
        """Whether there is an error: what the score lacks to 1."""
        return self.share and not self.lower_is_better

    def merit(self, score: float) -> float:
        """Returns a score turned so that greater is better."""
        return -score if self.lower_is_better else score

    def order(self, seed: int, epoch: int, examples: int, batch_size: int) -> np.ndarray:
        """Returns the numbers of the training examples in the order of an epoch, from 1, int32."""
        if not self.as_deepobs:
            return seeds.order(self.name, seed, epoch, examples)
        return seeds.order(self.name, seed, 1, examples)[: examples - examples % batch_size]

    def steps(self, examples: int, batch_size: int) -> int:
        """Returns the steps of an epoch, of a training set of some size."""
        return examples // batch_size if self.as_deepobs else -(-examples // batch_size)

    def model(self, init: int, dropout: int) -> Any:
        """Returns the model with the initial weights of a 64-bit seed, and that of its dropout keys.

        Raises:
            ValueError: the model is not the declared one, or it does not end in logits.
        """
        import keras

        keras.utils.set_random_seed(init % 2**32)
        model = self.build(dropout % 2**31)
        if self.parameters is None:
            return model
        if model.count_params() != self.parameters:
            raise ValueError(
                f"{self.name}: the model has {model.count_params():,} parameters, not {self.parameters:,}."
            )
        if self.start is not None:
            model.set_weights([self.start(init)])
        elif model.layers[-1].activation is not keras.activations.linear:
            raise ValueError(f"{self.name}: the last layer must give logits, without activation.")
        return model


def unit_range(images: Tensor) -> Tensor:
    """Returns uint8 images as float32 in 0 .. 1."""
    import tensorflow as tf

    return tf.cast(images, tf.float32) / 255.0


def cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Returns the cross entropy of each example, from class numbers [n] and logits [n, classes]."""
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def accuracy(labels: Tensor, logits: Tensor) -> Tensor:
    """Returns 1 for each example whose largest logit is its class, else 0."""
    import tensorflow as tf

    return tf.cast(tf.equal(tf.argmax(logits, axis=-1, output_type=labels.dtype), labels), tf.float32)


def digits(
    name: str, title: str, parameters: int, build: Callable[[int], Any], *, data: str = "", dropout: bool = False
) -> Task:
    """Returns the problem of classifying small images with a model."""
    return Task(
        data=data,
        name=name,
        version=1,
        title=title,
        parameters=parameters,
        build=build,
        dropout=dropout,
        inputs=unit_range,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
    )
