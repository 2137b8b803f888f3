"""Kron."""

from typing import Any

from tfoptim.declaration import ClosedFraction, Count, Fraction, NonNegative
from tfoptim.kronecker import Kronecker, factors, replace, turned
from tfoptim.linalg import reshape
from tfoptim.noise import normals, uniform
from tfoptim.ops import clip, debias, exp, minimum, rms, when
from tfoptim.whitening import fitted


class Kron(Kronecker):
    """PSGD Kron (Li, 2015 and 2022: Preconditioned stochastic gradient descent), in the form of kron_torch.

    ```
    m <- 0;   Q, S <- I, upper triangles;   of other axes than two, factors like Q and S of each
    m <- momentum * m + (1 - momentum) * g;   u = m / (1 - momentum^t)
    with probability update_probability, or else max(0.03, min(1, exp((500 - t) / 1000))):
         v ~ N(0, 1);   u <- u + sqrt(2^-23) * mean(|u|) * v;   A = Q u S^T;   B = Q^-T v S^-1
         Q <- Q - preconditioner_learning_rate * triu(A A^T - B B^T) Q / ||A A^T + B B^T||;   S with A^T A and B^T B
    d  = Q^T Q u S^T S;   w <- w - learning_rate * d * min(1, 1.1 / rms(d))
    ```

    Directions whitened by products of matrices, without eigenvalues; on a Mac the CPU solves the triangular systems.
    The norm is a lower bound. Noise depends on the seed and the step alone; variables of a shape share it.

    Args:
        learning_rate: largest root mean square of a step, about; a third of Adam's.
        max_size_triangular, seed: longest axis with a triangle, else a diagonal; of v, and of when Q and S move.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Kron, simulate
    >>> simulate(Kron(), 1.0, [0.1, -0.2, 0.3])
    array([0.99996378, 0.99998912, 0.99995021])
    """

    learning_rate: NonNegative = 0.0003
    momentum: Fraction = 0.9
    preconditioner_learning_rate: NonNegative = 0.1
    update_probability: ClosedFraction | None = None
    max_size_triangular: Count = 2048
    seed: Count = 0

    @property
    def slots(self) -> Any:
        return self.state("m", "", "Q", self.max_size_triangular, others=True)

    def view(self, shape: Any) -> Any:
        return shape or (1,)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        p = clip(exp((500 - h.t) / 1000), 0.03, 1.0) if h.update_probability is None else h.update_probability
        s.m = h.momentum * s.m + (1 - h.momentum) * reshape(g, s.m.shape)
        u, (Q,) = s.m / debias(h.momentum, h.t), factors(s, "Q")
        rate, seed = h.preconditioner_learning_rate, (self.seed, h.t)
        u, *Q = when(uniform(*seed) < p, lambda: fitted(Q, u, normals(u, *seed), rate), lambda: (u, *Q))
        d = turned(turned(u, Q, back=True), Q)
        replace(s, Q=Q)
        return reshape(d * minimum(1.0, 1.1 / (rms(d) + 1e-12)), w.shape)
