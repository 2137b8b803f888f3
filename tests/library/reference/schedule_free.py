"""Schedule-Free AdamW and SGD (Defazio et al. 2024, algorithm 1 and section 2).

Sent None in place of weights and gradient, a loop gives x, the weights for evaluation.
"""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


def mean(total, most, t, rate, r, power):
    """Sum of the weights of the mean, largest rate, and the share of the newest."""
    most = max(most, rate)
    weight = t**r * most**power
    total = total + weight
    return total, most, weight / total if total > 0 else 0.0


def warmed(rate, t, warmup_steps):
    """The rate of a step in the warm-up."""
    return rate * min(1.0, t / warmup_steps) if warmup_steps else rate


@stepwise
def schedule_free_adamw(
    y,
    learning_rate=0.0025,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    warmup_steps=0,
    weight_decay=0.0,
    r=0.0,
    weight_lr_power=2.0,
):
    """Weights y after each step."""
    z = y
    v = np.zeros_like(y)
    total = most = 0.0
    for t in count(1):
        while (sent := (yield y)) is None:
            y = (y - (1 - beta_1) * z) / beta_1
        y, g = sent
        x = (y - (1 - beta_1) * z) / beta_1
        rate = warmed(rate_at(learning_rate, t), t, warmup_steps)
        total, most, c = mean(total, most, t, rate, r, weight_lr_power)
        v = beta_2 * v + (1 - beta_2) * g**2
        d = g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        z = z - rate * (d + rate_at(weight_decay, t) * y)
        x = (1 - c) * x + c * z
        y = (1 - beta_1) * z + beta_1 * x


@stepwise
def schedule_free_sgd(y, learning_rate=1.0, momentum=0.9, warmup_steps=0, weight_decay=0.0, r=0.0, weight_lr_power=2.0):
    """Weights y after each step."""
    z = y
    total = most = 0.0
    for t in count(1):
        while (sent := (yield y)) is None:
            y = (y - (1 - momentum) * z) / momentum
        y, g = sent
        x = (y - (1 - momentum) * z) / momentum
        rate = warmed(rate_at(learning_rate, t), t, warmup_steps)
        total, most, c = mean(total, most, t, rate, r, weight_lr_power)
        z = z - rate * (g + rate_at(weight_decay, t) * y)
        x = (1 - c) * x + c * z
        y = (1 - momentum) * z + momentum * x
