"""Muon."""

from typing import Any

from tfoptim.declaration import ClosedFraction, NonNegative, Steps, keyword_only
from tfoptim.orthogonal import AnyNumber, Coefficients, orthogonalized, triples_of
from tfoptim.routing import Axes, Routed


class Muon(Routed):
    """Muon (Jordan et al., 2024) on matrices, scaled as by Liu et al. (2025, arXiv 2502.16982); on the rest Adam.

    ```
    m <- 0;   m <- momentum * m + g;   u = g + momentum * m  (nesterov)  or  m
    X = u as a matrix, transposed if rows > columns;   X <- X / (||X|| + 1e-7)
    X <- a X + (b A + c A A) X  with  A = X X^T              ns_steps times;  a, b, c = muon_a, muon_b, muon_c
    w <- w - learning_rate * scale * X                      scale = rms_rate * sqrt(max(rows, columns))
    ```

    For hidden layers, of transformers above all; half of Adam's memory. No shape tells the head, which Adam should
    move: name it, `Muon(exclude_layers=["head/"])`, and look at `print(optimizer.routing())`. Unlike Keras's, it takes
    kernels of convolution and attention as matrices, and never their biases.

    Args:
        learning_rate: size of a step, as for Adam if rms_rate is 0.2; weights decay by 0.004 by default.
        adam_beta_1, adam_beta_2, adam_weight_decay, epsilon, adam_lr_ratio: of Adam; the last is a factor on the rate.
        exclude_layers: regular expressions; where one is found in a path, Adam moves the variable.
        exclude_embeddings: whether Adam moves variables with "embedding" in their path.
        momentum, nesterov, ns_steps, muon_a, muon_b, muon_c: as in the box.
        rms_rate: root mean square of X after scaling, about; None: scale = 1.
        axes: leading axes that are rows, by pattern; else all but the last; {}: only 2-D variables, as in Keras.
        coefficients: "polar_express", or [a, b, c] of each iteration, in place of muon_a, muon_b, muon_c and ns_steps.
        width_scale: scale by sqrt(max(1, columns / rows)) in place of rms_rate, as by Jordan.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Muon, simulate
    >>> simulate(Muon(1.0, weight_decay=0.0), [[1.0, 2.0]] * 2, [[[0.0, 3.0], [4.0, 0.0]]])
    array([[[1.        , 1.79553975],
            [0.68344133, 2.        ]]])
    """

    family = "matrix"
    muon_a: AnyNumber = keyword_only(default=3.4445)
    muon_b: AnyNumber = keyword_only(default=-4.775)
    muon_c: AnyNumber = keyword_only(default=2.0315)
    adam_lr_ratio: NonNegative = keyword_only(default=1)
    momentum: ClosedFraction = keyword_only(default=0.95)
    ns_steps: Steps = keyword_only(default=5)
    nesterov: bool = keyword_only(default=True)
    rms_rate: NonNegative | None = keyword_only(default=0.2)
    axes: Axes | None = keyword_only(default=None)
    coefficients: Coefficients | None = keyword_only(default=None)
    width_scale: bool = keyword_only(default=False)

    def of_matrix(self, h: Any, g: Any, s: Any) -> Any:
        s.m = h.momentum * s.m + g
        u = g + h.momentum * s.m if self.nesterov else s.m
        scale = 1.0 if h.rms_rate is None else h.rms_rate * max(s.m.shape) ** 0.5
        scale = max(1.0, s.m.shape[1] / s.m.shape[0]) ** 0.5 if self.width_scale else scale
        return scale * orthogonalized(u, triples_of(self.coefficients, (h.muon_a, h.muon_b, h.muon_c), self.ns_steps))
