"""Lookahead: a rule made of another rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import keras

from tfoptim.declaration.config import revived, serialized
from tfoptim.declaration.domains import Interval, Number, Steps
from tfoptim.declaration.fields import hint
from tfoptim.declaration.presentation import given_name
from tfoptim.declaration.slots import slot_groups
from tfoptim.ops import equal, where
from tfoptim.optimizer import Optimizer
from tfoptim.wrappers.inside import check_inside

Share = Annotated[Number, Interval(0.0, 1.0, closed_low=False, closed_high=True)]


@keras.saving.register_keras_serializable(package="tfoptim")
class Lookahead(Optimizer):
    """Lookahead (Zhang, Lucas, Hinton & Ba, 2019: Lookahead optimizer: k steps forward, 1 step back, algorithm 1).

    ```
    slow <- w
    w <- one step of the inner rule
    slow <- slow + slow_step_size * (w - slow);   w <- slow           where t is a multiple of sync_period
    ```

    The inner rule explores with fast weights, and every `sync_period` steps they return to a point on the way from the
    slow weights. This takes noise out of any rule, at the price of one copy of the weights, and forgives a learning
    rate that is too large. Steps that are skipped or that only accumulate gradients do not count. Evaluation uses the
    fast weights, which are the slow ones after a synchronisation. A variable without gradient keeps its weights until
    its next synchronisation. `Lookahead(RAdam())` is known as Ranger.

    All other arguments are those of the inner optimizer, and can be read and set on either of the two. The state of
    the inner rule comes first in files, so that `Lookahead(Adam())` can continue a training of `Adam()`.

    Args:
        optimizer: the inner optimizer, of tfoptim and not built yet; it becomes the attribute `inner`.
        sync_period: steps from one synchronisation to the next.
        slow_step_size: part of the way that the slow weights go towards the fast ones, in (0, 1].
        name: of the optimizer, the prefix of its variables' names; `lookahead_` and that of the inner one if left out.

    Raises:
        TypeError: `optimizer` is no optimizer of tfoptim, is itself a wrapper, computes weights from its slots, as
            `COCOB` does, or needs the loss; `SAM(Lookahead(...))` works.
        ValueError: it is built, in use by another wrapper, or lazy; or an argument belongs to the inner optimizer.

    >>> from tfoptim import SGD, Lookahead, simulate
    >>> simulate(Lookahead(SGD(), sync_period=2), 1.0, [0.1, -0.2, 0.3])
    array([0.999 , 1.0005, 0.9975])
    >>> Lookahead(SGD(), clipnorm=1.0)
    Traceback (most recent call last):
    ValueError: Lookahead: clipnorm is an argument of the inner optimizer: SGD(clipnorm=...).
    """

    sync_period: Steps = 6
    slow_step_size: Share = 0.5

    def __init_subclass__(cls, **kwargs: Any) -> None:
        own = "__init__" in vars(cls)
        super().__init_subclass__(**kwargs)
        if not own:
            del cls.__init__  # the one made of fields, which takes no optimizer

    def __init__(
        self, optimizer: Any, sync_period: int = 6, slow_step_size: Any = 0.5, name: str | None = None, **arguments: Any
    ) -> None:
        cls, private = type(self), self.__dict__
        own = {name: field for name, field in cls.fields.items() if field not in Optimizer.fields.values()}
        check_inside(cls.__name__, "optimizer", optimizer, way_out="; SAM can stand around the whole")
        _check_arguments(cls, optimizer, arguments, own)
        private["inner"], private["fields"] = optimizer, {**optimizer.fields, **own}
        given = {name: optimizer.given(name) for name in optimizer.fields} | arguments
        self._configure(
            {
                **given,
                "sync_period": sync_period,
                "slow_step_size": slow_step_size,
                "name": f"lookahead_{optimizer.name}" if name is None else name,
            }
        )
        vars(private["_runtime"]).update({n: getattr(optimizer._runtime, n) for n in ("exclusions", "saved_paths")})
        vars(optimizer).update({shared: private[shared] for shared in ("_runtime", "_iterations", "_variables")})

    @property
    def inner(self) -> Any:
        """The inner optimizer. It has the same learning rate and the same numbers, and takes no steps by itself."""
        return self.__dict__["inner"]

    @property
    def _rule_class(self) -> type:
        return type(self.inner)

    # The rule

    @property
    def slots(self) -> Any:
        """Slots of the inner rule, then the slow weights."""
        return *slot_groups(self.inner), {"slow": lambda w: w}

    @property
    def shared(self) -> Any:
        """Shared state of the inner rule."""
        return self.inner.shared

    @property
    def elementwise(self) -> Any:
        """Whether the inner rule updates each element by itself."""
        return self.inner.elementwise

    @property
    def own_decay(self) -> Any:
        """Whether the inner rule applies weight decay itself."""
        return self.inner.own_decay

    @property
    def compiles(self) -> Any:
        """Whether XLA may compile the inner rule."""
        return self.inner.compiles

    @property
    def measures(self) -> Any:
        """Whether the inner rule measures the variables."""
        return self.inner.measures

    @property
    def other_decays(self) -> Any:
        """Numbers of the weight decay of some variables of the inner rule."""
        return self.inner.other_decays

    @property
    def excludable(self) -> Any:
        """What the inner rule lets variables be excluded from."""
        return self.inner.excludable

    def measure(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the numbers that the inner rule measures of one variable."""
        return self.inner.measure(h, g, w, s)

    def decay_of(self, h: Any, s: Any) -> Any:
        """Returns the weight decay that the inner rule has for a variable, or None."""
        return self.inner.decay_of(h, s)

    def once(self, h: Any, s: Any) -> None:
        """Computes what the variables of the inner rule share."""
        self.inner.once(h, s)

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the new weights: those of the inner rule, or the slow ones after a synchronisation."""
        w = self.inner.step(h, g, w, s)
        due = equal(h.t % self.sync_period, 0)
        s.slow = where(due, s.slow + h.slow_step_size * (w - s.slow), s.slow)
        return where(due, s.slow, w)

    def _check_variables(self, variables: Sequence[Any]) -> None:
        self.inner._check_variables(variables)

    def build(self, variables: Any) -> None:
        """Creates the state for `variables`, which the inner rule knows then, too; as for any optimizer."""
        super().build(variables)
        known = ("_trainable_variables", "_trainable_variables_indices")
        vars(self.inner).update({name: vars(self)[name] for name in known})

    @property
    def averages(self) -> bool:
        """Whether the inner optimizer has weights for evaluation other than those it trains."""
        return bool(self.inner.averages)

    def average_weights(self, variables: Sequence[Any]) -> list[Any]:
        """Returns the weights for evaluation as the inner optimizer has them, tensors.

        Args:
            variables: that the optimizer was built for.

        Raises:
            ValueError: the optimizer keeps no average.
        """
        return list(self.inner.average_weights(variables))

    # Arguments of the inner optimizer

    def __getattr__(self, name: str) -> Any:
        private = vars(self)
        if name.startswith("_") or "inner" not in private:
            return super().__getattr__(name)
        field = private["fields"].get(name)
        return getattr(private["inner"], name) if field is None else self._read(field)

    def __setattr__(self, name: str, value: Any) -> None:
        field = vars(self).get("fields", {}).get(name)
        if name == "inner":
            raise AttributeError(f"{type(self).__name__}: inner cannot be replaced; make a new optimizer.")
        if field is None or name in type(self).fields:
            super().__setattr__(name, value)
        else:
            self._write(field, value)

    def __dir__(self) -> list[str]:
        """Returns the names without `inner`: Keras saves each optimizer that it finds among them by itself."""
        return sorted({*super().__dir__(), *vars(self).get("fields", ())} - {"inner"})

    def _checked(self, name: str, value: Any) -> Any:
        """Returns a parsed value after the checks of the inner optimizer."""
        if name == "lazy" and value:
            raise ValueError(
                f"{type(self).__name__}: lazy must be False, because a synchronisation moves all rows of a table."
            )
        return self.inner._checked(name, value) if name in self.inner.fields else super()._checked(name, value)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, JSON-safe, the inner optimizer serialized."""
        own = {name: serialized(self.given(name)) for name in self.fields if name not in self.inner.fields}
        return {"name": self.name, "optimizer": keras.saving.serialize_keras_object(self.inner), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Lookahead:
        """Creates an optimizer from a config, with the same checks as the constructor."""
        return cls(**{name: revived(value, custom_objects) for name, value in config.items()})

    def __repr__(self) -> str:
        if "inner" not in vars(self):
            return super().__repr__()
        names = [name for name in self.fields if name not in self.inner.fields]
        changed = {name: self.given(name) for name in names if self.given(name) != self.fields[name].default}
        changed |= given_name(self, f"lookahead_{self.inner.name}")
        inside = [repr(self.inner), *(f"{name}={value!r}" for name, value in changed.items())]
        return f"{type(self).__name__}({', '.join(inside)})"


def _check_arguments(cls: type, optimizer: Any, arguments: Any, own: Any) -> None:
    """Raises for arguments that the wrapper does not take, and for an inner rule with names of the wrapper's."""
    if optimizer._rule_class is not type(optimizer) or optimizer._named_parts:
        raise TypeError(f"{cls.__name__}: optimizer must be a rule itself, got {optimizer!r}; put it around the rules.")
    if optimizer.own_weights:
        kind = type(optimizer).__name__
        raise TypeError(f"{cls.__name__}: {kind} computes weights from its slots, which undoes a synchronisation.")
    for name in arguments:
        if name in optimizer.fields:
            raise ValueError(
                f"{cls.__name__}: {name} is an argument of the inner optimizer: {type(optimizer).__name__}({name}=...)."
            )
        if name not in own:
            raise ValueError(f"{cls.__name__} has no argument {name!r}.{hint(name, {**optimizer.fields, **own})}")
    slots = {name for group in slot_groups(optimizer) for name in group}
    for name in sorted((own.keys() & optimizer.fields.keys()) | ({"slow"} & slots)):
        raise ValueError(f"{cls.__name__}: {type(optimizer).__name__} has {name!r} too; rename it there.")
