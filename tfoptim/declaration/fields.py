"""Hyperparameters as declarations: one annotated line gives constructor argument, validation, config and documentation.

beta_1: Fraction = 0.9          # name, domain, default
"""

from __future__ import annotations

import inspect
import re
import types
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Union

from tfoptim.declaration.domains import Flag, Integer, nearest


def keyword_only(*, default: Any, kw_only: bool = True) -> Any:
    """Default of an argument that comes after all others and is given by name.

    For arguments that a class has in addition to Keras's of that name. Those of every optimizer are in Keras's order at
    run time, and by name for type checkers alone.
    """
    del kw_only  # read by type checkers alone
    return _ByName(default)


@dataclass(frozen=True)
class _ByName:
    """Default that `keyword_only` has marked."""

    default: Any


class Field:
    """One declared hyperparameter: a descriptor that validates what is assigned.

    Args:
        name: of the argument and of the attribute.
        domain: `Interval`, `Integer`, `Flag` or `Choice`.
        optional: whether None is allowed and switches the feature off.
        default: value when the argument is left out, or such a value marked by `keyword_only`.
    """

    def __init__(self, name: str, domain: Any, optional: bool, default: Any) -> None:
        self.by_name = isinstance(default, _ByName)
        required = isinstance(domain, Integer) and not optional
        self.name, self.domain, self.optional = name, replace(domain, required=True) if required else domain, optional
        self.default = default.default if isinstance(default, _ByName) else default

    def parse(self, owner: str, value: Any) -> Any:
        """Returns the value to store; raises ValueError or TypeError, naming optimizer, argument and range."""
        if value is None and self.optional:
            return None
        return self.domain.parse(f"{owner}: {self.name}", value)

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        return self if optimizer is None else optimizer._read(self)

    def __set__(self, optimizer: Any, value: Any) -> None:
        optimizer._write(self, value)


def declared(cls: type) -> dict[str, Field]:
    """Returns the fields declared in the body of `cls`, in order, and replaces their defaults on the class.

    A default left on the class would hide the attribute of Keras's class: training would silently use the default
    `learning_rate`.
    """
    fields = {}
    for name, annotation in inspect.get_annotations(cls, eval_str=True).items():
        if _is_class_variable(annotation):
            continue
        if name not in vars(cls):
            raise TypeError(f"{cls.__name__}: {name} needs a default, as in `{name}: ... = 0.9`.")
        domain, optional = _domain(cls, name, annotation)
        fields[name] = Field(name, domain, optional, vars(cls)[name])
        setattr(cls, name, fields[name])
    return fields


def _is_class_variable(annotation: Any) -> bool:
    origin: Any = typing.get_origin(annotation)
    return origin is ClassVar


def _domain(cls: type, name: str, annotation: Any) -> tuple[Any, bool]:
    is_union = typing.get_origin(annotation) in (Union, types.UnionType)
    options = typing.get_args(annotation) if is_union else (annotation,)
    optional = type(None) in options
    for option in options:
        if option is bool:
            return Flag(), optional
        for extra in getattr(option, "__metadata__", ()):
            if hasattr(extra, "parse"):
                return extra, optional
    raise TypeError(f"{cls.__name__}: {name} needs a domain of tfoptim.declaration, such as Fraction, or bool.")


OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "lr": ("learning_rate",),
    "alpha": ("rho", "learning_rate"),
    "eta": ("learning_rate",),
    "step_size": ("learning_rate",),
    "beta1": ("beta_1",),
    "b1": ("beta_1",),
    "rho1": ("beta_1",),
    "beta2": ("beta_2",),
    "b2": ("beta_2",),
    "rho2": ("beta_2",),
    "eps": ("epsilon",),
    "mu": ("momentum",),
    "rho": ("sam_rho",),
    "adaptive": ("sam_adaptive",),
    "wd": ("weight_decay",),
    "grad_clip": ("clipnorm",),
    "max_grad_norm": ("global_clipnorm",),
}
"""Argument name in other libraries and papers -> names here; the first that the class has is suggested."""

_PAIRS = {
    "betas": ("beta_1", "beta_2"),
    "nus": ("nu_1", "nu_2"),
    "etas": ("eta_minus", "eta_plus"),
    "step_sizes": ("min_step", "max_step"),
}
"""Argument that is a pair in other libraries -> the two arguments here."""

_OTHER_HINTS = {
    "decay": "Give learning_rate a schedule of keras.optimizers.schedules.",
    **dict.fromkeys(
        ("total_steps", "warmup_proportion", "min_lr"),
        "Give learning_rate a schedule, such as tfoptim.schedules.WarmupCosine.",
    ),
    **dict.fromkeys(
        ("foreach", "fused", "capturable"), "Leave it out: the fastest way to compute a step is chosen each time."
    ),
    "maximize": "Negate the loss.",
    "params": "The variables are for `build` and `apply`.",
    "jit_compile": "It is an argument of model.compile.",
    "exclude_from_weight_decay": "It is a method; call it before the optimizer is built.",
    "exclude_from_layer_adaptation": "It is a method of Lamb and LARS; call it before the optimizer is built.",
    "clip_norm": "Did you mean 'clipnorm', of each variable, or 'global_clipnorm', of all together?",
}


def hint(name: str, known: Any) -> str:
    """Returns a hint, after a space, for an argument that an optimizer lacks, or an empty string."""
    pair = _PAIRS.get(name, ("", ""))
    if set(pair) <= set(known):
        return f" Give {pair[0]} and {pair[1]}, each by itself."
    if name in _OTHER_HINTS:
        return f" {_OTHER_HINTS[name]}"
    ours = next((other for other in OTHER_NAMES.get(name, ()) if other in known), None)
    return f" Did you mean {ours!r}?" if ours else nearest(name, known)


OURS = ("lazy", "nonfinite", "groups", "cautious", "agc", "centralize")
"""What every optimizer of tfoptim has and Keras's have not."""


def in_order(own: dict[str, Field], inherited: dict[str, Field]) -> dict[str, Field]:
    """Orders fields as Keras does: learning rate, own fields of the class, those of every optimizer, those by name.

    What every optimizer of tfoptim has in addition is last.
    """
    first = {name: field for name, field in (inherited | own).items() if name == "learning_rate"}
    by_name = {name: field for name, field in own.items() if field.by_name}
    mine = {name: field for name, field in own.items() if name not in by_name}
    others = [(name, field) for name, field in inherited.items() if name not in own]
    last = next((i for i, (name, _) in enumerate(others) if name == OURS[0]), len(others))
    return first | mine | dict(others[:last]) | by_name | dict(others[last:])


def constructor(cls: Any) -> Callable[..., None]:
    """Returns the `__init__` for the fields of `cls`: it binds its arguments and passes them to `_configure`.

    `name` follows Keras's arguments; arguments that tfoptim adds are keyword-only.
    """
    kinds = inspect.Parameter
    arguments = [kinds(f.name, kinds.POSITIONAL_OR_KEYWORD, default=f.default) for f in cls.fields.values()]
    added = [argument.name for argument in arguments].index("gradient_accumulation_steps") + 1
    arguments.insert(added, kinds("name", kinds.POSITIONAL_OR_KEYWORD, default=None))
    arguments[added + 1 :] = [argument.replace(kind=kinds.KEYWORD_ONLY) for argument in arguments[added + 1 :]]
    signature = inspect.Signature(arguments)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in signature.parameters:
                raise ValueError(f"{cls.__name__} has no argument {name!r}.{hint(name, signature.parameters)}")
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}: {error}.") from None
        bound.apply_defaults()
        self._configure(bound.arguments)

    in_class = [kinds("self", kinds.POSITIONAL_ONLY), *arguments]
    __init__.__signature__ = inspect.Signature(in_class)  # type: ignore[attr-defined]
    __init__.__module__, __init__.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
    return __init__


def check_name(owner: str, name: Any) -> None:
    """Raises unless `name` can prefix names of variables."""
    if name is not None and not (isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name)):
        raise ValueError(f"{owner}: name must be 1 to 100 letters, digits and . _ -, got {name!r}.")


def check_ordered(owner: str, values: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> None:
    """Raises if the first number of a pair is larger than the second; schedules are not compared."""
    for small, large in pairs:
        low, high = values.get(small), values.get(large)
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise ValueError(
                f"{owner}: {small} must be at most {large}, got {small}={low} and {large}={high}: swapped?"
            )


def check_together(owner: str, values: Mapping[str, Any], usual: Mapping[str, Any], *, decoupled: bool) -> None:
    """Warns of combinations that are allowed but rarely intended; `usual` are the defaults."""
    numbers = {name: value for name, value in values.items() if isinstance(value, float)}
    beta_1, beta_2 = numbers.get("beta_1", 0.0), numbers.get("beta_2", 1.0)
    if beta_1 > beta_2 and usual.get("beta_1", 0.0) <= usual.get("beta_2", 1.0):
        _say(f"{owner}: beta_1={beta_1} is larger than beta_2={beta_2}: swapped?")
    if decoupled and numbers.get("learning_rate", 0.0) * numbers.get("weight_decay", 0.0) >= 1:
        _say(f"{owner}: learning_rate * weight_decay >= 1 takes all of the weights off at each step.")
    if not values["use_ema"] and (values["ema_momentum"] != usual["ema_momentum"] or values["ema_overwrite_frequency"]):
        _say(f"{owner}: ema_momentum and ema_overwrite_frequency have no effect without use_ema=True.")


def _say(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=6)  # the line that called the constructor
