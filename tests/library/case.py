"""What a row of the table of optimizers says, and what it makes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

import tfoptim
from tests.library.reference.surroundings import joined, parted
from tests.library.refusals import Bad

THREE = (0.1, -0.2, 0.3)  # the gradients of most known answers


def known(*weights, gradients=THREE, **options):
    """The weights that a rule with these options reaches from 1, after the last steps, worked out beforehand."""
    return options, gradients, weights


@dataclass(frozen=True)
class Case:
    """One optimizer with one set of arguments, and the facts that decide which tests apply."""

    id: str
    name: str  # the class in tfoptim
    reference: Callable  # its loop in tests/library/reference
    options: Mapping[str, Any] = field(default_factory=dict)
    keras_name: str | None = None  # the class in keras.optimizers with the same formula
    keras_options: Mapping[str, Any] | None = None  # when they differ from `options`
    signature: str = ""  # rule arguments of a class that Keras lacks
    learning_rate: float = 0.05  # one at which 40 steps move a weight visibly
    slots: tuple[str, ...] = ()  # state kept for each variable
    one_number: tuple[str, ...] = ()  # those of them that are one number a variable
    shapes: Callable | None = None  # of a variable's slots by name, from its shape, where not all are copies or numbers
    fixed_slots: tuple[str, ...] = ()  # those of them that stay as they start
    unused: tuple[str, ...] = ()  # slots and numbers that do nothing in vectors, with these options, or in few steps
    shared_state: tuple[str, ...] = ()  # state kept once for the optimizer
    zero_gradient_noop: bool = False  # a zero gradient changes nothing, whatever came before
    linear_in_gradient: bool = False  # twice the gradients move the weights twice as far
    used_at_start: tuple[str, ...] = ()  # numbers that act when the state is made, not later
    scale_invariant: bool = False  # with epsilon=0, gradients of another scale give the same steps
    decays: bool = False  # decays the weights unless told otherwise
    still_at_rate_zero: bool = True  # a learning rate of 0 moves nothing
    still_at_gradient_zero: bool = True  # zero gradients from the start move nothing
    own_decay: bool = False  # applies weight decay itself, where the pipeline would
    known: tuple = ()  # options, gradients and the weights after each step from 1, to ten decimals: see `known`
    rounding: float = 1e-12  # of float64 that 40 steps leave, as a share of the largest move
    crossings: int = 20  # tensors that a step on a Mac copies to the host or back: at best, a handful of scalars
    on_host: tuple[str, ...] = ()  # operations on whole matrices that a step on a Mac leaves to the host
    amplifies: float = 1.0  # times that of float32 is at most what remains where XLA rounds otherwise
    random: bool = False  # draws numbers, which XLA draws otherwise, and which gradients of another sign do not mirror
    operations: int = 25  # that one more variable adds to a step's graph at most; few where a kernel serves the rule
    rate: Callable | None = None  # where the rule makes the rate of each step out of the one it is given
    bad: tuple[Bad, ...] = ()  # listed once for each class

    def __str__(self):
        return self.id

    @property
    def elementwise(self):
        """Whether the rule updates each element by itself."""
        return getattr(tfoptim, self.name).elementwise

    @property
    def joint(self):
        """Whether the step of a variable depends on the others: its loop takes all of them in one array."""
        return getattr(tfoptim, self.name).measures

    @property
    def own_average(self):
        """Whether the rule keeps an average, with which training ends: its loop gives it when it is sent None."""
        return getattr(tfoptim, self.name).own_average

    @property
    def has_rate(self):
        """Whether there is a learning rate; if not, tests that give one make the optimizer without."""
        return "learning_rate" in getattr(tfoptim, self.name).fields

    @property
    def own_weights(self):
        """Whether slots say where the weights are, so that what else changes them is undone."""
        return getattr(tfoptim, self.name).own_weights

    def slots_of(self, shape):
        """The shape of each slot of a variable of this shape, in the order of the table."""
        if self.shapes:
            return self.shapes(shape)
        return {name: () if name in self.one_number else shape for name in self.slots}

    def decay(self, arguments):
        """The arguments; a weight decay among them is that of all variables, also where a rule has several."""
        others = getattr(tfoptim, self.name).other_decays
        return arguments | {name: arguments["weight_decay"] for name in others if "weight_decay" in arguments}

    @property
    def in_keras(self):
        """Whether Keras has the class too."""
        return (self.keras_name or "").lower() == self.name.lower()

    def make(self, **arguments):
        """Our optimizer, at the row's learning rate unless told otherwise."""
        merged = {"learning_rate": self.learning_rate, **self.options, **self.decay(arguments)}
        if not self.has_rate:
            del merged["learning_rate"]
        return getattr(tfoptim, self.name)(**merged)

    def make_keras(self, **arguments):
        """Keras's optimizer with the same formula and the same arguments."""
        options = self.options if self.keras_options is None else self.keras_options
        merged = {"learning_rate": self.learning_rate, **options, **self.decay(arguments)}
        return getattr(keras.optimizers, self.keras_name)(**merged)

    def trajectory(self, w, gradients, **arguments):
        """The paper's weights after each step, from the plain loop."""
        merged = {"learning_rate": self.learning_rate, **self.options, **arguments}
        return self.reference(w, gradients, **merged)

    def trajectories(self, start, gradients):
        """The paper's weights[step][variable], from the plain loop."""
        if self.joint:
            together = self.trajectory(joined(start), [joined(g) for g in gradients])
            return [parted(w, start) for w in together]
        columns = [[step[i] for step in gradients] for i in range(len(start))]
        return list(zip(*(self.trajectory(w, g) for w, g in zip(start, columns, strict=True)), strict=True))

    @property
    def by_sign(self):
        """Whether the size of a gradient does not matter, only its sign."""
        return "clipvalue" in self.unused

    @property
    def schedulable(self):
        """Whether there is a learning rate, and it may be a schedule."""
        return self.has_rate and getattr(tfoptim, self.name).fields["learning_rate"].domain.schedulable

    def part(self, name, number, share):
        """That share of the way from the lower end of a number's domain, or from 0, to the number."""
        low = getattr(tfoptim, self.name).fields[name].domain.low
        low = low if math.isfinite(low) else 0.0
        return low + share * (number - low)

    def rates(self, learning_rate):
        """The learning rate of the rule's steps: a number, or a function of the step."""
        return self.rate(learning_rate, **self.options) if self.rate else learning_rate
