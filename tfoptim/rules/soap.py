"""SOAP."""

from typing import Any

from tfoptim.declaration import Count, Fraction, NonNegative, Steps
from tfoptim.kronecker import Kronecker, bases_of, factors, merged, moved_on, replace, turned
from tfoptim.linalg import reshape
from tfoptim.ops import debias, equal, every, maximum, ratio, sqrt, square, where


class SOAP(Kronecker):
    """SOAP (Vyas et al., 2024: Improving and stabilizing Shampoo using Adam, algorithm 3): Adam along eigenvectors.

    ```
    m, v, L, R <- 0;   k = t - 1;   b = shampoo_beta or beta_2;   of other axes than two, factors like L and R of each
    k > 0:   m <- beta_1 * m + (1 - beta_1) * g;   v <- beta_2 * v + (1 - beta_2) * (Q^T g S)^2
             w <- w - learning_rate * sqrt(1 - beta_2^k) / (1 - beta_1^k) * Q (Q^T m S / (sqrt(v) + epsilon)) S^T
    L <- b * L + (1 - b) * g g^T;   R <- b * R + (1 - b) * g^T g;   k = 0:   Q, S <- eigenvectors of L, R, sorted
    every precondition_frequency steps:   Q <- qr(L Q), its columns and v sorted by diag(Q^T L Q);   S alike
    ```

    For large matrices, where fewer steps repay dearer ones; vectors are left to Adam. The first step only measures. The
    decompositions run on the CPU, where `jit_compile=True` makes minutes of seconds.

    Args:
        learning_rate: size of a step, as for Adam.
        max_precondition_dim, merge_dims: longest axis with a factor; whether 3 x 3 x 64 x 128 is taken as 576 x 128.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import SOAP, simulate
    >>> simulate(SOAP(), 1.0, [0.1, -0.2, 0.3])
    array([1.        , 1.003     , 1.00233947])
    """

    learning_rate: NonNegative = 0.003
    beta_1: Fraction = 0.95
    beta_2: Fraction = 0.95
    epsilon: NonNegative = 1e-8
    precondition_frequency: Steps = 10
    max_precondition_dim: Count = 2048
    shampoo_beta: Fraction | None = None
    merge_dims: bool = False

    @property
    def slots(self) -> Any:
        return self.state("mv", "L", "Q", self.max_precondition_dim)

    def view(self, shape: Any) -> Any:
        return merged(shape, self.max_precondition_dim) if self.merge_dims else shape

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        b, first, k = h.beta_2 if h.shampoo_beta is None else h.shampoo_beta, equal(h.t, 1), maximum(h.t - 1, 1)
        g, later, L, Q = reshape(g, s.m.shape), where(first, 0.0, 1.0), *factors(s, "LQ")
        s.m = later * (h.beta_1 * s.m + (1 - h.beta_1) * g)
        s.v = later * (h.beta_2 * s.v + (1 - h.beta_2) * square(turned(g, Q)))
        d = turned(ratio(turned(s.m, Q), sqrt(s.v) + h.epsilon), Q, back=True)
        L = moved_on(L, g, b, 1 - b)
        s.v, *Q = every(h.t - 1, self.precondition_frequency, lambda: bases_of(L, Q, s.v, first), lambda: (s.v, *Q))
        replace(s, L=L, Q=Q)
        return reshape(sqrt(debias(h.beta_2, k)) / debias(h.beta_1, k) * d, w.shape)
