"""Two logical CPUs in the process of the tests, so that replicas need no process of their own."""

import contextlib

import tensorflow as tf

CPUS = ("CPU:0", "CPU:1")


def make():
    """Makes them, unless TensorFlow has started already; `two_replicas` says so then."""
    with contextlib.suppress(RuntimeError):
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * len(CPUS))


def two_replicas():
    """A strategy with one replica on each."""
    assert len(tf.config.list_logical_devices("CPU")) == len(CPUS), "TensorFlow had started before it had two"
    return tf.distribute.MirroredStrategy(CPUS)


def on_each(strategy, variable):
    """The values of a variable, replica by replica."""
    return [copy.numpy() for copy in strategy.experimental_local_results(variable.value)]


def apply_in_shares(strategy, optimizer, variables, steps):
    """Takes steps in which the first replica has a quarter of each gradient, and the second the rest."""

    def in_replica(gradients):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        share = tf.where(tf.equal(replica, 0), 0.25, 0.75)
        optimizer.apply([g * share for g in gradients], variables)

    run = tf.function(lambda gradients: strategy.run(in_replica, args=(gradients,)))
    for gradients in steps:
        run([tf.constant(g, tf.float32) for g in gradients])
