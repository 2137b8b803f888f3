"""A program: every variant on one device and on two replicas of a MirroredStrategy, as JSON."""

import json

import tensorflow as tf


def main():
    """Prints `{variant: {"single": ..., "mirrored": ...}}`, and the same of a training that a condition stops."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    from tests.library.distributed.stopping import stop
    from tests.library.distributed.training import VARIANTS, train

    one, two = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert two.num_replicas_in_sync == 2
    results = {str(v): {"single": train(one, v), "mirrored": train(two, v)} for v in VARIANTS}
    results["stopping"] = {"single": stop(one), "mirrored": stop(two)}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
