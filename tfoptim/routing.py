"""Which variables a rule for matrices takes as matrices, by shape and path, and how it looks at them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from tfoptim.declaration import Fraction, NonNegative, Slot, keyword_only
from tfoptim.declaration.domains import Integer
from tfoptim.declaration.slots import Shape
from tfoptim.groups import Paths, check_pattern
from tfoptim.linalg import reshape
from tfoptim.ops import debias, ratio, sqrt, square
from tfoptim.optimizer import Optimizer
from tfoptim.variables import is_float, path

NO_MATRICES = ("bias", "gamma", "beta", "scale")
"""Last part of the paths of variables that are no matrices whatever their shape, such as the biases of attention."""

VIEWS = {r"(query|key|value)/kernel$": 1}
"""Leading axes that are rows where it is not all but the last: a projection into heads is (in, heads, dim)."""


@dataclass(frozen=True)
class PatternsDomain:
    """Lists of regular expressions."""

    live = False

    def __str__(self) -> str:
        return '["pattern", ...]'

    def parse(self, what: str, value: Any) -> list[str]:
        """Returns the patterns; raises one sentence for anything else."""
        if isinstance(value, str) or not all(isinstance(pattern, str) for pattern in _items(value, [None])):
            raise TypeError(f"{what} must be a list of regular expressions, {self}, got {value!r}.")
        for pattern in value:
            check_pattern(what, pattern)
        return list(value)


@dataclass(frozen=True)
class AxesDomain:
    """Dictionaries of numbers of axes by pattern."""

    live = False

    def __str__(self) -> str:
        return '{"pattern": number of leading axes that are rows}'

    def parse(self, what: str, value: Any) -> dict[str, int]:
        """Returns the numbers by pattern; raises one sentence for anything else."""
        if not isinstance(value, Mapping) or not all(isinstance(pattern, str) for pattern in value):
            raise TypeError(f"{what} must be a dictionary such as {self}, got {value!r}.")
        for pattern in value:
            check_pattern(what, pattern)
        rows = Integer(1, required=True)
        return {pattern: rows.parse(f"{what}[{pattern!r}]", number) for pattern, number in value.items()}


def _items(value: Any, otherwise: list[Any]) -> list[Any]:
    return list(value) if isinstance(value, Sequence) else otherwise


Patterns = Annotated[Sequence[str], PatternsDomain()]
Axes = Annotated[Mapping[str, int], AxesDomain()]


class Routing(dict[str, str]):
    """How each variable is treated, by path; printed one a line."""

    def __str__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{path:{width}}  {way}" for path, way in self.items())


class Routed(Optimizer):
    """Base of rules for matrices: they define `of_matrix`; Adam moves the other variables.

    They have the fields `axes` and `adam_lr_ratio`, which stand where Keras has them.

    The slot m of a matrix has its rows and columns, so a rule need not know the path; v is there for Adam alone.
    """

    elementwise = False
    compiles = False  # products of matrices are as fast without XLA
    other_decays = ("adam_weight_decay",)

    learning_rate: NonNegative = 0.001
    adam_beta_1: Fraction = 0.9
    adam_beta_2: Fraction = 0.999
    adam_weight_decay: NonNegative | None = 0.004
    epsilon: NonNegative = 1e-7
    weight_decay: NonNegative | None = 0.004
    exclude_layers: Patterns | None = keyword_only(default=None)
    exclude_embeddings: bool = keyword_only(default=True)

    @property
    def slots(self) -> Any:
        """Momentum of every variable, and v of those that Adam moves."""

        def of_adam(shape: Shape, path: str) -> Shape | None:
            return shape if self.matrix(shape, path) is None else None

        return {"m": Slot(shape=lambda shape, path: self.matrix(shape, path) or shape), "v": Slot(shape=of_adam)}

    def decay_of(self, h: Any, s: Any) -> Any:
        """Returns the weight decay of a matrix, or of a variable that Adam moves."""
        return h.adam_weight_decay if "v" in s else h.weight_decay

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns `of_matrix` for a matrix, else Adam's direction."""
        if "v" not in s:
            return reshape(self.of_matrix(h, reshape(g, s.m.shape), s), w.shape)
        s.m = h.adam_beta_1 * s.m + (1 - h.adam_beta_1) * g
        s.v = h.adam_beta_2 * s.v + (1 - h.adam_beta_2) * square(g)
        rate = h.adam_lr_ratio * sqrt(debias(h.adam_beta_2, h.t)) / debias(h.adam_beta_1, h.t)
        return ratio(rate * s.m, sqrt(s.v) + h.epsilon)

    def of_matrix(self, h: Any, g: Any, s: Any) -> Any:
        """Returns the direction of a matrix; the arguments are those of `direction`."""
        raise NotImplementedError(f"{type(self).__name__} must define of_matrix(h, g, s).")

    as_in_keras: ClassVar[dict[str, Any]] = {"axes": {}}  # variables of two axes alone are matrices

    def state_of_keras(self, optimizer: Any) -> list[Any]:
        """Returns the state of this optimizer out of Keras's.

        Raises:
            ValueError: Keras's takes a variable as a matrix, and this optimizer does not.
        """
        self._check_same_routing(optimizer)
        return super().state_of_keras(optimizer)

    def state_for_keras(self, optimizer: Any) -> list[Any]:
        """Returns the state of Keras's optimizer out of this one's; raises as `state_of_keras`."""
        self._check_same_routing(optimizer)
        return super().state_for_keras(optimizer)

    def _check_same_routing(self, optimizer: Any) -> None:
        pairs = zip(self._trainable_variables, optimizer.adam_velocities, self._runtime.slots, strict=True)
        differ = [path(v) for v, velocity, slots in pairs if (velocity is None) != ("v" not in slots)]
        if differ:
            name = type(self).__name__
            raise ValueError(
                f"Keras's {name} takes {', '.join(differ[:5])} as matrices, and tfoptim's leaves biases and scales to "
                f"Adam, so the state of one does not fit the other. Make a new {name} with the same arguments."
            )

    def matrix(self, shape: Shape, path: str) -> Shape | None:
        """Returns rows and columns of a variable that is taken as a matrix, or None.

        Args:
            shape: of the variable.
            path: of the variable.

        Raises:
            ValueError: `axes` makes all axes of the variable rows.
        """
        axes = self.given("axes")
        excluded = any(re.search(pattern, path) for pattern in self.given("exclude_layers") or ())
        embeds = self.exclude_embeddings and "embedding" in path.lower()
        small = len(shape) < 2 or (axes == {} and len(shape) > 2)
        if small or excluded or embeds or path.rpartition("/")[2].partition(":")[0] in NO_MATRICES:
            return None
        view = _view(f"{type(self).__name__}: axes", axes or {}, shape, path)
        return view if min(view) > 1 or axes == {} else None

    def _check_variables(self, variables: Sequence[Any]) -> None:
        """Raises also if a pattern of `exclude_layers` or `axes` fits no variable."""
        super()._check_variables(variables)
        for name in ("exclude_layers", "axes"):
            for pattern in self.given(name) or ():
                self._runtime.paths.check_fits(f"{type(self).__name__}: {name}", pattern, re.compile(pattern).search)

    def has_patterns(self) -> bool:
        """Returns whether something depends on the paths of the variables, beyond their endings."""
        own = self.given("exclude_layers") or self.given("axes") or self.exclude_embeddings
        return super().has_patterns() or bool(own)

    def routing(self, variables: Any = None) -> Routing:
        """Returns how each variable is treated: path -> rule, with rows and columns of a matrix. `print` it.

        Args:
            variables: such as `model.trainable_variables`; those of `build` if left out.

        Raises:
            ValueError: `variables` is left out, and the optimizer is not built.
        """
        if variables is None and not self._runtime.owner.built:
            raise ValueError(
                f"{self.name}: routing() needs variables before the optimizer is built, such as "
                "routing(model.trainable_variables)."
            )
        variables = self._trainable_variables if variables is None else variables
        paths = Paths.known(self._runtime.paths.of_variables or self._runtime.saved_paths, variables).of_variables
        shapes = {where: tuple(v.shape) for where, v in zip(paths, variables, strict=True) if is_float(v)}
        return Routing({where: self._way(self.matrix(shape, where)) for where, shape in shapes.items()})

    def _way(self, matrix: Shape | None) -> str:
        return "adam" if matrix is None else f"{type(self).__name__.lower()} {matrix}"


def _view(what: str, axes: Mapping[str, int], shape: Shape, path: str) -> Shape:
    """Returns rows and columns of a variable of two axes or more; the first pattern that fits decides."""
    rows = next((n for pattern, n in {**axes, **VIEWS}.items() if re.search(pattern, path)), len(shape) - 1)
    if rows >= len(shape):
        raise ValueError(f"{what}: {path} has {len(shape)} axes, so at most {len(shape) - 1} can be rows, got {rows}.")
    return math.prod(shape[:rows]), math.prod(shape[rows:])
