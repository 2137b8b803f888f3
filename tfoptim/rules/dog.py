"""DoG."""

from typing import Any

from tfoptim.declaration import NonNegative, Positive
from tfoptim.linalg import total
from tfoptim.ops import maximum, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class DoG(Optimizer):
    """DoG (Ivgi, Hinder & Carmon, 2023: DoG is SGD's best friend, algorithm 1): distance over gradients.

    ```
    w_0 <- w;   r, G <- 0                                                          ||.|| over all variables together
    g  = g + weight_decay * w
    r <- max(r, ||w - w_0||, reps_rel * (1 + ||w_0||));   G <- G + ||g||^2
    w <- w - learning_rate * r / sqrt(G + epsilon) * g
    ```

    SGD without a rate to choose: fine-tuning above all. The result is an average of the weights: give `use_ema=True`,
    with `ema_momentum=tfoptim.schedules.EmaWarmup(0.999)`. With BatchNorm, `reps_rel=1e-4`. Decay is L2, as in the
    authors' code: any other is scaled by the learning rate, which is 1 here. Weights assigned during training count as
    moved. One rate has all variables: a group's `learning_rate` is a factor on it.

    Args:
        learning_rate: factor on the rate that is found; leave it at 1.
        reps_rel: length of the first step, relative to 1 + the norm of the weights; with bfloat16 weights, which round
            short steps away, 1e-2.
        epsilon: keeps the denominator away from 0; it stands inside of the root.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import DoG, simulate
    >>> simulate(DoG(reps_rel=0.1), 1.0, [0.1, -0.2, 0.3])
    array([0.8000001 , 0.97888552, 0.81852878])
    """

    family = "free"
    elementwise = False
    slots = {"w_0": lambda w: w}
    shared = {"r": 0.0, "G": 0.0}
    own_decay = True

    learning_rate: NonNegative = 1.0
    reps_rel: Positive = 1e-6
    epsilon: NonNegative = 1e-8

    def measure(self, h: Any, g: Any, w: Any, s: Any) -> dict[str, Any]:
        g = g + h.weight_decay * w
        return {"start": total(square(s.w_0)), "moved": total(square(w - s.w_0)), "slope": total(square(g))}

    def once(self, h: Any, s: Any) -> None:
        s.r = maximum(maximum(s.r, sqrt(h.moved)), h.reps_rel * (1 + sqrt(h.start)))
        s.G = s.G + h.slope
        h.rate = ratio(s.r, sqrt(s.G + h.epsilon))

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        return h.rate * (g + h.weight_decay * w)
