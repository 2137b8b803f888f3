"""Configuration of an optimizer: arguments, their values, and config."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

import keras

from tfoptim.declaration.domains import Accumulation, ClosedFraction, Flag, NonFinite, NonNegative, Positive, Steps
from tfoptim.declaration.fields import (
    OURS,
    Field,
    check_name,
    check_ordered,
    check_together,
    constructor,
    declared,
    in_order,
    keyword_only,
)
from tfoptim.declaration.guard import Guarded, with_arguments
from tfoptim.declaration.overrides import check_cautious
from tfoptim.declaration.presentation import fixed, representation, with_common_arguments
from tfoptim.declaration.slots import check_lazy, keeps_slots, starting
from tfoptim.groups import PATHS, Exclusion, Groups, values

_TRAINABLE = Field("trainable", Flag(), False, True)

if TYPE_CHECKING:

    @dataclass_transform(field_specifiers=(keyword_only,))
    class KerasOptimizer:
        """Keras's class for type checkers: any attribute, since Keras has no types, but not any argument."""

        def __init__(self, **arguments: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        def set_weights(self, weights: Any) -> None:
            """Assigns all variables."""

        def _track_variable(self, variable: Any) -> None: ...

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
    groups: Groups | None = keyword_only(default=None)
    cautious: bool = keyword_only(default=False)
    agc: Positive | None = keyword_only(default=None)
    centralize: bool = keyword_only(default=False)

    fields: ClassVar[dict[str, Field]] = {}
    """Every hyperparameter of the class, name -> `Field`, in the order of the constructor."""

    without: ClassVar[tuple[str, ...]] = ()
    """Arguments of every optimizer that this one does not have."""

    excludable: ClassVar[Any] = ("weight_decay",)
    """What variables can be excluded from, each by a method of that name, such as `exclude_from_weight_decay`."""

    own_decay: ClassVar[Any] = False
    """Whether the rule applies weight decay itself: the pipeline takes nothing off, and `h.weight_decay` is a number, 0
    for variables without decay."""

    decoupled: ClassVar[Any] = property(lambda self: not self.own_decay)
    """Whether a step takes `learning_rate * weight_decay * w` off: all of the weights where the product is 1."""

    other_decays: ClassVar[Any] = ()
    """Numbers of the weight decay of some variables: left out, and set in groups, along with `weight_decay`."""

    ordered: ClassVar[Any] = ()
    """Pairs of numbers of which the first is at most the second."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own = declared(cls)
        cls.fields = {name: field for name, field in in_order(own, cls.fields).items() if name not in cls.without}
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
        cls, runtime = type(self), self._runtime
        given = {name: arguments.get(name, field.default) for name, field in self.fields.items()}
        values = {name: field.parse(cls.__name__, given[name]) for name, field in self.fields.items()}
        runtime.exclusions = {number: Exclusion(number) for number in self.excludable}
        check_name(cls.__name__, arguments["name"])
        of_keras = dict.fromkeys(cls.without, 1.0) | {
            name: values[name] for name in (Configured.fields.keys() - set(OURS)) & values.keys()
        }
        if callable(of_keras["ema_momentum"]):
            del of_keras["ema_momentum"]  # Keras compares it with numbers
        super().__init__(name=arguments["name"], **of_keras)
        runtime.values = values
        usual = {name: field.default for name, field in self.fields.items()}
        check_together(cls.__name__, values, usual, decoupled=self.decoupled)
        values.update({name: self._checked(name, value) for name, value in values.items()})

    def _checked(self, name: str, value: Any) -> Any:
        """Returns a parsed value after the checks for which one needs the other values."""
        check_ordered(type(self).__name__, self._runtime.values | {name: value}, self.ordered)
        if name == "lazy":
            check_lazy(self, value)
        if name == "cautious":
            check_cautious(type(self), value)
        return {p: self._own_numbers(p, own) for p, own in value.items()} if name == "groups" and value else value

    def _own_numbers(self, pattern: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the checked numbers of a group.

        What is shared by all variables, such as the norm to which they are clipped, can differ in no group; nor can
        what decides which slots there are, as they are made of the optimizer's own numbers.
        """
        owner = f"{type(self).__name__}: groups[{pattern!r}]"
        if "weight_decay" in numbers:
            numbers = dict.fromkeys(self.other_decays, numbers["weight_decay"]) | {**numbers}
        rules = set() if self.shared else self.numbers().keys() - Configured.fields.keys()
        allowed = ({"learning_rate", "weight_decay", "agc", "trainable"} - {*self.without} | rules) - starting(self)
        for name in numbers:
            if name not in allowed:
                raise ValueError(f"{owner}: {name!r} cannot differ. Allowed: {', '.join(sorted(allowed))}.")
        off = {name: None for name, value in numbers.items() if name in ("weight_decay", "agc") and value is None}
        kinds = self.fields | {"trainable": _TRAINABLE}
        parsed = {n: off[n] if n in off else kinds[n].parse(owner, value) for n, value in numbers.items()}
        check_ordered(owner, self._runtime.values | parsed, self.ordered)
        if not keeps_slots(self, {name: parsed[name] for name in parsed.keys() & rules}):
            raise ValueError(f"{owner} needs other slots than the optimizer's own numbers, which no group can have.")
        return parsed

    def schedules(self) -> list[Any]:
        """Returns the schedules of all numbers, of groups too."""
        return [value for value in [*self.numbers().values(), *values(self.given("groups"))] if callable(value)]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, JSON-safe, numbers as they were given."""
        config = {"name": self.name} | {name: serialized(self.given(name)) for name in self.fields}
        config |= {e.method: e.config() for e in self.exclusions() if e.config()}
        return config | (self._runtime.known_paths() if self.has_patterns() else {})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Creates an optimizer from a config, with the same checks as the constructor."""
        if not isinstance(config, dict):
            raise TypeError(f"{cls.__name__}: config must be a dictionary, got {type(config).__name__}.")
        methods = [Exclusion(number).method for number in cls.excludable]
        optimizer = cls(**{name: revived(config[name], custom_objects) for name in config.keys() - {*methods, PATHS}})
        optimizer._runtime.saved_paths = tuple(config.get(PATHS, ()))
        for method in methods:
            getattr(optimizer, method)(**config.get(method, {}))
        return optimizer

    def has_patterns(self) -> bool:
        """Returns whether something depends on the paths of the variables."""
        return bool(self.given("groups")) or any(e.config() for e in self.exclusions())

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        r"""Excludes variables from weight decay; call it before the optimizer is built. Saved with the config.

        Args:
            var_list: variables to exclude.
            var_names: regular expressions; a variable is excluded if one is found in its path, such as
                `["bias", r"norm_\d+/gamma$"]`.

        Raises:
            ValueError: an expression is malformed; or, when the optimizer is built, something fits no variable; or the
                optimizer is built already and this differs from what it was built with.
            TypeError: an argument is no list of such things.
        """
        self._exclude(Exclusion.of("weight_decay", var_list, var_names))

    def _exclude(self, exclusion: Exclusion) -> None:
        """Replaces the variables that are excluded from something."""
        known = self._runtime.exclusions
        if self._runtime.owner.built and exclusion != known[exclusion.number]:
            raise ValueError(f"{self.name}: `{exclusion.method}()` must be called before the optimizer is built.")
        known[exclusion.number] = exclusion

    def exclusions(self) -> list[Exclusion]:
        """Returns which variables are excluded, for each thing they can be excluded from."""
        return list(self._runtime.exclusions.values())

    def exclusions_of_numbers(self) -> list[Exclusion]:
        """Returns the same for each number: who is excluded from weight decay is so from all numbers of it."""
        decay = self._runtime.exclusions["weight_decay"]
        return [*self.exclusions(), *(replace(decay, number=name) for name in self.other_decays)]

    def __repr__(self) -> str:
        made = "_runtime" in vars(self) and self._runtime.values
        return representation(self, self.fields) if made else f"<{type(self).__name__}, not made yet>"

    def numbers(self) -> dict[str, Any]:
        """Returns the number fields as declared, name -> float, schedule or None, in constructor order.

        What a step has set since is not among them: slots and executors are chosen before it runs.
        """
        return {name: self._runtime.values[name] for name, field in self.fields.items() if field.domain.live}

    def given(self, name: str) -> Any:
        """Returns the value of a field as given, or as assigned since."""
        return self._runtime.values[name]

    def _read(self, field: Field) -> Any:
        """Returns the value of `optimizer.<field>`."""
        try:
            return fixed(self.__dict__["_runtime"].values[field.name])
        except KeyError:
            raise AttributeError(field.name) from None


Configured.fields = declared(Configured)


def serialized(value: Any) -> Any:
    """Returns a value for a config: schedules and dictionaries by Keras, others unchanged."""
    return keras.saving.serialize_keras_object(value) if callable(value) or isinstance(value, dict) else value


def revived(value: Any, custom_objects: Any) -> Any:
    """Returns the value that `serialized` turned into a part of a config."""
    return keras.saving.deserialize_keras_object(value, custom_objects) if isinstance(value, dict) else value
