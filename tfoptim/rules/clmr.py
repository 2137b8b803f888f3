"""CLMR: Nesterov's accelerated gradient under a cyclic learning rate and a cyclic momentum."""

from typing import Any

from tfoptim.declaration import ClosedFraction, NonNegative, Steps
from tfoptim.optimizer import Optimizer
from tfoptim.schedules import triangle


class CLMR(Optimizer):
    """Cyclic learning and momentum rates (Mortazi, Cicek, Keles & Bagci, 2023, Frontiers in Radiology 3:1175473).

    ```
    a_i <- learning_rate * (1 + (peak_factor - 1) * wave(i, cycle)),       i = 0 at the first step
    b_i <- momentum + (peak_momentum - momentum) * wave(i, momentum_cycle)
    v <- b_i * v - a_i * g
    w <- w + b_(i+1) * v - a_i * g
    wave(i, T) = 1 - |2x - 1|,  x = (i mod T) / T
    ```

    The stored weights are Nesterov's look-ahead point, which a changing momentum puts where the next one leads: with
    b_i in the last line, as in `Momentum(nesterov=True)`, it would be a near miss. The paper gives no values for the
    ends of the cycles; the defaults are tfoptim's. With `peak_momentum=momentum` it is CLR with Nesterov.

    Args:
        learning_rate: rate at the start of a cycle.
        peak_factor: by how much the rate in the middle of a cycle is larger.
        cycle: steps of one whole cycle of the rate; in the paper a multiple of the steps of an epoch.
        momentum: momentum at the start of a cycle.
        peak_momentum: momentum in the middle of a cycle; below `momentum`, it is opposed to the rate.
        momentum_cycle: steps of one whole cycle of the momentum; None: those of the rate.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import CLMR, simulate
    >>> simulate(CLMR(0.01, cycle=4), 0.0, [-1.0] * 4)
    array([0.019   , 0.1348  , 0.37952 , 0.604282])
    """

    family = "gradient"

    learning_rate: NonNegative = 0.01
    peak_factor: NonNegative = 10.0
    cycle: Steps = 1000
    momentum: ClosedFraction = 0.85
    peak_momentum: ClosedFraction = 0.95
    momentum_cycle: Steps | None = None

    slots = dict(v=0.0)

    def once(self, h: Any, s: Any) -> None:
        swing, cycle = h.peak_momentum - h.momentum, self.momentum_cycle or self.cycle
        h.learning_rate = h.learning_rate * (1 + (h.peak_factor - 1) * triangle(h.t - 1, self.cycle))
        h.next_momentum = h.momentum + swing * triangle(h.t, cycle)
        h.momentum = h.momentum + swing * triangle(h.t - 1, cycle)

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.v = h.momentum * s.v - h.learning_rate * g
        return w + h.next_momentum * s.v - h.learning_rate * g
