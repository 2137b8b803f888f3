"""Optimizers for Keras 3 on TensorFlow: correct, fast, and short enough to read next to the paper."""

from tfoptim import callbacks as callbacks
from tfoptim import schedules as schedules
from tfoptim import solvers as solvers
from tfoptim import training as training
from tfoptim.declaration import presentation as _presentation
from tfoptim.evaluation.batch_norm import update_batch_norm as update_batch_norm
from tfoptim.full_loss import full_loss as full_loss
from tfoptim.layers import layer_decay as layer_decay
from tfoptim.optimizer import Optimizer as Optimizer
from tfoptim.rules.adabelief import AdaBelief as AdaBelief
from tfoptim.rules.adabound import AdaBound as AdaBound
from tfoptim.rules.adadelta import Adadelta as Adadelta
from tfoptim.rules.adafactor import Adafactor as Adafactor
from tfoptim.rules.adagrad import AdaGrad as AdaGrad
from tfoptim.rules.adagrad import AdaGrad as Adagrad  # as Keras spells it
from tfoptim.rules.adahessian import AdaHessian as AdaHessian
from tfoptim.rules.adam import Adam as Adam
from tfoptim.rules.adamax import Adamax as Adamax
from tfoptim.rules.adamw import AdamW as AdamW
from tfoptim.rules.adan import Adan as Adan
from tfoptim.rules.ademamix import AdEMAMix as AdEMAMix
from tfoptim.rules.adopt import ADOPT as ADOPT
from tfoptim.rules.clmr import CLMR as CLMR
from tfoptim.rules.clr import CLR as CLR
from tfoptim.rules.cocob import COCOB as COCOB
from tfoptim.rules.conditional_gradient import ConditionalGradient as ConditionalGradient
from tfoptim.rules.dog import DoG as DoG
from tfoptim.rules.ftrl import Ftrl as Ftrl
from tfoptim.rules.gd import GD as GD
from tfoptim.rules.kron import Kron as Kron
from tfoptim.rules.lamb import Lamb as Lamb
from tfoptim.rules.laprop import LaProp as LaProp
from tfoptim.rules.lars import LARS as LARS
from tfoptim.rules.lion import Lion as Lion
from tfoptim.rules.madgrad import MADGRAD as MADGRAD
from tfoptim.rules.mars import MARS as MARS
from tfoptim.rules.momentum import Momentum as Momentum
from tfoptim.rules.muon import Muon as Muon
from tfoptim.rules.nadam import Nadam as Nadam
from tfoptim.rules.nadamw import NAdamW as NAdamW
from tfoptim.rules.novograd import NovoGrad as NovoGrad
from tfoptim.rules.prodigy import Prodigy as Prodigy
from tfoptim.rules.proximal_adagrad import ProximalAdagrad as ProximalAdagrad
from tfoptim.rules.qhadam import QHAdam as QHAdam
from tfoptim.rules.qhm import QHM as QHM
from tfoptim.rules.radam import RAdam as RAdam
from tfoptim.rules.rmsprop import RMSprop as RMSprop
from tfoptim.rules.rprop import Rprop as Rprop
from tfoptim.rules.schedule_free_adamw import ScheduleFreeAdamW as ScheduleFreeAdamW
from tfoptim.rules.schedule_free_sgd import ScheduleFreeSGD as ScheduleFreeSGD
from tfoptim.rules.sgd import SGD as SGD
from tfoptim.rules.sgdw import SGDW as SGDW
from tfoptim.rules.shampoo import Shampoo as Shampoo
from tfoptim.rules.signsgd import SignSGD as SignSGD
from tfoptim.rules.signum import Signum as Signum
from tfoptim.rules.soap import SOAP as SOAP
from tfoptim.rules.stable_adamw import StableAdamW as StableAdamW
from tfoptim.rules.yogi import Yogi as Yogi
from tfoptim.simulate import simulate as simulate
from tfoptim.solvers import LBFGS as LBFGS
from tfoptim.solvers import least_squares as least_squares
from tfoptim.solvers import minimize as minimize
from tfoptim.update.kernels import proximal as _proximal  # noqa: F401  adds its kernels to the table
from tfoptim.update.kernels import tensorflow as _tensorflow  # noqa: F401  adds its kernels to the table
from tfoptim.wrappers.lookahead import Lookahead as Lookahead
from tfoptim.wrappers.loss_scale import LossScaleOptimizer as LossScaleOptimizer
from tfoptim.wrappers.multi import MultiOptimizer as MultiOptimizer
from tfoptim.wrappers.sam import SAM as SAM

from tfoptim.registry import available as available  # isort: skip  after the classes it lists
from tfoptim.registry import get as get  # isort: skip
from tfoptim.counterparts import to_keras as to_keras  # isort: skip
from tfoptim.interop import from_keras as from_keras  # isort: skip

__version__ = "0.2.0"
__all__ = [
    "ADOPT",
    "CLMR",
    "CLR",
    "COCOB",
    "GD",
    "LARS",
    "LBFGS",
    "MADGRAD",
    "MARS",
    "QHM",
    "SAM",
    "SGD",
    "SGDW",
    "SOAP",
    "AdEMAMix",
    "AdaBelief",
    "AdaBound",
    "AdaGrad",
    "AdaHessian",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "ConditionalGradient",
    "DoG",
    "Ftrl",
    "Kron",
    "LaProp",
    "Lamb",
    "Lion",
    "Lookahead",
    "LossScaleOptimizer",
    "Momentum",
    "MultiOptimizer",
    "Muon",
    "NAdamW",
    "Nadam",
    "NovoGrad",
    "Optimizer",
    "Prodigy",
    "ProximalAdagrad",
    "QHAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "Shampoo",
    "SignSGD",
    "Signum",
    "StableAdamW",
    "Yogi",
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
    "to_keras",
    "training",
    "update_batch_norm",
]
_presentation.check_backend()
__getattr__ = _presentation.missing(__name__)
__dir__ = _presentation.shown(__name__)
