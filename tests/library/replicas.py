"""A program for `test_strategy.py`: trains on two replicas and prints the weights of each as JSON."""

import json
import sys

import numpy as np
import tensorflow as tf

STEPS = 6


def share(step, replica):
    """The gradients of two variables that one replica contributes at one step: dyadic, so sums are exact."""
    generator = np.random.default_rng(100 * step + replica)
    return [generator.integers(-64, 64, size) / np.float32(64) for size in ((3, 2), (2,))]


def settings():
    """Base arguments that act on reduced gradients, all of them after the replicas have met."""
    return {
        "clipped average": {
            "global_clipnorm": 1.0,
            "use_ema": True,
            "ema_momentum": 0.5,
            "ema_overwrite_frequency": 2,
        },
        "accumulated": {"gradient_accumulation_steps": 3, "clipnorm": 0.5, "weight_decay": 0.1},
    }


def train_replicas(case, arguments):
    """The weights of every replica after all steps, in graph mode."""
    import keras

    strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        variables = [keras.Variable(np.ones((3, 2))), keras.Variable(np.ones(2))]
        optimizer = case.make(**arguments)
        optimizer.build(variables)

    def in_replica(step):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        shares = [
            tf.constant(np.stack([[share(s, r)[i] for r in range(2)] for s in range(STEPS)]), tf.float32)
            for i in range(2)
        ]
        optimizer.apply([s[step, replica] for s in shares], variables)

    run = tf.function(lambda step: strategy.run(in_replica, args=(step,)))
    for step in range(STEPS):
        run(tf.constant(step))
    return [[copy.numpy().tolist() for copy in strategy.experimental_local_results(v.value)] for v in variables]


def main():
    """Prints `{case: {setting: weights}}` for the cases named on the command line."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    from tests.library.cases import CASES

    wanted = {case.id: case for case in CASES if case.id in sys.argv[1:]}
    result = {
        id_: {name: train_replicas(case, arguments) for name, arguments in settings().items()}
        for id_, case in wanted.items()
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
