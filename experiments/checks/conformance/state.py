"""What an optimizer keeps, and whether copies, files and configurations have it."""

import copy
import pickle  # noqa: TID251  whether an optimizer survives it is what a row asks
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, number, refusal, refused, row, small_model, values, weight


def _trained(library: Library, name: str = "Adam", size: int = 2) -> Any:
    optimizer = library.make(name)
    variable = weight(np.zeros(size))
    optimizer.build([variable])
    for _ in range(3):
        optimizer.apply([tf.ones([size])], [variable])
    return optimizer


def _contents(optimizer: Any) -> str:
    count = len(optimizer.variables)
    return f"{count} variable{'s' if count != 1 else ''}, iteration {int(optimizer.iterations)}"


@row("D12", "exclusions from weight decay, after saving and loading the model", "saved in the configuration")
def exclusion_saved(library: Library) -> tuple[bool, str]:
    """The bias is excluded; then a model saved and loaded takes a step without gradient."""
    optimizer = library.make("SGD", 0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        small_model(optimizer).save(path)
        model = keras.models.load_model(path)
    variables = model.trainable_variables
    model.optimizer.apply([tf.zeros(v.shape) for v in variables], variables)
    bias = float(next(v for v in variables if v.name == "bias").numpy()[0])
    return bias == 1.0, f"the excluded bias goes from 1 to {bias:g}"


@row("D13a", "an exclusion that comes after `build`", "refused: it would have no effect, or half of one")
def exclusion_late(library: Library) -> tuple[bool, str]:
    """Keras means to refuse it, and asks the wrong attribute."""
    optimizer = _trained(library, "AdamW")
    error = refusal(lambda: optimizer.exclude_from_weight_decay(var_names=["weight"]))
    return refused(error), error or "accepted"


@row("D13b", "an exclusion that fits no variable", "refused when the optimizer is built")
def exclusion_unmatched(library: Library) -> tuple[bool, str]:
    """A typing error that would decay what should be spared."""
    optimizer = library.make("AdamW")
    optimizer.exclude_from_weight_decay(var_names=["baias"])
    error = refusal(lambda: optimizer.apply([tf.ones([2])], [weight(np.zeros(2), name="bias")]))
    return refused(error), error or "accepted"


@row("D14a", "loading the state of another optimizer", "refused before anything is changed")
def state_of_another(library: Library) -> tuple[bool, str]:
    """Adam's state for SGD; Keras warns, and goes on without any."""
    saved: dict[str, Any] = {}
    _trained(library).save_own_variables(saved)
    error = refusal(lambda: _trained(library, "SGD").load_own_variables(saved))
    return refused(error), error or "state dropped, with a warning"


@row("D14b", "`set_weights` with 1 of 4 arrays", "refused")
def state_cut(library: Library) -> tuple[bool, str]:
    """The rest would stay what it was."""
    optimizer = _trained(library)
    error = refusal(lambda: optimizer.set_weights([np.int64(0)]))
    return refused(error), error or "accepted"


@row("D15a", "`copy.deepcopy` of an optimizer in the middle of training", "keeps the state")
def deep_copy(library: Library) -> tuple[bool, str]:
    """Four variables, of three steps."""
    original = _trained(library)
    copied = copy.deepcopy(original)
    return _contents(copied) == _contents(original), f"{_contents(original)} become {_contents(copied)}"


@row("D15b", "`pickle` of an optimizer in the middle of training", "keeps the state for the next `build`")
def pickled(library: Library) -> tuple[bool, str]:
    """The variables are the model's and not in the pickle, so the copy is built for others like them."""
    original = _trained(library)
    copied = pickle.loads(pickle.dumps(original))  # noqa: S301  written in the line itself
    copied.build([weight(np.zeros(2))])
    return _contents(copied) == _contents(original), f"{_contents(original)} become {_contents(copied)}"


@row("D16a", "memory of Adafactor for a matrix", "one number a row and one a column")
def memory_of_adafactor(library: Library) -> tuple[bool, str]:
    """A matrix of 100 x 50, for which Adam keeps 10,000 numbers."""
    optimizer = library.make("Adafactor")
    optimizer.build([weight(np.zeros((100, 50)))])
    count = sum(values(variable).size for variable in optimizer.variables[2:])
    return count == 150, f"{count} numbers for 100 x 50"


@row("D35a", "weights loaded into a compiled model that is not built", "the optimizer goes on from the saved state")
def loaded_unbuilt(library: Library) -> tuple[bool, str]:
    """What `compile`, `load_weights`, `fit` do; Keras drops the state, with a warning."""
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.weights.h5"
        trained = small_model(library.make("Adam"))
        for _ in range(3):
            trained.train_on_batch(x, y)
        trained.save_weights(path)
        model = small_model(library.make("Adam"))
        model.load_weights(path)
    for each in (trained, model):
        each.train_on_batch(x, y)
    equal = all(map(np.array_equal, trained.get_weights(), model.get_weights()))
    step = int(model.optimizer.iterations)
    return equal and step == 4, f"step 4 is step {step}, weights {'equal' if equal else 'differ'}"


@row("D35b", "a layer frozen after training, then saved and loaded", "the other layers keep their state")
def loaded_frozen(library: Library) -> tuple[bool, str]:
    """The file has state for more variables than the model trains; Keras drops all of it, with a warning."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(2, name="first"), keras.layers.Dense(1, name="second")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(library.make("Adam"), "mse")
    model.train_on_batch(np.ones((4, 2)), np.zeros((4, 1)))
    layers[0].trainable = False
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "frozen.keras")
        loaded = keras.models.load_model(Path(folder) / "frozen.keras")
    kept = sum(bool(np.any(v.numpy())) for v in loaded.optimizer.variables[2:])
    return kept == 4, f"{kept} of 4 slots of the other layer kept"


@row("D17b", "the first step of ScheduleFreeAdamW in `fit`", "starts from the weights that the model has")
def start_of_fit(library: Library) -> tuple[bool, str]:
    """Keras copies the weights into its state where `fit` drops assignments, so that it starts at 0: they are lost."""
    model = small_model(library.make("ScheduleFreeAdamW", 0.001))
    model.set_weights([np.full((2, 1), 10.0), np.full(1, 10.0)])
    model.fit(np.ones((4, 2)), np.zeros((4, 1)), verbose=0)
    weight = float(model.get_weights()[0][0, 0])
    return abs(weight - 10) < 0.1, f"weight 10 becomes {number(weight)}"


@row("D36", "`copy.deepcopy` of a loss-scaled optimizer in the middle of training", "keeps scale and state")
def deep_copy_scaled(library: Library) -> tuple[bool, str]:
    """The copy is built for the same variables; Keras's begins again."""
    original = library.make("LossScaleOptimizer", library.make("Adam"), initial_scale=4.0)
    variable = weight(np.zeros(2))
    original.build([variable])
    for gradient in (np.inf, 1.0):
        original.apply([tf.fill([2], gradient)], [variable])
    copied = copy.deepcopy(original)
    copied.build([variable])
    scale, step = float(copied.dynamic_scale), int(copied.iterations)
    return (scale, step) == (2.0, 1), f"scale 2 becomes {scale:g}, iteration 1 becomes {step}"
