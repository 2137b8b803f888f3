"""Optimizers for Keras 3 on TensorFlow: correct, fast, and short enough to read next to the paper."""

from tfoptim import callbacks as callbacks
from tfoptim import schedules as schedules
from tfoptim import solvers as solvers
from tfoptim.declaration import presentation as _presentation
from tfoptim.full_loss import full_loss as full_loss
from tfoptim.layers import layer_decay as layer_decay
from tfoptim.optimizer import Optimizer as Optimizer
from tfoptim.rules.adadelta import Adadelta as Adadelta
from tfoptim.rules.adagrad import AdaGrad as AdaGrad
from tfoptim.rules.adagrad import AdaGrad as Adagrad  # as Keras spells it
from tfoptim.rules.adam import Adam as Adam
from tfoptim.rules.adamax import Adamax as Adamax
from tfoptim.rules.adamw import AdamW as AdamW
from tfoptim.rules.clmr import CLMR as CLMR
from tfoptim.rules.clr import CLR as CLR
from tfoptim.rules.gd import GD as GD
from tfoptim.rules.momentum import Momentum as Momentum
from tfoptim.rules.nadam import Nadam as Nadam
from tfoptim.rules.rmsprop import RMSprop as RMSprop
from tfoptim.rules.sgd import SGD as SGD
from tfoptim.simulate import simulate as simulate
from tfoptim.solvers import LBFGS as LBFGS
from tfoptim.solvers import least_squares as least_squares
from tfoptim.solvers import minimize as minimize
from tfoptim.update.kernels import tensorflow as _tensorflow  # noqa: F401  adds its kernels to the table
from tfoptim.wrappers.loss_scale import LossScaleOptimizer as LossScaleOptimizer

from tfoptim.registry import available as available  # isort: skip  after the classes it lists
from tfoptim.registry import get as get  # isort: skip
from tfoptim.interop import from_keras as from_keras  # isort: skip

__version__ = "0.1.0"
__all__ = [
    "CLMR",
    "CLR",
    "GD",
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LossScaleOptimizer",
    "Momentum",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "__version__",
    "available",
    "callbacks",
    "from_keras",
    "full_loss",
    "get",
    "layer_decay",
    "least_squares",
    "minimize",
    "schedules",
    "simulate",
    "solvers",
]
_presentation.check_backend()
__getattr__ = _presentation.missing(__name__)
__dir__ = _presentation.shown(__name__)
