"""CLR: momentum under a cyclic learning rate."""

from typing import Any

from tfoptim.declaration import NonNegative, Steps
from tfoptim.rules.momentum import Momentum
from tfoptim.schedules import triangle


class CLR(Momentum):
    """Cyclic learning rate (Smith, 2017: Cyclical learning rates for training neural networks, section 3.1).

    ```
    x <- (i mod cycle) / cycle,      i = 0 at the first step
    a <- learning_rate * (1 + (peak_factor - 1) * (1 - |2x - 1|))
    one step of Momentum with the learning rate a
    ```

    The rate rises from `learning_rate` to `peak_factor * learning_rate` and falls back, in straight lines: the two ends
    have to be known, the best rate between them has not. `python -m experiments find-lr` measures both. For other
    shapes give a `tfoptim.schedules.Cyclic` to `Momentum`; `CLMR` cycles the momentum too.

    Args:
        learning_rate: rate at the start of a cycle.
        peak_factor: by how much the rate in the middle of a cycle is larger.
        cycle: steps of one whole cycle; Smith takes 4 to 20 epochs.
        momentum: share of the last displacement that is repeated.
        nesterov: take the gradient where the momentum leads.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import CLR, simulate
    >>> simulate(CLR(0.01, cycle=4, momentum=0.0), 0.0, [-1.0] * 5)
    array([0.01 , 0.065, 0.165, 0.22 , 0.23 ])
    """

    learning_rate: NonNegative = 0.01
    peak_factor: NonNegative = 10.0
    cycle: Steps = 1000

    def once(self, h: Any, s: Any) -> None:
        h.learning_rate = h.learning_rate * (1 + (h.peak_factor - 1) * triangle(h.t - 1, self.cycle))
