"""One optimizer for some variables and others for the rest, in one step."""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.config import revived, serialized
from tfoptim.declaration.fields import Field
from tfoptim.declaration.presentation import given_name
from tfoptim.groups import PATHS, pattern_of, patterns_of
from tfoptim.optimizer import Optimizer
from tfoptim.state import path_of
from tfoptim.step import verdict
from tfoptim.step.swap import check
from tfoptim.variables import listed, raw
from tfoptim.wrappers.whole import OF_PARTS, WHOLE, belongs, check_arguments, check_parts


class _OfDefault(keras.optimizers.schedules.LearningRateSchedule):
    """Stands where Keras wants a learning rate, and would make a variable of a number; no step reads it."""

    def __call__(self, step: Any) -> float:
        return 0.0

    def get_config(self) -> dict[str, Any]:
        return {}


@keras.saving.register_keras_serializable(package="tfoptim")
class MultiOptimizer(Optimizer):
    """Gives variables to optimizers by their paths: matrices to one rule, biases and embeddings to another.

    All parts take one step together: gradients are reduced once over the replicas, checked once, and clipped by the
    norm of all of them; then each variable is moved by the rule of its part. The state is in one file, by name.

    The arguments of the whole step are given here: clipping, averaging, accumulation, the loss scale, `nonfinite`. The
    parts have those of their variables: learning rate, weight decay, `groups`, `lazy`, `cautious`, `agc`, `centralize`.
    `learning_rate` is that of the default part; `optimizers` lists all parts, the default first.

    Args:
        default: the optimizer of all variables that no pattern fits.
        parts: regular expression -> optimizer. An expression is searched in the paths of the variables; each must fit
            one, and no two the same.
        name: of the optimizer, the prefix of its variables' names.
        **arguments: of the whole step: clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, nonfinite.

    Raises:
        TypeError: a part is no optimizer of tfoptim, or itself a `MultiOptimizer`; a `Lookahead` may be one.
        ValueError: a part is built, used twice, or has an argument of the whole step; when this optimizer is built, a
            pattern fits no variable, or two fit one.

    >>> import keras
    >>> from tfoptim import SGD, Adam, MultiOptimizer
    >>> optimizer = MultiOptimizer(Adam(0.1), {"bias": SGD(0.5)}, global_clipnorm=1.0)
    >>> kernel, bias = keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="bias")
    >>> optimizer.apply([[0.6], [0.8]], [kernel, bias])
    >>> [round(float(v.numpy()[0]), 4) for v in (kernel, bias)]
    [0.9, 0.6]
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own = "__init__" in vars(cls)
        super().__init_subclass__(**kwargs)
        if "assign" in vars(cls):
            raise TypeError(f"{cls.__name__}: assign would not be called for the weights; define it in the parts.")
        if not own:
            del cls.__init__  # the one made of fields, which takes no optimizers

    def __init__(
        self, default: Any, parts: Mapping[str, Any] | None = None, name: str | None = None, **arguments: Any
    ) -> None:
        what, private = type(self).__name__, self.__dict__
        by_pattern = check_parts(what, default, parts)
        check_arguments(type(self), arguments)
        private["_by_pattern"], private["optimizers"] = by_pattern, [default, *by_pattern.values()]
        self._configure({**arguments, "learning_rate": _OfDefault(), "name": name})
        for i, part in enumerate(self.optimizers):
            setattr(self, f"_part_{i}", part)  # TensorFlow finds its variables there
            part._runtime.trainer, part._runtime.eager = self, self._runtime.eager

    @property
    def optimizers(self) -> list[Any]:
        """The parts: the default, then the others in the order of their patterns."""
        return list(self.__dict__["optimizers"])

    # What a step asks

    @property
    def _named_parts(self) -> dict[str, Any]:
        quoted = [f"[{urllib.parse.quote(p, safe='').replace('.', '%2E')}]" for p in self.__dict__["_by_pattern"]]
        return dict(zip(["default", *quoted], self.optimizers, strict=True))  # names without dots

    def _part_of(self, path: str) -> Any:
        parts = self.__dict__["_by_pattern"]
        pattern = pattern_of(f"{type(self).__name__}: parts", parts, path)
        return self.optimizers[0] if pattern is None else parts[pattern]

    def schedules(self) -> list[Any]:
        """Returns the schedules of all numbers, of the parts too."""
        return [*super().schedules(), *(schedule for part in self.optimizers for schedule in part.schedules())]

    # What Keras asks

    def build(self, variables: Any) -> None:
        """Builds each part for its variables, and the state of the whole step for all of them.

        Raises:
            ValueError: a pattern fits no variable, or two fit one; or the optimizer is built and has others.
        """
        variables = listed(f"{self.name}: build", variables)
        if variables and not self.built:
            paths = self._runtime.learn_paths(variables)
            patterns_of(f"{type(self).__name__}: parts", self.__dict__["_by_pattern"], paths)
            for part in self.optimizers:
                own = [self._part_of(where) is part for where in paths.of_variables]
                part.build(list(itertools.compress(variables, own)))
        super().build(variables)
        if self.built and self.use_ema:
            self._show_averages()

    def _show_averages(self) -> None:
        """Gives each part the averages of its variables, because callbacks look for them there."""
        for part in self.optimizers:
            own = [self._get_variable_index(v) for v in part._trainable_variables]
            part._runtime.averages = [self._runtime.averages[i] for i in own]
            vars(part)["_model_variables_moving_average"] = [self._model_variables_moving_average[i] for i in own]

    @property
    def averages(self) -> bool:
        """Whether some variable has a weight for evaluation other than the one that is trained."""
        return any(part.averages for part in self.optimizers)

    def average_weights(self, variables: Sequence[Any]) -> list[Any]:
        """Returns the weights for evaluation as the parts have them, tensors; without any, the weights.

        Args:
            variables: that the optimizer was built for.

        Raises:
            ValueError: no part keeps an average.
        """
        check(self)
        owners = [(self._part_of(path_of(self, v)), v) for v in variables]
        return [part.average_weights([v])[0] if part.averages else tf.convert_to_tensor(raw(v)) for part, v in owners]

    @property
    def variables(self) -> list[Any]:
        """The variables of the whole step, then those of each part."""
        return [v for part in self._parts() for v in part._variables]

    def set_weights(self, weights: Any) -> None:
        """Assigns all variables, in the order of `variables`.

        Raises:
            ValueError: the optimizer is not built, or the arrays do not fit in number or shape.
        """
        if self.built and len(weights) != len(self.variables):
            raise ValueError(f"{self.name}: got {len(weights)} arrays for {len(self.variables)} variables.")
        for part in self._parts():
            count = len(part._variables)
            Optimizer.set_weights(part, weights[:count])
            weights = weights[count:]

    def __dir__(self) -> list[str]:
        """Returns the names without the parts: Keras saves each optimizer that it finds among them by itself."""
        private = {"optimizers", "_by_pattern", "_named_parts"}
        return [name for name in super().__dir__() if name not in private and not name.startswith("_part_")]

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Raises: each part has weight decay for its own variables."""
        raise ValueError(
            f"{type(self).__name__}: call exclude_from_weight_decay on the parts that it concerns, such as "
            "optimizer.optimizers[0]."
        )

    # Arguments

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.fields and any(name in part.fields for part in self.__dict__.get("optimizers", ())):
            raise AttributeError(f"{type(self).__name__}: {_of_parts(name)}")
        super().__setattr__(name, value)

    def check_of_part(self, name: str) -> None:
        """Raises if an argument of the whole step is set on a part."""
        if name in WHOLE:
            raise ValueError(f"{type(self).__name__}: {name} is of the whole step; set it on {self.name}.")

    def given(self, name: str) -> Any:
        """Returns the value of a field as given, or as assigned since."""
        return self.optimizers[0].given(name) if name == "learning_rate" else super().given(name)

    def _read(self, field: Field) -> Any:
        return self.optimizers[0].learning_rate if field.name == "learning_rate" else super()._read(field)

    def _write(self, field: Field, value: Any) -> None:
        made = self._runtime.numbers is not None
        if made and field.name in OF_PARTS:
            raise ValueError(f"{type(self).__name__}: {_of_parts(field.name)}")
        if made and field.name == "learning_rate":
            if type(verdict.caller(self)).__module__.partition(".")[0] == "keras":  # it shows callbacks no parts
                raise ValueError(
                    f"{type(self).__name__}: Keras's LossScaleOptimizer around it would set the learning rate of the "
                    "default part alone; compile with tfoptim.LossScaleOptimizer(optimizer), or set it on each of "
                    "optimizer.inner_optimizer.optimizers."
                )
            self.optimizers[0].learning_rate = value
        else:
            super()._write(field, value)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, JSON-safe, the parts serialized."""
        default, *others = map(keras.saving.serialize_keras_object, self.optimizers)
        parts = dict(zip(self.__dict__["_by_pattern"], others, strict=True))
        own = {name: serialized(self.given(name)) for name in self._own_fields()}
        return {"name": self.name, "default": default, "parts": parts, **own, **self._runtime.known_paths()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> MultiOptimizer:
        """Creates an optimizer from a config, with the same checks as the constructor."""
        optimizer = cls(**{name: revived(value, custom_objects) for name, value in config.items() if name != PATHS})
        optimizer._runtime.saved_paths = tuple(config.get(PATHS, ()))
        return optimizer

    def _own_fields(self) -> list[str]:
        return [name for name in self.fields if name not in OF_PARTS | {"learning_rate"}]

    def __repr__(self) -> str:
        if "_by_pattern" not in vars(self):
            return super().__repr__()
        changed = {n: self.given(n) for n in self._own_fields() if self.given(n) != self.fields[n].default}
        changed |= given_name(self)
        parts = ", ".join(f"{p!r}: {part!r}" for p, part in self.__dict__["_by_pattern"].items())
        inside = [repr(self.optimizers[0]), f"{{{parts}}}", *(f"{name}={value!r}" for name, value in changed.items())]
        return f"{type(self).__name__}({', '.join(inside)})"


def _of_parts(name: str) -> str:
    """Returns the end of a message about an argument of the parts that is assigned to the whole."""
    return f"{belongs(name)} optimizer.optimizers[0].{name} = ..."
