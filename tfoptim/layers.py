"""Groups of variables by layer: learning rates that fall from the output of a model to its input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from tfoptim.declaration.domains import Interval, check_model
from tfoptim.groups import check_pattern
from tfoptim.variables import path

_SHARE = Interval(0.0, 1.0, closed_high=True, schedulable=False)


def layer_decay(model: Any, decay: float = 0.75, blocks: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Returns `groups` by which the learning rate falls by a factor per layer, from the output to the input.

    For fine-tuning of pretrained models (Clark et al., 2020: ELECTRA, section 3.2; Bao et al., 2022: BEiT): layers near
    the input have general features, which should change less.

    Args:
        model: a built Keras model.
        decay: factor between a layer and the next, in [0, 1]; the last one has the whole learning rate.
        blocks: regular expressions for variables' paths, from input to output: what one of them fits is one layer, and
            other variables have the whole learning rate. By default each layer of the model that has trainable weights;
            layers of models inside the model count one by one.

    Raises:
        TypeError: the model is no Keras model.
        ValueError: the model has no trainable weights, or an expression is malformed or fits none of them.

    >>> import keras, tfoptim
    >>> layers = [keras.layers.Dense(2, name="stem"), keras.layers.Dense(1, name="head")]
    >>> model = keras.Sequential([keras.Input([3]), *layers])
    >>> tfoptim.layer_decay(model, 0.5, blocks=["stem", "head"])
    {'stem': {'learning_rate': 0.5}, 'head': {'learning_rate': 1.0}}
    >>> [group["learning_rate"] for group in tfoptim.layer_decay(model, 0.1).values()]
    [0.1, 1.0]
    """
    check_model("layer_decay", model)
    decay = _SHARE.parse("layer_decay: decay", decay)
    paths = [path(v) for v in model.trainable_variables]
    if not paths:
        raise ValueError(f"layer_decay: {model.name} has no trainable weights; build the model first.")
    patterns = [*_of_layers(model)] if blocks is None else list(blocks)
    for pattern in patterns:
        check_pattern("layer_decay", pattern)
        if not any(re.search(pattern, p) for p in paths):
            raise ValueError(f"layer_decay: {pattern!r} fits no trainable variable of {model.name}.")
    last = len(patterns) - 1
    return {pattern: {"learning_rate": decay ** (last - depth)} for depth, pattern in enumerate(patterns)}


def _of_layers(model: Any) -> Iterator[str]:
    """Yields the expression for the variables of each layer; of layers that share variables, for the first."""
    seen: set[str] = set()
    everything = [path(v) for v in model.trainable_variables]
    for layer in _leaves(model):
        paths = [path(v) for v in layer.trainable_variables if path(v) not in seen]
        seen.update(paths)
        if paths:
            yield f"(^|/)({'|'.join(re.escape(_ending(p, everything)) for p in paths)})$"


def _ending(path: str, paths: Sequence[str]) -> str:
    """Returns the shortest ending of a path that no other has, two parts at least: loaded paths may lack the rest."""
    parts = path.split("/")
    endings = ("/".join(parts[-count:]) for count in range(2, len(parts)))
    return next((end for end in endings if [p for p in paths if f"/{p}".endswith(f"/{end}")] == [path]), path)


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _leaves(layer) if isinstance(layer, keras.Model) else (layer,)
