"""Schedule-Free AdamW."""

from typing import Any

from tfoptim.declaration import Count, Fraction, NonNegative
from tfoptim.ops import debias, ratio, sqrt, square
from tfoptim.schedule_free import ScheduleFree, Share


class ScheduleFreeAdamW(ScheduleFree):
    """Schedule-Free AdamW (Defazio et al., 2024: The road less scheduled, algorithm 1).

    ```
    x, z <- w;   v, most, total <- 0
    rate = learning_rate * min(1, t / warmup_steps);   most <- max(most, rate)
    weight = t^r * most^weight_lr_power;   total <- total + weight;   c = weight / total
    v <- beta_2 * v + (1 - beta_2) * g^2                                      g is the gradient at w
    d  = g / (sqrt(v / (1 - beta_2^t)) + epsilon)
    z <- z - rate * (d + weight_decay * w)
    x <- (1 - c) * x + c * z
    w <- (1 - beta_1) * z + beta_1 * x
    ```

    For runs whose length is not known beforehand: as good as the best schedule, with none. The result is x: `fit` ends
    with it, and validation within `fit` has it with `tfoptim.callbacks.EvaluateAverage`, a loop of yours with
    `optimizer.averaged(variables)`. A second `fit` goes on from w; its first gradient is taken at x, with that callback
    at w. Statistics of BatchNorm are those of w: `tfoptim.update_batch_norm` after `fit`. Take a rate of 1 to 10 times
    Adam's and a warm-up. Weights that are assigned during training are pulled back to z: make a new optimizer.
    Memory as Adam's. Keras's class of this name takes its gradients at x, weighs all steps alike, and decays w.

    Args:
        learning_rate: size of a step; a schedule is possible, and not needed.
        beta_1: place of w between z and x, in (0, 1); takes the part of momentum.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0; beside the corrected root.
        warmup_steps: steps in which the rate grows to its full size; 0: none.
        r: power of the step in the weights of the mean; larger forgets the beginning sooner.
        weight_lr_power: power of the rate in the weights of the mean.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import ScheduleFreeAdamW, simulate
    >>> simulate(ScheduleFreeAdamW(), 1.0, [0.1, -0.2, 0.3])
    array([0.9975    , 0.99923899, 0.99832493])
    """

    slots = {"z": lambda w: w, "v": 0.0}

    learning_rate: NonNegative = 0.0025
    beta_1: Share = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-8
    warmup_steps: Count = 0

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        return ratio(g, sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)
