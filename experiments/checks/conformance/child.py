"""A process of the report: `python -m experiments.checks.conformance.child PLACE ROW ...` prints its verdicts as JSON.

Two logical CPUs must be made before TensorFlow starts, and a worker has to find its partner first of all.
"""

from __future__ import annotations

import dataclasses
import json
import sys

import tensorflow as tf


def main(place: str, *ids: str) -> None:
    """Runs rows on both libraries and prints `{row: {library: verdict}}`."""
    if place == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from experiments.checks.conformance import catalogue, replicas
    from experiments.checks.conformance.rows import libraries

    replicas.strategy()
    found = {
        row.id: {library.name: dataclasses.asdict(row.run(library)) for library in libraries()}
        for row in catalogue.rows(ids)
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
