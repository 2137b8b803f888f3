"""AdaHessian."""

from typing import Any

from tfoptim.declaration import ClosedFraction, Count, Fraction, NonNegative, Period, keyword_only
from tfoptim.ops import debias, power, ratio, square
from tfoptim.optimizer import Optimizer
from tfoptim.step.curvature import keep_diagonal


class AdaHessian(Optimizer):
    """AdaHessian (Yao et al., 2021: An adaptive second order optimizer for machine learning, algorithm 1).

    ```
    D  = z * (H @ z)       z random signs, H the Hessian; every update_period steps
    m <- beta_1 * m + (1 - beta_1) * g
    v <- beta_2 * v + (1 - beta_2) * D^2
    w <- w - learning_rate * m / (1 - beta_1^t) / ((v / (1 - beta_2^t))^(hessian_power / 2) + epsilon)
    ```

    Adam with curvatures in the denominator, for badly scaled problems. A step costs two to three gradients and their
    memory; `update_period` saves time. It needs the loss: `tfoptim.training.trainable(model)` for `fit`, or
    `optimizer.gradients(loss, variables)`. D is averaged over height and width of convolutions alone; where it is 0,
    steps are large. Of accumulated calls, the last D counts. LSTM and GRU layers on CUDA need `use_cudnn=False`.

    Args:
        learning_rate: size of a step, as share of Newton's.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared curvatures that each step keeps.
        epsilon: keeps the denominator away from 0.
        hessian_power: in [0, 1]; 1 divides by the curvature as Newton's method does.
        update_period: steps from one D to the next.
        seed: of the signs.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> import tensorflow as tf, tfoptim
    >>> w, optimizer = tf.Variable([3.0, 4.0]), tfoptim.AdaHessian(1.0, epsilon=0.0)
    >>> optimizer.apply(optimizer.gradients(lambda: w[0] ** 2 + 5 * w[1] ** 2, [w]), [w])  # Newton's step
    >>> w.numpy()
    array([0., 0.], dtype=float32)
    """

    slots = {"m": 0.0, "v": 0.0, "hessian": 0.0}
    family = "second-order"

    learning_rate: NonNegative = 0.1
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-4
    hessian_power: ClosedFraction = 1.0
    update_period: Period = 1
    seed: Count = keyword_only(default=0)

    def gradients(self, loss: Any, variables: Any) -> list[Any]:
        return keep_diagonal(self, "hessian", loss, variables, self.seed, self.update_period)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(s.hessian)
        return ratio(s.m / debias(h.beta_1, h.t), power(s.v / debias(h.beta_2, h.t), h.hessian_power / 2) + h.epsilon)
