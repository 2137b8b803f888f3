"""A program: one of two workers of a MultiWorkerMirroredStrategy, or the single device they are to equal; JSON."""

import json
import os
import sys
import warnings

import tensorflow as tf

CHOSEN = ("adam-lazy", "nadam-scaled_1", "sgd_momentum-together", "adagrad-global_clipnorm", "adam-scaled_by_keras")


def main():
    """Arguments: this worker's number and the ports of all; without any, one device trains."""
    index, *ports = map(int, sys.argv[1:]) if sys.argv[1:] else (None,)
    if ports:
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        assert strategy.num_replicas_in_sync == len(ports)
    else:
        strategy = tf.distribute.get_strategy()
    from tests.library.distributed.training import VARIANTS, by_train_step, train

    chosen = [variant for variant in VARIANTS if str(variant) in CHOSEN]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        results = {str(variant): train(strategy, variant, by_train_step) for variant in chosen}
    print(json.dumps({**results, "warnings": [str(warning.message) for warning in seen]}))


if __name__ == "__main__":
    main()
