"""The same training on one device, on two replicas, on two workers: a model with an embedding, in graph mode."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES

STEPS, BATCH, ROWS = 8, 8, 16
RATE = 0.01  # at which the training itself does not magnify a difference of rounding
NO_REPLICA = None
SPOILED = 4  # the step (from 0) in which one target is NaN
SCALE = 64.0


@dataclass(frozen=True)
class Variant:
    """One training: a row of the table of optimizers, and base arguments.

    Args:
        case: id of the row.
        feature: what it is called in a test's name.
        arguments: of the optimizer.
        nan_on: the replica that sees one NaN target, or None.
        scaled: whose LossScaleOptimizer the optimizer is in, "ours" or "Keras's", which `compile` puts it in.
    """

    case: str
    feature: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    nan_on: int | None = NO_REPLICA
    scaled: str = ""

    def __str__(self):
        return f"{self.case}-{self.feature}"

    @property
    def skips(self):
        """Whether one step must be skipped."""
        return self.nan_on is not NO_REPLICA

    def make(self):
        """A new optimizer."""
        (case,) = (case for case in CASES if case.id == self.case)
        optimizer = case.make(learning_rate=RATE, **self.arguments)
        wrappers = {"ours": tfoptim.LossScaleOptimizer, "Keras's": keras.optimizers.LossScaleOptimizer}
        return wrappers[self.scaled](optimizer, initial_scale=SCALE) if self.scaled else optimizer


RULES = ("adam", "nadam", "sgd_momentum", "adagrad")  # one of each kind of state
AVERAGED = {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 2}
TOGETHER = {
    "gradient_accumulation_steps": 2,
    "global_clipnorm": 0.5,
    "weight_decay": 0.1,
    "nonfinite": "skip",
    **AVERAGED,
}
VARIANTS = (
    *(Variant(case, "alone") for case in RULES),
    Variant("sgd_momentum", "clipnorm", {"clipnorm": 0.25}),
    Variant("sgd_momentum", "clipvalue", {"clipvalue": 0.125}),
    Variant("adagrad", "global_clipnorm", {"global_clipnorm": 0.5}),
    Variant("nadam", "accumulation", {"gradient_accumulation_steps": 2}),
    Variant("adam", "averaging", AVERAGED),
    Variant("adagrad", "weight_decay", {"weight_decay": 0.1}),
    *(Variant("adam", f"skip_{replica}", {"nonfinite": "skip"}, nan_on=replica) for replica in range(2)),
    *(Variant("nadam", f"scaled_{replica}", nan_on=replica, scaled="ours") for replica in range(2)),
    Variant("adam", "scaled_by_keras", scaled="Keras's"),
    *(Variant("adam", f"scaled_by_keras_{replica}", nan_on=replica, scaled="Keras's") for replica in range(2)),
    *(Variant(case, "lazy", {"lazy": True}) for case in ("adam", "sgd_momentum")),
    *(Variant(case, "together", TOGETHER, nan_on=i % 2) for i, case in enumerate(RULES)),
)


def data(nan_on=NO_REPLICA):
    """Rows to look up, some twice in one example, in one replica and in both; and targets, perhaps one of them NaN."""
    generator = np.random.default_rng(7)
    rows = generator.integers(0, ROWS, (STEPS * BATCH, 3))
    rows[:, 1] = rows[:, 0]
    rows[BATCH // 2 :: BATCH] = rows[::BATCH]  # the second replica's first example has the rows of the first's
    targets = generator.normal(size=(STEPS * BATCH, 1))
    if nan_on is not NO_REPLICA:
        targets[SPOILED * BATCH + nan_on * BATCH // 2] = np.nan
    return rows.astype("int32"), targets.astype("float32")


def model():
    """An embedding and a dense layer, with weights of order 1 that are the same each time."""
    net = keras.Sequential([keras.layers.Embedding(ROWS, 4), keras.layers.Flatten(), keras.layers.Dense(1)])
    net.build((None, 3))
    generator = np.random.default_rng(3)
    net.set_weights([generator.normal(size=w.shape) for w in net.get_weights()])
    return net


def by_fit(net, rows, targets):
    """Trains one epoch in the given order."""
    net.fit(rows, targets, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)


def by_train_step(net, rows, targets):
    """Trains as `fit` does, step for step: Keras 3's `fit` itself fails on several workers, whatever the optimizer."""
    strategy = net.distribute_strategy
    batches = tf.data.Dataset.from_tensor_slices((rows, targets)).batch(BATCH)
    step = tf.function(lambda batch: strategy.run(net.train_step, args=(batch,)))
    for batch in strategy.experimental_distribute_dataset(batches):
        step(batch)
    net.optimizer.finalize_variable_values(net.trainable_variables)


def train(strategy, variant, epoch=by_fit):
    """Weights after training, copy by copy, and what else is to be equal on every replica.

    Args:
        strategy: of `tf.distribute`, whose scope the model is made in.
        variant: what is trained.
        epoch: `by_fit` or `by_train_step`.

    Returns:
        `weights[variable][copy]`, whether all copies of the optimizer's variables have the same bits, the number of
        steps taken, and the loss scale at the end or None.
    """
    with strategy.scope():
        net, optimizer = model(), variant.make()
        net.compile(optimizer, "mse", jit_compile=False)
    epoch(net, *data(variant.nan_on))
    copies = [[c.numpy() for c in strategy.experimental_local_results(v.value)] for v in net.trainable_variables]
    state = [[c.numpy() for c in strategy.experimental_local_results(v.value)] for v in optimizer.variables]
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return {
        "weights": [[c.tolist() for c in of_variable] for of_variable in copies],
        "state_is_equal": all(np.array_equal(c, of_variable[0]) for of_variable in state for c in of_variable),
        "steps": int(keras.ops.convert_to_numpy(inner.iterations)),
        "scale": float(optimizer.dynamic_scale.numpy()) if variant.scaled else None,
    }
