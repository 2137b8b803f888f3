"""Base of rules that make the step of each variable as long as its weights say."""

from __future__ import annotations

from typing import Any

from tfoptim.groups import Exclusion
from tfoptim.ops import where
from tfoptim.optimizer import Optimizer


class LayerWise(Optimizer):
    """Base of Lamb and LARS: the step of a variable is scaled by the norm of its weights ("layer adaptation").

    `h.layer_adaptation` is None for variables that are excluded from it, else 1.
    """

    family = "layer-wise"
    elementwise = False
    excludable = (*Optimizer.excludable, "layer_adaptation")

    def exclude_from_layer_adaptation(self, var_list: Any = None, var_names: Any = None) -> None:
        r"""Excludes variables from layer adaptation: their factor is 1. Call it before the optimizer is built.

        Usual for biases and for scales of normalisation, which are mostly excluded from weight decay too. Saved with
        the config.

        Args:
            var_list: variables to exclude.
            var_names: regular expressions; a variable is excluded if one is found in its path, such as
                `["bias", r"norm_\d+/gamma$"]`.

        Raises:
            ValueError: an expression is malformed; or, when the optimizer is built, something fits no variable; or the
                optimizer is built already and this differs from what it was built with.
            TypeError: an argument is no list of such things.
        """
        self._exclude(Exclusion.of("layer_adaptation", var_list, var_names))

    def adaptation(self, h: Any, factor: Any, known: Any) -> Any:
        """Returns the factor of a variable's step: 1 where it is not known, and for excluded variables.

        Args:
            h: hyperparameters of the variable.
            factor: by the box of the rule.
            known: condition: no norm of which the factor is a ratio is 0.
        """
        return 1.0 if h.layer_adaptation is None else where(known, factor, 1.0)
