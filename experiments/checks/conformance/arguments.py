"""Hyperparameters: which are accepted, which take effect, and when."""

import contextlib
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, number, refusal, refused, row, steps, traced, values, weight
from tfoptim.registry import WRAPPERS

NAN = float("nan")
BAD: tuple[dict[str, float], ...] = (
    {"learning_rate": NAN},
    {"learning_rate": -0.1},
    {"beta_1": 1.5},
    {"beta_2": 1.0},
    {"epsilon": -1.0},
    {"weight_decay": -0.1},
    {"clipnorm": 0.0},
    {"clipnorm": NAN},
    {"use_ema": True, "ema_momentum": NAN},
)


@row("D8", "moving average with gradient accumulation", "moves once per update, not once per call")
def average_of_updates(library: Library) -> tuple[bool, str]:
    """Three updates of -1 from 0, two calls each: the average of -1, -2, -3 with momentum 0.5 is -2.25."""
    optimizer = library.make("SGD", 1.0, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2)
    end = steps(optimizer, [1.0] * 6)
    return bool(end == -2.25), f"average {end:g}, right is -2.25"


@row("D9", "hyperparameters that no rule can use", "refused at construction, with the allowed range")
def bad_values(library: Library) -> tuple[bool, str]:
    """NaN, signs and betas out of range, clipping to nothing."""
    count = sum(refused(refusal(partial(library.make, "Adam", **bad))) for bad in BAD)
    return count == len(BAD), f"{count} of {len(BAD)} refused"


@row("D10", "a Python function as learning rate", "live at each step, or refused with a reason")
def function_as_rate(library: Library) -> tuple[bool, str]:
    """The function returns 0.1, and after the step is traced 1.0: two steps from 1 end at -0.1."""
    rate = [0.1]
    try:
        optimizer = library.make("SGD", lambda: rate[0])
    except ValueError as error:
        return "schedules" in str(error), "refused; the message names schedules"
    variable = weight(1.0)
    step = traced(optimizer, variable)
    step(1.0)
    rate[0] = 1.0
    step(1.0)
    end = values(variable)
    return bool(abs(end + 0.1) < 1e-6), f"frozen when traced: weight {number(end)}, right is -0.1"


@row("D11", "changing a hyperparameter after tracing", "takes effect at the next step")
def late_change(library: Library) -> tuple[bool, str]:
    """Weight decay is switched from 0 to 0.5, with a rate of 0.1 and no gradient: 1 becomes 0.95."""
    optimizer = library.make("SGD", 0.1, weight_decay=0.0)
    variable = weight(1.0)
    step = traced(optimizer, variable)
    step(0.0)
    optimizer.weight_decay = 0.5
    step(0.0)
    end = values(variable)
    return bool(abs(end - 0.95) < 1e-6), f"weight {number(end)}, right is 0.95"


@row("D16b", "Adafactor with `relative_step=False`", "takes the rate as it is")
def absolute_rate(library: Library) -> tuple[bool, str]:
    """Four steps by a hundredth of the weight, against the sum of 1 / sqrt(t) of that."""
    ends = [float(steps(library.make("Adafactor", 1.0, relative_step=on), [1.0] * 4)) for on in (True, False)]
    return ends[0] != ends[1], f"weight {number(ends[1])}, with `relative_step=True` {number(ends[0])}"


@row(
    "D17a",
    "`beta_1` of ScheduleFreeAdamW",
    "gradients are taken between the newest point and the mean, as in the paper",
)
def place_of_gradients(library: Library) -> tuple[bool, str]:
    """Keras reads its newest point after it has moved it, and so has the mean itself as weights."""
    ends = []
    for beta_1 in (0.3, 0.9):
        variable, optimizer = weight(1.0), library.make("ScheduleFreeAdamW", 0.1, beta_1=beta_1)
        for _ in range(5):
            optimizer.apply([variable.value - 0.7], [variable])
        ends.append(float(values(variable)))
    return abs(ends[0] - ends[1]) > 1e-3, f"weights {ends[0]:.4f} with 0.3, {ends[1]:.4f} with 0.9"


@row("D37a", "Muon on the biases of attention", "moves them as Adam does: they are no matrices")
def biases_of_attention(library: Library) -> tuple[bool, str]:
    """A bias of two heads and three channels has two axes, which a matrix has too."""
    return _moves_as_adam(library, np.zeros((2, 3)), "attention/query", "bias", expected=True)


@row("D37b", "Muon on the kernel of a convolution", "moves it as a matrix")
def kernel_of_convolution(library: Library) -> tuple[bool, str]:
    """Of 3 x 3 pixels, 2 channels in and 4 out: 18 x 4."""
    return _moves_as_adam(library, np.zeros((3, 3, 2, 4)), "conv", "kernel", expected=False)


def _moves_as_adam(library: Library, start: Any, layer: str, name: str, *, expected: bool) -> tuple[bool, str]:
    """Returns whether Muon does with a variable what is expected: Adam's first step is the same for every element."""
    with contextlib.ExitStack() as inside:
        for scope in layer.split("/"):
            inside.enter_context(keras.name_scope(scope))
        variable = weight(start, name=name)
    gradient = np.random.default_rng(0).normal(size=start.shape)
    library.make("Muon", 0.1).apply([tf.constant(gradient, "float32")], [variable])
    moved = np.abs(values(variable))
    adam = bool(np.allclose(moved, 0.1, rtol=1e-3))
    return (
        adam is expected,
        "moved as by Adam" if adam else f"orthogonalized: moves of {number(moved.min())} to {number(moved.max())}",
    )


def _forms() -> dict[str, Any]:
    return {
        "int": 1,
        "np.float32": np.float32(1.0),
        "0-d array": np.array(1.0),
        "tensor": tf.constant(1.0),
        "Variable": keras.Variable(1.0),
    }


@row("D26", "a learning rate as int, NumPy number, tensor or variable", "accepted")
def forms_of_rate(library: Library) -> tuple[bool, str]:
    """All of them are numbers."""
    wrong = [name for name, form in _forms().items() if refusal(partial(library.make, "SGD", form))]
    return not wrong, f"refuses {', '.join(wrong)}" if wrong else f"accepts {', '.join(_forms())}"


@row(
    "D24",
    "finding every class by a string",
    "`keras.optimizers.get` knows each as `tfoptim>Name`, `tfoptim.get` by name",
)
def by_string(library: Library) -> tuple[bool, str]:
    """Each class of the library is asked for by its own name, the way the library documents."""
    base = library.find("Optimizer")
    classes = [
        value
        for value in vars(library.module).values()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    ]
    names = sorted({cls.__name__ for cls in classes} - WRAPPERS.keys())
    prefix = "" if library.module is keras.optimizers else "tfoptim>"
    missing = [name for name in names if refusal(partial(keras.optimizers.get, prefix + name))]
    missing += [name for name in names if refusal(partial(library.module.get, name))]
    missing = sorted(set(missing))
    return not missing, f"not found: {', '.join(missing)}" if missing else f"finds all {len(names)} classes"
