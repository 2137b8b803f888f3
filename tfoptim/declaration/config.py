"""Configuration of an optimizer: arguments, values during training, and config."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

import keras
import tensorflow as tf

from tfoptim import state
from tfoptim.declaration.domains import Accumulation, ClosedFraction, NonFinite, NonNegative, Positive, Steps
from tfoptim.declaration.fields import (
    Field,
    check_name,
    check_together,
    constructor,
    declared,
    in_order,
    keyword_only,
)
from tfoptim.declaration.guard import Guarded, with_arguments
from tfoptim.declaration.presentation import representation, with_common_arguments
from tfoptim.groups import Exclusion
from tfoptim.ops import host
from tfoptim.update import live
from tfoptim.update.kernels import tensorflow

_EXCLUSION = "exclude_from_weight_decay"

if TYPE_CHECKING:

    @dataclass_transform(field_specifiers=(keyword_only,))
    class KerasOptimizer:
        """Keras's class for type checkers: any attribute, because Keras has no types.

        An untyped base would make them accept any argument of any optimizer.
        """

        def __init__(self, **arguments: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        def set_weights(self, weights: Any) -> None:
            """Assigns all variables."""

        def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]: ...

else:

    class KerasOptimizer(Guarded, keras.optimizers.Optimizer):
        """Keras's optimizer, which refuses subclass methods that would be ignored."""


class Configured(KerasOptimizer):
    """Hyperparameters of an optimizer, among them those that every optimizer has."""

    learning_rate: NonNegative = 0.001
    weight_decay: NonNegative | None = keyword_only(default=None)
    clipnorm: Positive | None = keyword_only(default=None)
    clipvalue: Positive | None = keyword_only(default=None)
    global_clipnorm: Positive | None = keyword_only(default=None)
    use_ema: bool = keyword_only(default=False)
    ema_momentum: ClosedFraction = keyword_only(default=0.99)
    ema_overwrite_frequency: Steps | None = keyword_only(default=None)
    loss_scale_factor: Positive | None = keyword_only(default=None)
    gradient_accumulation_steps: Accumulation | None = keyword_only(default=None)
    if TYPE_CHECKING:
        name: str | None = keyword_only(default=None)  # an attribute of Keras's, not a hyperparameter

    lazy: bool = keyword_only(default=False)
    nonfinite: NonFinite = keyword_only(default="propagate")

    fields: ClassVar[dict[str, Field]] = {}
    """Every hyperparameter of the class, name -> `Field`, in the order of the constructor."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own = declared(cls)
        cls.fields = in_order(own, cls.fields)
        super().__init_subclass__(**kwargs)
        if inspect.isfunction(vars(cls).get("step")):
            cls.step = with_arguments(vars(cls)["step"])  # type: ignore[attr-defined]
        if "__init__" not in vars(cls):
            cls.__init__ = constructor(cls)  # type: ignore[method-assign]
        if cls.__module__.startswith("tfoptim.rules."):
            cls.__doc__ = with_common_arguments(cls.__doc__ or "", cls.__mro__)
            keras.saving.register_keras_serializable(package="tfoptim")(cls)

    def _configure(self, arguments: Mapping[str, Any]) -> None:
        """Validates the arguments, passes Keras its own, and makes the number fields live."""
        cls, own = type(self), self.__dict__
        given = {name: arguments.get(name, field.default) for name, field in cls.fields.items()}
        values = {name: field.parse(cls.__name__, given[name]) for name, field in cls.fields.items()}
        own["_values"], own["_exclusion"], own["_in_functions"] = {}, Exclusion(), set()
        check_name(cls.__name__, arguments["name"])
        check_together(cls.__name__, values, Configured.fields["ema_momentum"].default)
        of_keras = {name: values[name] for name in Configured.fields.keys() - {"lazy", "nonfinite"}}
        if callable(of_keras["ema_momentum"]):
            del of_keras["ema_momentum"]  # Keras compares it with numbers
        super().__init__(name=arguments["name"], **of_keras)
        own["_values"] = values
        # Float64, so that 0.999 is 0.999 in a float64 model; not part of the saved state: the config has the values.
        with host():
            own["_numbers"] = keras.Variable(
                _vector(self),
                dtype="float64",
                trainable=False,
                aggregation="only_first_replica",
                name="hyperparameters",
            )

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the children that TensorFlow saves; a SavedModel has no config, so it needs the numbers too."""
        children = super()._trackable_children(save_type, **kwargs)
        return children | {"hyperparameters": self._numbers.value} if save_type == "savedmodel" else children

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, JSON-safe, numbers as they were given."""
        config = {"name": self.name} | {name: _serialized(self.given(name)) for name in self.fields}
        if self._exclusion != Exclusion():
            config[_EXCLUSION] = {
                "var_list": list(self._exclusion.paths),
                "var_names": list(self._exclusion.patterns),
            }
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Creates an optimizer from a config, with the same checks as the constructor."""
        exclusion = config.get(_EXCLUSION, {})
        optimizer = cls(**{name: _revived(config[name], custom_objects) for name in config.keys() - {_EXCLUSION}})
        optimizer.exclude_from_weight_decay(**exclusion)
        return optimizer

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        r"""Excludes variables from weight decay; call it before the optimizer is built. Saved with the config.

        Args:
            var_list: variables to exclude.
            var_names: regular expressions; a variable is excluded if one is found in its path, such as
                `["bias", r"norm_\d+/gamma$"]`.

        Raises:
            ValueError: an expression is malformed; or, when the optimizer is built, something fits no variable; or the
                optimizer is built already and this differs from what it was built with.
        """
        exclusion = Exclusion.of(var_list, var_names)
        if self.built and exclusion != self._exclusion:
            raise ValueError(
                f"{self.name}: `exclude_from_weight_decay()` must be called before the optimizer is built."
            )
        self.__dict__["_exclusion"] = exclusion

    def __repr__(self) -> str:
        made = "_values" in vars(self)
        return representation(self, self.fields) if made else f"<{type(self).__name__}, not made yet>"

    def numbers(self) -> dict[str, Any]:
        """Returns the number fields as declared, name -> float, schedule or None, in constructor order.

        What a step has set since is not among them: slots and executors are chosen before it runs.
        """
        return {name: self.__dict__["_values"][name] for name, field in self.fields.items() if field.domain.live}

    def now(self, name: str) -> Any:
        """Returns the current value of a number field: None, or a float64 tensor that a traced step reads each time."""
        numbers = self.numbers()
        if callable(numbers[name]):
            return tf.cast(numbers[name](self.iterations), tf.float64)
        return None if numbers[name] is None else self._numbers.value[list(numbers).index(name)]

    def given(self, name: str) -> Any:
        """Returns the value of a field as given, or as assigned since."""
        value = self.__dict__["_values"][name]
        if name in self._in_functions and isinstance(value, float):
            value = live.present(self, name)
        if name != "learning_rate" or callable(value):
            return value
        with tf.init_scope():
            rate = keras.ops.convert_to_numpy(self._learning_rate)
        return value if rate.dtype.type(value) == rate else float(rate)

    def _read(self, field: Field) -> Any:
        """Returns the value of `optimizer.<field>`; for the learning rate, the variable or the scheduled value.

        A number that steps set is a float outside of them, and a tensor inside.
        """
        if field.name == "learning_rate":
            rate = self._learning_rate
            return rate if isinstance(rate, keras.Variable) else rate(self.iterations)
        if field.name in self.__dict__.get("_in_functions", ()):
            eager = tf.executing_eagerly() or not isinstance(self.numbers()[field.name], float)
            return self.given(field.name) if eager else tf.cast(self.now(field.name), keras.config.floatx())
        try:
            return self.__dict__["_values"][field.name]
        except KeyError:
            raise AttributeError(field.name) from None

    def _write(self, field: Field, value: Any) -> None:
        """Assigns a field, from the next step on; raises if a built optimizer cannot follow."""
        own = self.__dict__
        inside = live.in_function(self, field, value)
        if inside and live.unknown(value):
            live.set_in_function(self, field, value)
            return
        value = field.parse(type(self).__name__, value)
        old, new = own["_values"], own["_values"] | {field.name: value}
        if "_numbers" in own and self.built and value != old[field.name]:
            self._check_can_follow(field, old, new)
        if inside:
            live.set_in_function(self, field, value)
            return
        if "_numbers" in own and field.name == "learning_rate":
            keras.optimizers.Optimizer.learning_rate.fset(self, value)
        own["_values"] = new
        if "_numbers" in own and field.domain.live:
            live.put(self, field.name, value if isinstance(value, float) else 0.0)

    def _check_can_follow(self, field: Field, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Raises unless a traced step can follow a change: a number for a number, with the same structure."""
        before = _structure(self)
        self.__dict__["_values"] = new
        after = _structure(self)
        self.__dict__["_values"] = old
        was, becomes = old[field.name], new[field.name]
        scheduled = field.name == "learning_rate" and callable(was)  # Keras raises with a hint
        if not scheduled and (not (isinstance(was, float) and isinstance(becomes, float)) or before != after):
            raise ValueError(
                f"{type(self).__name__}: {field.name} cannot change from {was!r} to {becomes!r} once the optimizer is "
                "built; make a new optimizer."
            )


Configured.fields = declared(Configured)


def _structure(optimizer: Configured) -> Any:
    """Returns the properties of the numbers that a traced step has fixed: its slots, and whether kernels fit."""
    return [list(group) for group in state.groups(optimizer)], tensorflow.keeps_numbers(optimizer, tf.float32)


def _vector(optimizer: Configured) -> list[float]:
    """Returns the current number of each number field, and 0 for schedules and None, which are not read there."""
    return [value if isinstance(value, float) else 0.0 for value in optimizer.numbers().values()]


def _serialized(value: Any) -> Any:
    return keras.saving.serialize_keras_object(value) if callable(value) else value


def _revived(value: Any, custom_objects: Any) -> Any:
    return keras.saving.deserialize_keras_object(value, custom_objects) if isinstance(value, dict) else value
