"""Schedule-Free SGD."""

from typing import Any

from tfoptim.declaration import Count, NonNegative
from tfoptim.schedule_free import ScheduleFree, Share


class ScheduleFreeSGD(ScheduleFree):
    """Schedule-Free SGD (Defazio et al., 2024: The road less scheduled, section 2).

    ```
    x, z <- w;   most, total <- 0
    rate = learning_rate * min(1, t / warmup_steps);   most <- max(most, rate)
    weight = t^r * most^weight_lr_power;   total <- total + weight;   c = weight / total
    z <- z - rate * (g + weight_decay * w)                                    g is the gradient at w
    x <- (1 - c) * x + c * z
    w <- (1 - momentum) * z + momentum * x
    ```

    Where SGD with momentum does well, and the length of the run is not known beforehand. Rates are 10 to 50 times those
    of SGD with momentum. All that `ScheduleFreeAdamW` says of x, its evaluation and assigned weights holds here.

    Args:
        learning_rate: size of a step; a schedule is possible, and not needed.
        momentum: place of w between z and x, in (0, 1).
        warmup_steps: steps in which the rate grows to its full size; 0: none.
        r: power of the step in the weights of the mean; larger forgets the beginning sooner.
        weight_lr_power: power of the rate in the weights of the mean.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import ScheduleFreeSGD, simulate
    >>> simulate(ScheduleFreeSGD(), 1.0, [0.1, -0.2, 0.3])
    array([0.9 , 1.01, 0.92])
    """

    slots = {"z": lambda w: w}
    share = "momentum"

    learning_rate: NonNegative = 1.0
    momentum: Share = 0.9
    warmup_steps: Count = 0

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        return g
