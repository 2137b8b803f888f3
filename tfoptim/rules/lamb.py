"""Lamb."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative, keyword_only
from tfoptim.layerwise import LayerWise
from tfoptim.ops import debias, norm, ratio, sqrt, square


class Lamb(LayerWise):
    """Lamb (You et al., 2020: Large batch optimization for deep learning, algorithm 2).

    ```
    m, v <- 0
    m <- beta_1 * m + (1 - beta_1) * g
    v <- beta_2 * v + (1 - beta_2) * g^2
    u  = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)         [+ weight_decay * w, if decay_in_ratio]
    w <- w - learning_rate * phi * u,        phi = ||w|| / ||u||, or 1 where one of the two is 0
    ```

    For batches of thousands, transformers above all; for ordinary batches take Adam. Each variable moves by the share
    `learning_rate` of its norm, so a variable of one element moves by its sign. By default as in Keras: decay is
    taken off before, and phi sees the decayed weights. The paper, and TensorFlow Addons, decay inside of the ratio:
    `decay_in_ratio=True`. Biases and scales of normalisation: `exclude_from_layer_adaptation`.

    Args:
        learning_rate: share of its norm by which a variable moves.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0; it stands beside the corrected root, unlike that of Adam.
        decay_in_ratio: add the decay to u, as in the paper.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Lamb, simulate
    >>> simulate(Lamb(weight_decay=0.1), 1.0, [0.1, -0.2, 0.3])
    array([0.9989001 , 0.99979901, 0.99869933])
    """

    slots = {"m": 0.0, "v": 0.0}

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-7
    decay_in_ratio: bool = keyword_only(default=False)

    @property
    def own_decay(self) -> bool:
        return self.decay_in_ratio

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        u = ratio(s.m / debias(h.beta_1, h.t), sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)
        u = u + h.weight_decay * w if self.decay_in_ratio else u
        phi = ratio(norm(w), norm(u))  # 0 if one of the norms is
        return self.adaptation(h, phi, phi > 0) * u
