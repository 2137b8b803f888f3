"""Base of the Schedule-Free rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from tfoptim.declaration import Count, Interval, NonNegative, Number, keyword_only
from tfoptim.ops import minimum, ratio, where
from tfoptim.optimizer import Optimizer

Share = Annotated[Number, Interval(0.0, 1.0, closed_low=False)]

TOLERANCE = 1e-6
"""Relative growth of the rate up to which its maximum stays: stored in float32, a constant rate would seem to grow."""


class ScheduleFree(Optimizer):
    """Base of ScheduleFreeAdamW and ScheduleFreeSGD (Defazio et al., 2024: The road less scheduled, algorithm 1).

    A rule defines `direction`, the step of z. The weights of training are y, between z and its weighted mean x, which
    is the result and is never stored: `x = (y - (1 - b) * z) / b`, where b is the number called `share`.
    """

    family = "free"
    shared: ClassVar[Mapping[str, float]] = {"n": 0.0, "most": 0.0, "averaged": 0.0}
    own_decay = True
    decoupled = True
    own_average = True
    own_weights = True
    constant_rate = True
    allows_lazy = False

    as_in_keras: ClassVar[dict[str, Any]] = {"weight_lr_power": 0.0}
    differs_from_keras = "Keras's class takes its gradients at x, the mean of z, and this one at y, as in the paper"

    share: ClassVar[str] = "beta_1"
    """Name of the number that says where the weights are on the way from z to x."""

    warmup_steps: Count = 0
    r: NonNegative = keyword_only(default=0.0)
    weight_lr_power: NonNegative = keyword_only(default=2.0)

    def once(self, h: Any, s: Any) -> None:
        """Computes the rate of the step, and c, the share of the new z in the mean.

        n is the sum of all weights of the mean, divided by the last: a count, as long as the rate is constant, which
        float32 holds for 16 million steps. All variables have the mean of the optimizer's own rate.
        """
        warm = minimum(h.t / self.warmup_steps, 1.0) if self.warmup_steps else 1.0
        h.rate, common = h.learning_rate * warm, h.common_rate * warm
        grows = common > s.most * (1 + TOLERANCE)
        fades = where(grows, ratio(s.most, common), 1.0) ** h.weight_lr_power * ((h.t - 1) / h.t) ** h.r
        s.n = s.n * fades + 1
        s.most = where(grows, common, s.most)
        h.c = 1 / s.n

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the next y; z and x of the box are eliminated, so that a weight that stands still keeps its bits."""
        b = getattr(h, self.share)
        u = self.direction(h, g, w, s) + h.weight_decay * w
        y = w + h.c * (s.z - w) - h.rate * (1 - b * (1 - h.c)) * u
        s.z = s.z - h.rate * u
        return y

    @classmethod
    def config_of_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the config in which all steps weigh alike; raises for a decay that the rule does not have."""
        if config["weight_decay"]:
            raise ValueError(
                f"from_keras: Keras's {cls.__name__} decays the weights but not z, and no rule of tfoptim does; make "
                f"tfoptim.{cls.__name__}(weight_decay={config['weight_decay']:g}), which decays as in the paper."
            )
        return super().config_of_keras(config)

    def state_of_keras(self, optimizer: Any) -> list[Any]:
        """Returns Keras's state, and the number of steps, which weigh alike.

        Keras reads z after it has moved it, which makes its weights the mean of z, that is x, whatever `beta_1`.
        """
        steps = int(optimizer.iterations) // (self.gradient_accumulation_steps or 1)
        shared = {**self.shared, "n": float(steps), "averaged": 1.0}
        return [*optimizer._variables, *shared.values()]

    def evaluated(self, h: Any, w: Any, s: Any) -> Any:
        """Returns x from y."""
        b = getattr(h, self.share)
        return w + (1 - b) / b * (w - s.z)

    def trained(self, h: Any, w: Any, s: Any) -> Any:
        """Returns y from x."""
        return w + (1 - getattr(h, self.share)) * (s.z - w)
