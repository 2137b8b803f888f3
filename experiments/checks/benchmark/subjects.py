"""What is measured: the rules with their arguments, and the sets of variables."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

LEARNING_RATE = 1e-3
ADAM = {"betas": (0.9, 0.999), "eps": 1e-7}


@dataclasses.dataclass(frozen=True)
class Rule:
    """One optimizer with its arguments, under the name it has in each library."""

    name: str  # its name on the command line
    title: str  # its name in tables and figures
    ours: str  # the class in tfoptim
    keras: str | None  # the class in keras.optimizers
    # arguments of both classes; all have the learning rate besides
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    # arguments that only ours has; with them the two do not compute the same
    ours_only: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    # arguments that Keras's class needs to be the same rule
    keras_only: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    torch: str | None = None  # the class in torch.optim, None where torch has no such rule
    torch_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # its arguments
    fused: bool = False  # whether torch has the rule fused into one kernel, on the CPU
    slots: int = 0  # numbers kept for each weight, the moving average of the weights among them
    readings: int = 1  # how often a gradient has to be read: twice where its norm is needed first
    touched_rows: bool = False  # whether rows of a table without gradient may be left alone
    sets: tuple[str, ...] | None = None  # sets that it is measured on unless asked for others; None: all but few

    @property
    def traffic(self) -> int:
        """Numbers that a step must move for each weight: weights and slots are read and written, gradients read."""
        return 2 + 2 * self.slots + self.readings


def _of_matrices(name: str, ours: str, slots: int, **arguments: Any) -> Rule:
    """Returns a rule whose step takes products of matrices, which sets of short vectors say nothing about."""
    return Rule(name, ours, ours, slots=slots, sets=("unet", "resnet50"), **{"keras": None, **arguments})


def _adam(name: str, title: str, slots: int = 2, **arguments: Any) -> Rule:
    return Rule(name, title, "Adam", "Adam", slots=slots, **arguments)


RULES = {
    rule.name: rule
    for rule in (
        Rule("gd", "GD", "GD", "SGD", torch="SGD", fused=True, touched_rows=True),
        Rule("sgd", "SGD", "SGD", "SGD", torch="SGD", fused=True, touched_rows=True),
        Rule(
            "momentum", "Momentum", "Momentum", "SGD", keras_only={"momentum": 0.9},
            torch="SGD", torch_options={"momentum": 0.9}, fused=True, slots=1,
        ),
        Rule(
            "adagrad", "AdaGrad", "AdaGrad", "Adagrad",
            torch="Adagrad", torch_options={"initial_accumulator_value": 0.1, "eps": 1e-7}, fused=True,
            slots=1, touched_rows=True,
        ),
        Rule("rmsprop", "RMSprop", "RMSprop", "RMSprop", torch="RMSprop",
             torch_options={"alpha": 0.9, "eps": 1e-7}, slots=1),
        Rule(
            "rmsprop_centered", "RMSprop centered", "RMSprop", "RMSprop",
            options={"momentum": 0.9, "centered": True}, slots=3,
            torch="RMSprop", torch_options={"alpha": 0.9, "eps": 1e-7, "momentum": 0.9, "centered": True},
        ),
        Rule("adadelta", "Adadelta", "Adadelta", "Adadelta", torch="Adadelta",
             torch_options={"rho": 0.95, "eps": 1e-7}, slots=2),
        _adam("adam", "Adam", torch="Adam", torch_options=ADAM, fused=True),
        _adam("adam_amsgrad", "Adam amsgrad", 3, options={"amsgrad": True}, torch="Adam",
              torch_options={**ADAM, "amsgrad": True}, fused=True),
        Rule("adamw", "AdamW", "AdamW", "AdamW", torch="AdamW",
             torch_options={**ADAM, "weight_decay": 0.004}, fused=True, slots=2),
        Rule("adamax", "Adamax", "Adamax", "Adamax", torch="Adamax", torch_options=ADAM, slots=2),
        Rule("nadam", "Nadam", "Nadam", "Nadam", torch="NAdam",
             torch_options={**ADAM, "momentum_decay": 1.0}, slots=2),
        Rule("lion", "Lion", "Lion", "Lion", slots=1),
        Rule("lamb", "Lamb", "Lamb", "Lamb", slots=2, readings=2),
        Rule("ftrl", "Ftrl", "Ftrl", "Ftrl", slots=2),
        # Keras's Muon leaves kernels of convolutions to Adam; these two do not compute the same.
        _of_matrices("muon", "Muon", 1, keras="Muon"),
        _of_matrices("soap", "SOAP", 2),
        _of_matrices("shampoo", "Shampoo", 2),
        _of_matrices("kron", "Kron", 1),
        _adam("adam_clipnorm", "Adam clipnorm", options={"clipnorm": 1.0}, readings=2),
        _adam("adam_global_clipnorm", "Adam global norm", options={"global_clipnorm": 1.0}, readings=2),
        _adam("adam_ema", "Adam use_ema", 3, options={"use_ema": True}),
        _adam("adam_lazy", "Adam lazy", ours_only={"lazy": True}, touched_rows=True),
    )
}  # fmt: skip


Shape = tuple[int, ...]
ROWS_OF_GRADIENT = 1_024
REPEATED_ROWS = 256


@dataclasses.dataclass(frozen=True)
class VariableSet:
    """Variables that one step updates."""

    name: str  # its name on the command line
    title: str  # what it is, in tables and figures
    shapes: tuple[Shape, ...]  # one shape a variable
    # whether it is an embedding table, of whose rows only some get a gradient, some of them repeatedly
    table: bool = False

    @property
    def elements(self) -> int:
        """Number of weights."""
        return sum(map(math.prod, self.shapes))

    @property
    def touched(self) -> int:
        """Number of weights that get a gradient."""
        if not self.table:
            return self.elements
        return (ROWS_OF_GRADIENT - REPEATED_ROWS) * self.shapes[0][1]

    @property
    def words(self) -> str:
        """Its title with its size."""
        count, size = len(self.shapes), self.elements
        millions = f"{size / 1e6:.0f} M" if size >= 1e7 else f"{size / 1e6:.2g} M"
        return f"{self.title}: {millions} in {count} variable{'s' if count > 1 else ''}"


def mlp() -> Iterator[Shape]:
    """Gives the shapes of the perceptron 784-1000-500-100-10: 8 variables."""
    sizes = (784, 1000, 500, 100, 10)
    for inputs, outputs in itertools.pairwise(sizes):
        yield from ((inputs, outputs), (outputs,))


def unet() -> Iterator[Shape]:
    """Gives the shapes of a U-Net 32-64-128-256-512 with batch normalisation: 82 variables."""
    widths = (32, 64, 128, 256, 512)
    for inputs, width in zip((1, *widths), widths, strict=False):
        yield from _double(inputs, width)
    for width in widths[-2::-1]:
        yield from ((2, 2, width, 2 * width), (width,))  # the transposed convolution of the way up
        yield from _double(2 * width, width)
    yield from ((1, 1, widths[0], 1), (1,))


def _double(inputs: int, width: int) -> Iterator[Shape]:
    """Gives two convolutions 3x3, each with bias, scale and shift."""
    for before in (inputs, width):
        yield from ((3, 3, before, width), (width,), (width,), (width,))


def small() -> Iterator[Shape]:
    """Gives 400 vectors of 2,000 elements, such as the biases and norms of a deep and narrow network."""
    yield from itertools.repeat((2_000,), 400)


def resnet50() -> Iterator[Shape]:
    """Gives the shapes of ResNet-50 (He et al., 2015): 161 variables, 25.6 million weights."""
    yield from _normalised(7, 3, 64)
    inputs = 64
    for blocks, width in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for block in range(blocks):
            if block == 0:
                yield from _normalised(1, inputs, 4 * width)  # the shortcut
            yield from _normalised(1, inputs, width)
            yield from _normalised(3, width, width)
            yield from _normalised(1, width, 4 * width)
            inputs = 4 * width
    yield from ((2048, 1000), (1000,))


def _normalised(size: int, inputs: int, outputs: int) -> Iterator[Shape]:
    """Gives a convolution without bias, and the scale and shift after it."""
    yield from ((size, size, inputs, outputs), (outputs,), (outputs,))


def bert_base() -> Iterator[Shape]:
    """Gives the shapes of BERT-base, uncased (Devlin et al., 2018): 199 variables, 109.5 million weights."""
    width, inner = 768, 3072
    yield from ((30522, width), (512, width), (2, width), (width,), (width,))
    for _ in range(12):
        for inputs, outputs in ((width, width),) * 4 + ((width, inner), (inner, width)):
            yield from ((inputs, outputs), (outputs,))
        yield from ((width,),) * 4
    yield from ((width, width), (width,))


SETS = {
    found.name: found
    for found in (
        VariableSet("mlp", "MLP", tuple(mlp())),
        VariableSet("unet", "U-Net", tuple(unet())),
        VariableSet("small", "Small variables", tuple(small())),
        VariableSet("resnet50", "ResNet-50", tuple(resnet50())),
        VariableSet("bert_base", "BERT-base", tuple(bert_base())),
        VariableSet("table", "Embedding, 1 M rows", ((1_000_000, 64),), table=True),
        VariableSet("table_1k", "Embedding, 1 k rows", ((1_000, 64),), table=True),
    )
}
MEAN_OVER = ("mlp", "unet", "small", "resnet50")
"""The sets that the geometric mean of a rule is taken over."""
