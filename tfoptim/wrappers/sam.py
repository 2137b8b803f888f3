"""Sharpness-aware minimization: any optimizer, with the gradient of the worst point nearby."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration import NonNegative, Number
from tfoptim.declaration.fields import in_order, keyword_only
from tfoptim.declaration.presentation import call
from tfoptim.optimizer import Optimizer
from tfoptim.step.derivatives import Traceless
from tfoptim.step.gradients import on_values, tensor
from tfoptim.step.perturbation import perturbed, poisoned
from tfoptim.update.context import trains

_OWN = ("sam_rho", "sam_adaptive")


@keras.saving.register_keras_serializable(package="tfoptim")
class SAM(Optimizer):
    """SAM (Foret et al., 2021, algorithm 1) and ASAM (Kwon et al., 2021, algorithm 1), around any optimizer of tfoptim.

    ```
    e <- rho * g / (||g|| + 1e-12)                           g is the gradient at w, ||.|| over all variables
    e <- rho * w^2 * g / (|| |w| * g || + 1e-12)             if adaptive: each weight moves in proportion to its size
    w <- w - the step of the optimizer with the gradient at w + e
    ```

    Finds flatter minima, which often generalise better, for twice the time of a step. The result is the optimizer that
    was given, a copy, with two more numbers, `sam_rho` and `sam_adaptive`: its arguments, state and files are the
    optimizer's, so that a run without SAM can be continued with it. Clipping, decay, averages and accumulation act on
    the second gradient, as always; each accumulated call has a perturbation of its own.

    It needs the loss, so `fit` needs a model that offers it: `tfoptim.training.trainable(model)` for functional and
    Sequential models, `class Net(tfoptim.training.Trainer, keras.Model)` for others. In a loop or a `train_step` of
    your own, call `optimizer.gradients(loss, variables)`. Given other gradients, `apply` raises.

    The second pass leaves no trace: metrics, BatchNorm statistics and random states change in the first only, and in
    `fit` both passes draw the same random numbers. That holds for `keras.Variable`s; a layer that counts in a
    `tf.Variable`, or whose `call` is a `tf.function` of its own, counts twice. If the first gradient is not finite, the
    second is NaN, so that `nonfinite` or the loss scale decides, and the weights are as before.

    Args:
        optimizer: an optimizer of tfoptim, which is not changed.
        rho: length of the perturbation e, a number or a schedule; about 0.05 for SAM, and 0.5 to 2 for ASAM.
        adaptive: ASAM.

    Raises:
        TypeError: `optimizer` is not an optimizer of tfoptim, or is a wrapper; a `Lookahead` may be inside.

    >>> import tensorflow as tf, tfoptim
    >>> optimizer = tfoptim.SAM(tfoptim.SGD(0.1), rho=0.5)
    >>> w = tf.Variable([3.0, 4.0])
    >>> gradients = optimizer.gradients(lambda: tf.reduce_sum(w**2) / 2, [w])
    >>> gradients[0].numpy()
    array([3.3, 4.4], dtype=float32)
    >>> optimizer.apply(gradients, [w])
    >>> w.numpy()
    array([2.67, 3.56], dtype=float32)
    """

    sam_rho: NonNegative = keyword_only(default=0.05)
    sam_adaptive: bool = keyword_only(default=False)

    def __new__(cls, optimizer: Optimizer, rho: Number = 0.05, adaptive: bool = False, **unknown: Any) -> SAM:
        """Returns a copy of `optimizer` whose class is derived from SAM as well."""
        _check(optimizer)
        for name in unknown:
            way_out = f" Give it to the optimizer: SAM({type(optimizer).__name__}({name}=...))."
            raise ValueError(f"SAM has no argument {name!r}.{way_out if name in optimizer.fields else ''}")
        base: Any = type(optimizer)
        made = base.from_config(optimizer.get_config())
        state: dict[str, Any] = {}
        optimizer.save_own_variables(state)
        made.load_own_variables(state)
        object.__setattr__(made, "__class__", _with_sam(base))
        if "fields" in vars(made):  # of Lookahead, which has those of the rule inside
            vars(made)["fields"] |= {name: SAM.fields[name] for name in _OWN}
        made._runtime.numbers = None  # until the two are among them
        for name, value in {"rho": rho, "adaptive": adaptive}.items():
            domain = SAM.fields[f"sam_{name}"].domain
            setattr(made, f"sam_{name}", domain.parse(f"SAM: {name}", value))
        made._hold_groups()
        return made  # type: ignore[no-any-return]

    def __init__(self, optimizer: Optimizer, rho: Number = 0.05, adaptive: bool = False) -> None:
        """Does nothing: `__new__` has returned a complete optimizer."""

    def gradients(self, loss: Any, variables: Sequence[Any]) -> list[Any]:
        """Returns the gradients at the perturbed weights; calls `loss` twice.

        Args:
            loss: returns the scalar loss; reads the variables whenever it is called.
            variables: all that take part in the perturbation.
        """

        def again() -> Any:
            with Traceless():
                return loss()

        first = [_of_trained(self, g, v) for g, v in zip(super().gradients(loss, variables), variables, strict=True)]
        with perturbed(variables, first, self.now("sam_rho"), self.sam_adaptive) as finite:
            second = super().gradients(again, variables)
        return [poisoned(g, v, finite) for g, v in zip(second, variables, strict=True)]

    @property
    def _rule_class(self) -> type:
        rule = super()._rule_class
        return _base(rule) if rule is type(self) else rule

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments: the serialized optimizer, `rho` and `adaptive`."""
        base, inner = _base(type(self)), super().get_config()
        rho, adaptive = (inner.pop(name) for name in _OWN)
        serialized = {
            "module": base.__module__,
            "class_name": base.__name__,
            "config": inner,
            "registered_name": keras.saving.get_registered_name(base),
        }
        return {"optimizer": serialized, "rho": rho, "adaptive": adaptive}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates an optimizer from a config, with the same checks as the constructor."""
        revived = {
            name: keras.saving.deserialize_keras_object(value, custom_objects) if isinstance(value, dict) else value
            for name, value in config.items()
        }
        return SAM(**revived)

    def _own_numbers(self, pattern: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
        if "sam_rho" in numbers:
            raise ValueError(f"SAM: groups[{pattern!r}]: 'sam_rho' cannot differ: one perturbation has all variables.")
        return super()._own_numbers(pattern, numbers)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the class by the name that can be imported."""
        revive, (_, *rest) = super().__reduce__()
        return revive, (SAM, *rest)

    def __repr__(self) -> str:
        own = {"rho": self.given("sam_rho"), "adaptive": self.given("sam_adaptive")}
        defaults = {"rho": 0.05, "adaptive": False}
        base: Any = _base(type(self)).from_config(self.get_config()["optimizer"]["config"])
        given = {"optimizer": base} | {name: value for name, value in own.items() if value != defaults[name]}
        return call("SAM", given)


def _check(optimizer: Any) -> None:
    """Raises unless SAM can be put around an optimizer."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise TypeError("SAM: put the loss scale around it: tfoptim.LossScaleOptimizer(tfoptim.SAM(optimizer)).")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"SAM: optimizer must be an optimizer of tfoptim, got {type(optimizer).__name__}. tfoptim.from_keras "
            "converts Keras's."
        )
    if isinstance(optimizer, SAM) or optimizer._named_parts:
        more = "; for other numbers of some variables, give the rule groups" if optimizer._named_parts else ""
        raise TypeError(f"SAM: optimizer must be a rule itself, or a Lookahead, got {optimizer!r}{more}.")


def _of_trained(optimizer: Any, g: Any, v: Any) -> Any:
    """Returns a gradient, zero if the variable's group is not trained, and so takes no part in the perturbation."""
    trained = trains(optimizer, v) if g is not None and optimizer.knows(v) else None
    return g if trained is None else on_values(tensor(g), lambda x: tf.where(trained, x, tf.zeros_like(x)))


@functools.cache
def _with_sam(base: type[Optimizer]) -> type[Optimizer]:
    """Returns the class of `base` with SAM: both are bases, so that everything but `gradients` is as in `base`."""
    made: Any = type(
        "SAM", (SAM, base), {"__module__": SAM.__module__, "__doc__": SAM.__doc__, "__init__": SAM.__init__}
    )
    made.fields = in_order({name: SAM.fields[name] for name in _OWN}, base.fields)
    keras.saving.register_keras_serializable(package="tfoptim")(made)
    return made  # type: ignore[no-any-return]


def _base(cls: type) -> type[Optimizer]:
    """Returns the class of the optimizer that was given."""
    return cls.__mro__[2]
