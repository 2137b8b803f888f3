"""Conditional gradient."""

from typing import Annotated, Any, Literal

from tfoptim.declaration import Choice, ClosedFraction, NonNegative
from tfoptim.ops import norm, ratio
from tfoptim.optimizer import Optimizer


class ConditionalGradient(Optimizer):
    """Conditional gradient (Frank & Wolfe, 1956; for networks: Ravi et al., 2018: Constrained deep learning).

    ```
    s  = g / (||g|| + epsilon)
    w <- learning_rate * w - (1 - learning_rate) * lambda_ * s
    ```

    Keeps the norm of each variable within `lambda_`, once it is there. Its learning rate is the share of the weights
    that is kept: 1 keeps all of them.

    Args:
        learning_rate: share of the weights that each step keeps, in [0, 1].
        lambda_: radius of the ball.
        epsilon: keeps the denominator away from 0.
        ord: norm of the ball: "fro", the Euclidean one.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import ConditionalGradient, simulate
    >>> simulate(ConditionalGradient(0.9, lambda_=2.0), 1.0, [0.1, -0.2, 0.3])
    array([0.7000002 , 0.83000008, 0.54700014])
    """

    family = "proximal"
    elementwise = False

    learning_rate: ClosedFraction = 0.99
    lambda_: NonNegative = 0.01
    epsilon: NonNegative = 1e-7
    ord: Annotated[Literal["fro"], Choice(("fro",))] = "fro"

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        return h.learning_rate * w - (1 - h.learning_rate) * h.lambda_ * ratio(g, norm(g) + h.epsilon)
