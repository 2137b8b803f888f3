"""LARS."""

from typing import Any

from tfoptim.declaration import ClosedFraction, NonNegative
from tfoptim.layerwise import LayerWise
from tfoptim.ops import minimum, norm, ratio


class LARS(LayerWise):
    """LARS (You, Gitman & Ginsburg, 2017: Large batch training of convolutional networks, algorithm 1).

    ```
    v <- 0
    a  = trust_coefficient * ||w|| / (||g|| + weight_decay * ||w|| + epsilon), or 1 where ||w|| or ||g|| is 0
    v <- momentum * v + learning_rate * a * (g + weight_decay * w)
    w <- w - v
    w <- w - momentum * v - learning_rate * a * (g + weight_decay * w)         Nesterov, in place of the line above
    ```

    For batches of thousands in convolutional networks that train with SGD; for ordinary batches take SGD. Decay is L2,
    inside of the rule. The velocity holds the learning rate, as in the paper and in `Momentum`; torch's versions keep
    it outside, and differ under a schedule. Exclude biases and scales of normalisation, as is usual, by
    `exclude_from_layer_adaptation` (a is then 1) and `exclude_from_weight_decay`.

    Args:
        learning_rate: size of a step; times `trust_coefficient`, the share of its norm by which a variable moves.
        momentum: share of the last displacement that is repeated.
        nesterov: take the gradient where the momentum leads.
        trust_coefficient: the paper's eta.
        epsilon: limits the share where the gradient is small.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import LARS, simulate
    >>> simulate(LARS(weight_decay=0.1), 1.0, [0.1, -0.2, 0.3])
    array([0.9999    , 0.99984333, 0.99969235])
    """

    slots = {"v": 0.0}
    own_decay = True

    learning_rate: NonNegative = 0.1
    momentum: ClosedFraction = 0.9
    nesterov: bool = False
    trust_coefficient: NonNegative = 0.001
    epsilon: NonNegative = 0.0

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        norms = norm(w), norm(g)
        a = h.trust_coefficient * ratio(norms[0], norms[1] + h.weight_decay * norms[0] + h.epsilon)
        step = h.learning_rate * (self.adaptation(h, a, minimum(*norms) > 0) * (g + h.weight_decay * w))
        s.v = h.momentum * s.v + step
        return w - (h.momentum * s.v + step if self.nesterov else s.v)
