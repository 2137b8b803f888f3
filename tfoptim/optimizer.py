"""Base class of optimizers: turns a declared rule into a Keras optimizer."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfoptim import state
from tfoptim.ops import agreeing
from tfoptim.saving import added, loading
from tfoptim.saving.copies import Copied
from tfoptim.step import averages, cached_step, derivatives, own_average, per_device
from tfoptim.step.composed import Composed
from tfoptim.step.pipeline import run as run_uncached
from tfoptim.step.swap import Averaged
from tfoptim.update.live import Live
from tfoptim.variables import is_float, listed, path


class Optimizer(Averaged, Copied, Composed, Live):
    """Base of every optimizer of tfoptim.

    A subclass declares hyperparameters as annotated fields and state as `slots`, and defines `direction` (the weights
    become `w - learning_rate * direction`) or, where the rule has another form, `step` (the new weights).

    Args:
        learning_rate: size of a step; a number or a schedule, as for every number here.
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
        groups: numbers of variables that differ, by regular expressions that are found in the variables' paths, such as
            `{"bias": {"weight_decay": None}, "encoder/": {"learning_rate": 0.1}}`; the learning rate of a group is a
            factor on the optimizer's. With `"trainable": False` variables keep still, until it is set to True.
        cautious: leave out elements of the direction whose sign is not that of the gradient, and enlarge the others
            (Liang et al., 2024: Cautious optimizers).
        agc: largest norm of a unit's gradient, as a share of the norm of its weights (Brock et al., 2021: adaptive
            gradient clipping); a unit has one index on the last axis.
        centralize: subtract from the gradient of each unit its mean (Yong et al., 2020: gradient centralization).

    >>> from tfoptim.declaration import Fraction
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
    """State kept per variable: name -> start value, the name of the field that gives it, a function of the weights, or
    a `tfoptim.declaration.Slot` if it has another shape than its variable. A tuple of such dictionaries is stored one
    dictionary after the other, in the order of Keras's files."""

    shared: ClassVar[Any] = {}
    """State kept once per optimizer: name -> start value."""

    elementwise: ClassVar[Any] = True
    """Whether each element is updated by itself; if not, the rule is given whole variables, and refuses `lazy`."""

    allows_lazy: ClassVar[bool] = True
    """Whether rows without gradient may be left out by `lazy`. False for rules in which they move all the same."""

    skips_zero_gradients: ClassVar[Any] = False
    """Whether a zero gradient leaves weights and slots as they are; then rows without gradient need no step."""

    compiles: ClassVar[Any] = True
    """Whether XLA may compile the update of a large variable: not `eigh` or `qr`, for which it takes far longer."""

    traced_by_shape: ClassVar[Any] = False
    """Whether variables of the same shape share one traced function: for rules of many operations."""

    measures: ClassVar[Any] = False
    """Whether the class defines `measure`; then it is given whole variables, and `once` runs on each device."""

    constant_rate: ClassVar[Any] = False
    """Whether the rule is made for a rate that no schedule lowers; `experiments` schedules all others."""

    family: ClassVar[str] = ""
    """Heading under which `tfoptim.registry.table` lists the rule."""

    needs_loss: ClassVar[bool] = False
    """Whether the class defines `gradients`; then `apply` takes only gradients that come from there."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        derivatives.note_hook(cls, Optimizer)
        if "measure" in vars(cls) and "measures" not in vars(cls):
            cls.measures = True

    # Methods that a rule defines

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
        d = self.direction(h, g, w, s)
        return w - h.learning_rate * (agreeing(d, g) if self.cautious else d)

    def measure(self, h: Any, g: Any, w: Any, s: Any) -> Mapping[str, Any]:
        """Returns numbers of one variable, by name; `once` finds in `h` their sums over all variables with a gradient.

        Called before `once`, with the arguments of `direction`, before decay; `h` has also the former shared state, and
        slots that are assigned here do not change.
        """
        return {}

    def once(self, h: Any, s: Any) -> None:
        """Computes values shared by all variables of a group; may add names to `h` and replace shared state in `s`.

        Called for the optimizer's own numbers and then for each group's; only the first call changes shared state.
        """

    def decay_of(self, h: Any, s: Any) -> Any:
        """Returns the weight decay of a variable, or None; for rules that treat variables in two ways, by slots."""
        del s
        return h.weight_decay

    def gradients(self, loss: Any, variables: Sequence[Any]) -> list[Any]:
        """Returns the gradients for `apply`, multiplied by the loss scale if there is one.

        A rule that needs the loss more than once, or its Hessian, overrides it (`tfoptim.step.derivatives` has what it
        needs); then `apply` refuses gradients from elsewhere. `tfoptim.training` calls it in `fit`.

        Args:
            loss: returns the scalar loss; reads the variables whenever it is called.
            variables: to differentiate with respect to.
        """
        return derivatives.gradients(self, loss, variables)

    # Methods that Keras calls

    def build(self, variables: Any) -> None:
        """Creates the state for `variables`; later calls may not add others.

        Frozen ones are taken as in Keras, so that they can be trained once they are not; others that are no floats,
        such as the state of a random generator, are known but have no state. Without any it stays unbuilt.

        Raises:
            TypeError: `variables` is no list of variables, or one is to be trained and not of a real float dtype.
            ValueError: the optimizer is built and `variables` has others than those.
        """
        variables = listed(f"{self.name}: build", variables)
        self._check_owns_its_state()
        if self.built or not (variables or self._runtime.trainer):  # Keras gives none when it loads an `.h5` file
            new = [path(v) for v in variables if not self.knows(v)]
            if new:
                raise ValueError(f"{self.name} is built already, without {', '.join(new[:5])}; make a new optimizer.")
            return
        self._runtime.learn_paths(variables)
        self._check_variables(variables)
        with tf.init_scope():
            state.create(self, variables)
            if self.given("use_ema"):
                self.__dict__["_model_variables_moving_average"] = averages.shown(self._runtime.averages, variables)
            self.built: bool = True
            waiting, self._runtime.waiting = self._runtime.waiting, None
            if waiting is not None:
                loading.take(self, waiting)

    def _track_variable(self, variable: Any) -> None:
        """Tracks a variable; one that a user's class adds takes the value that a loaded file has for it."""
        super()._track_variable(variable)
        added.claim(self, variable)

    def _check_variables(self, variables: Sequence[Any]) -> None:
        """Raises if the optimizer cannot be built for these variables."""
        for v in (v for v in variables if v.trainable and not is_float(v)):
            dtype = tf.as_dtype(v.dtype).name
            raise TypeError(f"{self.name}: {path(v)} must be a float variable to be trained, got dtype {dtype}.")

    def knows(self, variable: Any) -> bool:
        """Returns whether the optimizer was built for `variable`."""
        return self._var_key(variable) in self._trainable_variables_indices

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Takes one step, in the stages of `tfoptim.step.pipeline`.

        Args:
            grads: gradients, one per variable; None where a variable has none.
            trainable_variables: the variables, in the same order; those of `build` if left out.

        Raises:
            RuntimeError: the rule needs the loss, and `gradients` was not called; or the optimizer is inside another.
        """
        self._check_takes_steps()
        if len(grads):
            derivatives.claim(self)
            with tf.name_scope(str(self.name)):
                run = run_uncached if self._assigns_itself() else cached_step.run  # an `assign` may count calls
                run(self, grads, trainable_variables, judge=self._runtime.judge)

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss multiplied by `loss_scale_factor`, which `apply` divides out again."""
        scale = self.now("loss_scale_factor")
        if scale is None:
            return loss
        loss = tf.convert_to_tensor(loss)
        return loss * tf.cast(scale, loss.dtype)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Copies the average, if there is one, into the weights: `fit` calls this at its end."""
        own_average.adopt(self)
        if self.averages:
            per_device.adopt_average(self._distribution_strategy, self, list(var_list))

    def save_own_variables(self, store: Any) -> None:
        """Writes the state by name; called by Keras's saving."""
        loading.save(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Reads the state by name; called by Keras's loading. `tfoptim.state` lists all cases.

        Until the optimizer is built, the state is pending. State for other variables is listed in a warning.

        Raises:
            ValueError: the state is of another rule. The message names the ways to load the weights alone.
        """
        loading.load(self, store)

    def set_weights(self, weights: Any) -> None:
        """Assigns all variables, in the order of `variables`.

        Raises:
            ValueError: the optimizer is not built, or the arrays do not fit in number or shape.
        """
        if self.built and len(weights) != len(self._variables):
            raise ValueError(f"{self.name}: got {len(weights)} arrays for {len(self._variables)} variables.")
        super().set_weights(weights)
