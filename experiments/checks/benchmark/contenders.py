"""Contenders: one step of a rule on given variables, by library and execution mode."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfoptim
from experiments.checks.benchmark.subjects import LEARNING_RATE, REPEATED_ROWS, ROWS_OF_GRADIENT, Rule, VariableSet
from experiments.machine import cores

LOOP = 10  # steps per call of a loop


@dataclasses.dataclass(frozen=True)
class Contender:
    """A way to take a step."""

    step: Callable[[], object]  # takes a step, and returns when it is done
    weights: Callable[[], list[np.ndarray]]  # returns the present weights, one array per variable
    # counts the operations of its graph after a step; None without a single graph
    operations: Callable[[], int] | None = None
    steps: int = 1  # per call


class Arrays:
    """Initial weights and gradients of a variable set, the same for all contenders."""

    def __init__(self, variables: VariableSet) -> None:
        """Draws weights with standard deviation 0.05 and gradients with 0.01, from a fixed seed."""
        generator = np.random.default_rng(0)

        def draw(shape: Sequence[int], deviation: float) -> np.ndarray:
            return generator.standard_normal(shape, np.float32) * np.float32(deviation)

        self.weights = [draw(shape, 0.05) for shape in variables.shapes]
        self.rows: np.ndarray | None = None
        if variables.table:
            rows, width = variables.shapes[0]
            touched = generator.choice(rows, ROWS_OF_GRADIENT - REPEATED_ROWS, replace=False)
            self.rows = generator.permutation(np.concatenate([touched, touched[:REPEATED_ROWS]]))
            self.gradients = [draw((ROWS_OF_GRADIENT, width), 0.01)]
        else:
            self.gradients = [draw(shape, 0.01) for shape in variables.shapes]

    def tensors(self) -> list[Any]:
        """Returns the gradients as TensorFlow tensors; of a table as `IndexedSlices`."""
        dense = [tf.constant(gradient) for gradient in self.gradients]
        if self.rows is None:
            return dense
        return [tf.IndexedSlices(dense[0], tf.constant(self.rows), tf.constant(self.weights[0].shape, tf.int64))]


def contenders(rule: Rule, arrays: Arrays, names: Sequence[str]) -> dict[str, Contender]:
    """Returns contenders of `plan.CONTENDERS` by name; those of one library share variables and slots."""
    libraries: dict[str, Any] = {}
    found = {}
    gradients = arrays.tensors()
    for name in names:
        library, _, way = name.partition("-")
        if library == "torch":
            found[name] = _of_torch(rule, arrays, way)
        else:
            if library not in libraries:
                libraries[library] = _built(rule, arrays, library)
            optimizer, variables = libraries[library]
            found[name] = _of_tensorflow(optimizer, variables, gradients, way)
    return found


def _built(rule: Rule, arrays: Arrays, library: str) -> tuple[Any, list[Any]]:
    """Returns a built optimizer, ours or Keras's, with its variables."""
    if library == "ours":
        made = getattr(tfoptim, rule.ours)(LEARNING_RATE, **rule.options, **rule.ours_only)
    else:
        made = getattr(keras.optimizers, str(rule.keras))(LEARNING_RATE, **rule.options, **rule.keras_only)
    variables = [keras.Variable(weights, name=f"v{place}") for place, weights in enumerate(arrays.weights)]
    made.build(variables)
    return made, variables


def _of_tensorflow(optimizer: Any, variables: list[Any], gradients: list[Any], way: str) -> Contender:
    def apply() -> None:
        optimizer.apply(gradients, variables)

    def weights() -> list[np.ndarray]:
        return [variable.numpy() for variable in variables]

    def count(i: Any) -> Any:
        apply()
        return i + 1

    def loop() -> None:
        tf.while_loop(lambda i: i < LOOP, count, [0], parallel_iterations=1)

    if way == "eager":
        return Contender(_finished(apply), weights)
    if way == "loop":
        return Contender(_finished(tf.function(loop, autograph=False)), weights, steps=LOOP)
    # As in `fit`: without autograph, which neither library needs.
    step = tf.function(apply, autograph=False, jit_compile=way == "xla")
    return Contender(_finished(step), weights, lambda: operations(step))


def _finished(step: Callable[[], object]) -> Callable[[], object]:
    """Returns a step that waits for the GPU, if there is one."""
    if not tf.config.list_physical_devices("GPU"):
        return step

    def waited() -> None:
        step()
        tf.test.experimental.sync_devices()

    return waited


def operations(function: Any) -> int:
    """Returns the number of operations of a traced function without arguments, inner functions included."""
    graph = function.get_concrete_function().graph.as_graph_def()
    return len(graph.node) + sum(len(inner.node_def) for inner in graph.library.function)


def _of_torch(rule: Rule, arrays: Arrays, way: str) -> Contender:
    """Returns torch's step on the CPU, with as many threads as TensorFlow."""
    torch: Any = importlib.import_module("torch")  # optional
    torch.set_num_threads(cores())
    parameters = [torch.nn.Parameter(torch.from_numpy(weights.copy())) for weights in arrays.weights]
    for parameter, gradient in zip(parameters, arrays.gradients, strict=True):
        parameter.grad = torch.from_numpy(gradient)
    options: Mapping[str, Any] = {"lr": LEARNING_RATE, **rule.torch_options, way: True}
    optimizer = getattr(torch.optim, str(rule.torch))(parameters, **options)

    def step() -> None:
        optimizer.step()

    return Contender(step, lambda: [parameter.detach().numpy().copy() for parameter in parameters])
