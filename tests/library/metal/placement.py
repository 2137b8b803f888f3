"""Says, for each operation of a traced function, whether tensorflow-metal 1.2.0 would run it on the GPU.

`kernels.json` lists the kernels that the plugin registers (read out of its binary), and TensorFlow's own kernels for
any device (of 2.18.1). A registration proves where an operation runs, not that its result is right: that takes a Mac.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

KERNELS = json.loads((Path(__file__).parent / "kernels.json").read_text())
NOT_RUN = {"Placeholder", "_Arg", "_Retval", "NoOp", "Const"}
# TensorFlow's own code for these takes the plugin's buffer for an address, unless the plugin has a kernel of its own.
UNSAFE = {"AssignAddVariableOp", "AssignSubVariableOp"}
LARGE = 64  # elements: from here on a tensor counts as one of a variable's size


def operations(function: tf.types.experimental.ConcreteFunction) -> Iterator[tf.Operation]:
    """All operations of a traced function and of the functions it calls: branches, loops, calls."""
    graphs = [function.graph]
    while graphs:
        graph = graphs.pop()
        yield from graph.get_operations()
        graphs += [inner.graph for inner in graph._functions.values() if hasattr(inner, "graph")]


def place(operation: tf.Operation) -> str:
    """`host` if the graph itself says so, `metal`, `default` for TensorFlow's own kernels, `unsafe`, or `cpu`."""
    if "CPU" in operation.device:
        return "host"
    if any(fits(operation, kernel["types"]) for kernel in KERNELS["metal"].get(operation.type, [])):
        return "metal"
    if any(fits(operation, kernel["types"]) for kernel in KERNELS["tf_default_2_18_1"].get(operation.type, [])):
        return "unsafe" if operation.type in UNSAFE else "default"
    return "cpu"


def fits(operation: tf.Operation, types: dict) -> bool:
    """Tells whether an operation's type attributes are among those that a kernel is registered for."""
    for name, allowed in types.items():
        found = operation.get_attr(name)
        found = [t.name for t in found] if isinstance(found, list) else [found.name]
        if not set(found) <= set([allowed] if isinstance(allowed, str) else allowed):
            return False
    return True


def is_large(operation: tf.Operation) -> bool:
    """Tells whether an operation reads or writes a tensor of a variable's size."""
    tensors = [t for t in (*operation.inputs, *operation.outputs) if t.dtype != tf.resource]
    return any(t.shape.num_elements() is None or t.shape.num_elements() > LARGE for t in tensors)


def name(operation: tf.Operation) -> str:
    """How a report calls an operation: type and first dtype, as in `AddV2:int64`."""
    dtypes = [t.dtype.name for t in (*operation.inputs, *operation.outputs) if t.dtype != tf.resource]
    return f"{operation.type}:{dtypes[0] if dtypes else ''}"


def off_the_gpu(function: tf.types.experimental.ConcreteFunction, *, large: bool) -> list[str]:
    """The operations on large, or on small, tensors that would leave the GPU without the graph asking for it."""
    return sorted(
        name(operation)
        for operation in operations(function)
        if operation.type not in NOT_RUN and place(operation) in ("cpu", "unsafe") and is_large(operation) == large
    )


def on_the_host(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """The operations on large tensors that the graph leaves to the host."""
    large = [operation for operation in operations(function) if is_large(operation)]
    return {operation.type for operation in large if place(operation) == "host"}


def lacking(types: set[str]) -> set[str]:
    """Those operations that the plugin has in no dtype."""
    return types - KERNELS["metal"].keys() - KERNELS["tf_default_2_18_1"].keys()


def crossings(function: tf.types.experimental.ConcreteFunction) -> int:
    """The tensors that go from the host's operations to the others or back: each is a copy and a wait."""
    edges = {
        t.name
        for operation in operations(function)
        for t in operation.inputs
        if t.dtype != tf.resource
        and t.op.type != "Const"
        and ("CPU" in t.op.device) != ("CPU" in operation.device)
        and operation.type not in NOT_RUN
    }
    return len(edges)
