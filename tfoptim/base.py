"""The host: turns a declared rule into a Keras optimizer."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, dataclass_transform

import keras
import tensorflow as tf

from tfoptim import pipeline, state
from tfoptim.domains import Accumulation, ClosedFraction, NonFinite, NonNegative, Positive, Steps
from tfoptim.fields import Field, constructor, declared, in_order, keyword_only

BASE_ARGUMENTS = """\
        weight_decay: decoupled decay: each step also takes `learning_rate * weight_decay * w` off the weights.
        clipnorm: largest 2-norm of the gradient of each variable.
        clipvalue: largest absolute value of each element of a gradient.
        global_clipnorm: largest 2-norm of all gradients taken together. Only one of the three may be set.
        use_ema: keep an exponential moving average of the weights, and end `fit` with it.
        ema_momentum: share of the old average that each step keeps.
        ema_overwrite_frequency: copy the average into the weights every so many steps.
        loss_scale_factor: the loss is multiplied and the gradients are divided by it.
        gradient_accumulation_steps: take one step per so many calls, on the mean of their gradients.
        name: of the optimizer, the prefix of its variables' names.
        lazy: with sparse gradients, move only the touched rows and their slots, even where the paper's rule moves all.
        nonfinite: what a NaN or infinite gradient does: "propagate", "skip" the step, or "raise".
"""


@dataclass_transform(field_specifiers=(keyword_only,))
class Optimizer(keras.optimizers.Optimizer):
    """Base of every optimizer of tfoptim.

    A subclass declares hyperparameters as annotated fields and state as `slots`, and defines `direction` (the weights
    become `w - learning_rate * direction`) or, where the rule has another form, `step` (the new weights).

    >>> from tfoptim.domains import Fraction
    >>> class Averaged(Optimizer):
    ...     beta: Fraction = 0.9
    ...     slots = dict(m=0.0)
    ...     def direction(self, h, g, w, s):
    ...         s.m = h.beta * s.m + (1 - h.beta) * g
    ...         return s.m
    >>> Averaged(beta=1.0)
    Traceback (most recent call last):
    ValueError: Averaged: beta must satisfy 0 <= x < 1, got 1.0. Allowed: finite numbers in [0, 1).
    """

    slots: ClassVar[Any] = {}
    """State kept per variable: name -> start value, the name of the field that gives it, or a function of the weights.
    A tuple of such dictionaries is stored one dictionary after the other, in the order of Keras's files."""

    shared: ClassVar[Mapping[str, float]] = {}
    """State kept once per optimizer: name -> start value."""

    elementwise: ClassVar[bool] = True
    """Whether each element is updated by itself. False for rules that take norms: they may not be split or joined."""

    skips_zero_gradients: ClassVar[Any] = False
    """Whether a zero gradient leaves weights and slots as they are; then rows without gradient need no step."""

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

    lazy: bool = keyword_only(default=False)
    nonfinite: NonFinite = keyword_only(default="propagate")

    fields: ClassVar[dict[str, Field]] = {}
    """Every hyperparameter of the class, name -> `Field`, in the order of the constructor."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = declared(cls)
        cls.fields = in_order(own, cls.fields)
        if "__init__" not in vars(cls):
            cls.__init__ = constructor(cls, _initialize)  # type: ignore[method-assign]
        if cls.__doc__ and cls.__module__.startswith("tfoptim."):
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\nArguments of every optimizer:\n{BASE_ARGUMENTS}"
            keras.saving.register_keras_serializable(package="tfoptim")(cls)

    # What a rule defines

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the direction d of a rule of the form `w - learning_rate * d`; replaces slots by assigning to `s`.

        Args:
            h: hyperparameters of this step, by name, and `h.t`, the step counted from 1.
            g: gradient, of the shape of the variable, or of the touched rows.
            w: weights, of the same shape.
            s: slots, by their declared names.
        """
        raise NotImplementedError(f"{type(self).__name__} must define direction(h, g, w, s) or step(h, g, w, s).")

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the new weights; for rules that are not of the form `w - learning_rate * direction`."""
        return w - h.learning_rate * self.direction(h, g, w, s)

    def once(self, h: Any, s: Any) -> None:
        """Computes what is the same for all variables: may add names to `h` and replaces shared state in `s`."""

    # What Keras calls

    def build(self, variables: Any) -> None:
        """Creates the state for `variables`; later calls must name no others.

        Raises:
            ValueError: the optimizer is built and `variables` has others than those.
        """
        variables = list(variables)
        if self.built:
            self._check_variables_are_known(variables)
            return
        with tf.init_scope():
            state.create(self, variables)
        self.built: bool = True

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Takes one step: see `tfoptim.pipeline` for its stages.

        Args:
            grads: gradients, one per variable; None where a variable has none.
            trainable_variables: the variables, in the same order; those of `build` if left out.
        """
        if len(grads):
            with tf.name_scope(self.name):
                pipeline.run(self, grads, trainable_variables)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Copies the moving average, if there is one, into the weights: `fit` calls this at its end."""
        if self.use_ema:
            pipeline.adopt_average(self._distribution_strategy, self, list(var_list))

    def save_own_variables(self, store: Any) -> None:
        """Writes the state by name; called by Keras's saving."""
        state.save(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Reads the state by name; called by Keras's loading.

        Raises:
            ValueError: the saved state is of another optimizer; the message lists the first differences.
        """
        state.load(self, store)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, JSON-safe, numbers as they were given."""
        config = {name: _serialized(self.given(name)) for name in self.fields}
        return {"name": self.name, **config}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Optimizer":
        """Makes an optimizer from what `get_config` returned, with the same checks as the constructor."""
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value, custom_objects) if isinstance(value, dict) else value
                for name, value in config.items()
            }
        )

    # Hyperparameters

    def numbers(self) -> dict[str, Any]:
        """Returns the number fields as they were given, name -> float, schedule or None, in constructor order."""
        return {name: self.__dict__["_values"][name] for name, field in self.fields.items() if field.domain.live}

    def given(self, name: str) -> Any:
        """Returns the value of a field as it was given; a learning rate that others assigned, as they did."""
        value = self.__dict__["_values"][name]
        if name != "learning_rate" or callable(value):
            return value
        rate = keras.ops.convert_to_numpy(self._learning_rate)
        return value if rate.dtype.type(value) == rate else float(rate)

    def _read(self, field: Field) -> Any:
        """Returns what `optimizer.<field>` is: the value given, but the variable or the scheduled learning rate."""
        if field.name == "learning_rate":
            rate = self._learning_rate
            return rate if isinstance(rate, keras.Variable) else rate(self.iterations)
        try:
            return self.__dict__["_values"][field.name]
        except KeyError:
            raise AttributeError(field.name) from None

    def _write(self, field: Field, value: Any) -> None:
        """Assigns a field: live at the next step, or, where a built optimizer cannot follow, refused."""
        value, own = field.parse(type(self).__name__, value), self.__dict__
        old, new = own["_values"], own["_values"] | {field.name: value}
        if "_numbers" in own:
            if self.built and value != old[field.name]:
                self._check_can_follow(field, old, new)
            if field.name == "learning_rate":
                keras.optimizers.Optimizer.learning_rate.fset(self, value)
        own["_values"] = new
        if "_numbers" in own:
            self._numbers.assign(_vector(self))

    def _check_can_follow(self, field: Field, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Raises unless the change of a field is one that a traced step sees: a number for a number, the same slots."""
        before = _slot_names(self)
        self.__dict__["_values"] = new
        after = _slot_names(self)
        self.__dict__["_values"] = old
        was, becomes = old[field.name], new[field.name]
        scheduled = field.name == "learning_rate" and callable(was)  # Keras says what to do then
        if not scheduled and (not (isinstance(was, float) and isinstance(becomes, float)) or before != after):
            raise ValueError(
                f"{type(self).__name__}: {field.name} cannot change from {was!r} to {becomes!r} once the optimizer is "
                "built; make a new optimizer."
            )


Optimizer.fields = declared(Optimizer)


def _slot_names(optimizer: "Optimizer") -> list[list[str]]:
    return [list(group) for group in state.groups(optimizer)]


def _vector(optimizer: "Optimizer") -> list[float]:
    """Returns the current number of each number field; 0 stands for schedules and None, which nobody reads there."""
    return [value if isinstance(value, float) else 0.0 for value in optimizer.numbers().values()]


def _serialized(value: Any) -> Any:
    return keras.saving.serialize_keras_object(value) if callable(value) else value


def _initialize(optimizer: "Optimizer", arguments: Mapping[str, Any]) -> None:
    """Validates the arguments, hands Keras its own, and makes the number fields live."""
    cls, own = type(optimizer), optimizer.__dict__
    given = {name: arguments.get(name, field.default) for name, field in cls.fields.items()}
    values = {name: field.parse(cls.__name__, given[name]) for name, field in cls.fields.items()}
    own["_values"] = {}
    keras_arguments = {name: values[name] for name in Optimizer.fields if name not in ("lazy", "nonfinite")}
    keras.optimizers.Optimizer.__init__(optimizer, name=arguments["name"], **keras_arguments)
    own["_values"] = values
    # Float64, so that 0.999 is 0.999 in a float64 model; outside the saved state, because the config has the values.
    own["_numbers"] = keras.Variable(
        _vector(optimizer),
        dtype="float64",
        trainable=False,
        aggregation="only_first_replica",
        name="hyperparameters",
    )
