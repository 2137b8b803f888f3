"""Derivatives of a loss, for rules that need it more than once; the hook is `Optimizer.gradients(loss, variables)`.

SAM calls the loss twice, a second-order rule multiplies by the Hessian. What a rule finds there for the coming `apply`,
it keeps in a slot (`keep`), so that both may be in different functions, and the next `apply` may use it again.

Given gradients from elsewhere, such a rule would silently be another one. So `announced` notes that `gradients` was
called, and `claim` raises in an `apply` before which it was not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfoptim.state import slots
from tfoptim.step.gradients import prepare
from tfoptim.step.pipeline import reduce
from tfoptim.variables import raw

Loss = Callable[[], Any]
"""Returns the scalar loss; reads the variables whenever it is called."""


def gradients(optimizer: Any, loss: Loss, variables: Sequence[Any]) -> list[Any]:
    """Returns the gradients of a loss, multiplied by the optimizer's loss scale, as `apply` takes them.

    Args:
        optimizer: whose loss scale it is.
        loss: returns the scalar loss.
        variables: to differentiate with respect to.
    """
    if not callable(loss):
        raise TypeError(
            f"{optimizer.name}: loss must be a function without arguments that returns the loss, got "
            f"{type(loss).__name__}. Put the forward pass into it: gradients(lambda: loss(y, model(x)), variables)."
        )
    if not variables:
        raise ValueError(f"{optimizer.name}: no variables are given; if they are a model's, call it on a batch first.")
    in_replica()
    with tf.GradientTape() as tape:
        value = optimizer.scale_loss(loss())
    return list(tape.gradient(value, [raw(v) for v in variables]))


def gradients_within(wrapper: Any, inner: Any, loss: Loss, variables: Sequence[Any]) -> list[Any]:
    """Returns the gradients that `inner` asks for, multiplied by the loss scale of the optimizer that wraps it."""
    scales, replica = inner._runtime.scales, _replica()
    scales[replica] = wrapper.scale_loss(tf.ones(()))
    try:
        return list(inner.gradients(lambda: wrapper.scale_loss(loss()), variables))
    finally:
        del scales[replica]


def hessian_products(
    optimizer: Any, loss: Loss, variables: Sequence[Any], vectors: Sequence[Any], due: tf.Tensor | None = None
) -> tuple[list[Any], list[Any]]:
    """Returns the gradients, multiplied by the loss scale, and the products of the Hessian with vectors, without it.

    Costs about two gradients, and the memory of both graphs. A variable on which the gradients do not depend has a
    product of zeros.

    Args:
        optimizer: whose loss scale it is.
        loss: returns the scalar loss; called once.
        variables: to differentiate with respect to.
        vectors: one per variable, of its shape and dtype.
        due: whether the products are needed, a boolean scalar: if not, they are zeros and cost no time.
    """
    with tf.GradientTape() as tape:
        found = gradients(optimizer, loss, variables)
        dense = [tf.convert_to_tensor(g) for g in found if g is not None]
        along = [z for g, z in zip(found, vectors, strict=True) if g is not None]
        slope = tf.add_n([tf.reduce_sum(g * tf.stop_gradient(z)) for g, z in zip(dense, along, strict=True)])
    own, zero = [raw(v) for v in variables], tf.UnconnectedGradients.ZERO

    def take() -> list[tf.Tensor]:
        return [tf.convert_to_tensor(p) for p in tape.gradient(slope, own, unconnected_gradients=zero)]

    products = take() if due is None else tf.cond(due, take, lambda: [tf.zeros(v.shape, v.dtype) for v in own])
    scale = optimizer._runtime.scales.get(_replica(), optimizer.now("loss_scale_factor"))
    return found, products if scale is None else [p / tf.cast(scale, p.dtype) for p in products]


class Traceless(keras.StatelessScope):
    """Scope of a further forward pass: `keras.Variable`s that are assigned in it are afterwards as before.

    Args:
        state: pairs of a variable and the value that it has at the start of the pass, if not its present one.
    """

    def __init__(self, state: Sequence[tuple[Any, Any]] = ()) -> None:
        super().__init__(state, collect_losses=True, initialize_variables=False)
        self._reads = False

    def get_current_value(self, variable: Any) -> Any:
        """Returns a value assigned or given, or None; but of regularized weights theirs: Keras looks only here."""
        value = super().get_current_value(variable)
        if value is not None or self._reads or variable.regularizer is None:
            return value
        self._reads = True  # it asks here again
        try:
            return tf.convert_to_tensor(raw(variable))
        finally:
            self._reads = False


def keep(
    optimizer: Any, slot: str, variables: Sequence[Any], values: Sequence[Any], due: tf.Tensor | None = None
) -> None:
    """Assigns values to a slot of each variable, summed over replicas as gradients are.

    Args:
        optimizer: built, with the slot.
        slot: its declared name.
        variables: those that have values.
        values: one per variable, dense or sparse, of the slot's shape.
        due: whether to assign them, a boolean scalar; None: yes.
    """

    def put(slot: Any, x: Any) -> None:
        slot.assign(x if due is None else tf.where(due, x, slot))

    def assign(strategy: Any, values: list[Any]) -> None:
        for v, value in zip(variables, reduce(strategy, values, list(variables)), strict=True):
            kept = slots(optimizer, v)[slot]
            strategy.extended.update(kept, put, args=(value,), group=False)

    values = [tf.convert_to_tensor(prepare(x, v, None)) for x, v in zip(values, variables, strict=True)]
    in_replica().merge_call(assign, args=(values,))


def in_replica() -> Any:
    """Returns the replica's context; raises outside of replicas."""
    replica = tf.distribute.get_replica_context()
    if replica is None:
        raise ValueError("gradients() needs a replica context: call it inside strategy.run().")
    return replica


# That `apply` has what the rule needs


def note_hook(cls: Any, base: type) -> None:
    """Notes whether a new class defines `gradients`, itself or by a mixin that is no subclass of `base`."""
    owner = next(c for c in cls.__mro__ if "gradients" in vars(c))
    if owner is cls or not issubclass(owner, base):
        cls.gradients = announced(vars(owner)["gradients"])
        cls.needs_loss = True


def announced(gradients: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Returns a rule's `gradients` that builds the optimizer and announces itself to the next `apply`."""

    @functools.wraps(gradients)
    def announcing(self: Any, loss: Loss, variables: Sequence[Any]) -> list[Any]:
        variables = list(variables)
        if not self.built:
            tf.autograph.experimental.do_not_convert(self.build)(variables)
        found = gradients(self, loss, variables)
        self._runtime.announced.setdefault(_replica(), set()).add(_graphs()[0])
        return found

    return announcing


def claim(optimizer: Any) -> None:
    """Raises unless the gradients of an `apply` can be those of the rule's own `gradients`.

    A wrapper that does not ask for the loss must not take the steps of a rule that needs it, so it is asked for, too.
    One call of `gradients` is for one `apply`, except in functions: they are traced once and run many times. So an
    `apply` elsewhere than in the function that called `gradients` leaves the permission to the next.
    """
    rules = [optimizer, vars(optimizer).get("inner"), *vars(optimizer).get("optimizers", ())]
    rule = next((rule for rule in rules if rule is not None and rule.needs_loss), None)
    if rule is None:
        return
    announced = optimizer._runtime.announced.get(_replica(), set())
    here = announced.intersection(_graphs())
    announced -= here
    if not here and not announced:
        inside = "" if rule is optimizer else f", and cannot be inside {type(optimizer).__name__}"
        raise RuntimeError(
            f"{type(rule).__name__} needs the loss, not only gradients{inside}. For fit: "
            "model = tfoptim.training.trainable(model), or class Net(tfoptim.training.Trainer, keras.Model). In a loop "
            "or a train_step of your own: gradients = optimizer.gradients(loss, variables), where loss() returns the "
            "loss; then apply them."
        )


def _replica() -> int:
    """Returns the number of the replica; 0 outside of replicas, where `apply` will raise."""
    number = getattr(tf.distribute.get_replica_context(), "replica_id_in_sync_group", 0)
    return int(tf.get_static_value(number) if tf.is_tensor(number) else number)


def _graphs() -> list[Any]:
    """Returns the graph being traced and those around it, and at last None, which stands for eager execution."""
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    found = []
    while graph is not None:
        found.append(graph)
        graph = getattr(graph, "outer_graph", None)
    return [*found, None]
