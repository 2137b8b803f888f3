"""Methods that minimize a loss over all data: they need the loss itself, not only gradients of batches."""

from tfoptim.declaration import presentation as _presentation
from tfoptim.solvers.bfgs import BFGS as BFGS
from tfoptim.solvers.gd import GD as GD
from tfoptim.solvers.lbfgs import LBFGS as LBFGS
from tfoptim.solvers.least_squares import GaussNewton as GaussNewton
from tfoptim.solvers.least_squares import LevenbergMarquardt as LevenbergMarquardt
from tfoptim.solvers.least_squares import least_squares as least_squares
from tfoptim.solvers.line_search import Wolfe as Wolfe
from tfoptim.solvers.method import Method as Method
from tfoptim.solvers.minimize import Iteration as Iteration
from tfoptim.solvers.minimize import Result as Result
from tfoptim.solvers.minimize import minimize as minimize
from tfoptim.solvers.newton_cg import Newton as Newton
from tfoptim.solvers.newton_cg import NewtonCG as NewtonCG
from tfoptim.solvers.nonlinear_cg import FORMULAS as FORMULAS
from tfoptim.solvers.nonlinear_cg import NonlinearCG as NonlinearCG
from tfoptim.solvers.point import Flat as Flat
from tfoptim.solvers.point import Objective as Objective
from tfoptim.solvers.point import Point as Point

__all__ = [
    "BFGS",
    "FORMULAS",
    "GD",
    "LBFGS",
    "Flat",
    "GaussNewton",
    "Iteration",
    "LevenbergMarquardt",
    "Method",
    "Newton",
    "NewtonCG",
    "NonlinearCG",
    "Objective",
    "Point",
    "Result",
    "Wolfe",
    "least_squares",
    "minimize",
]
__getattr__ = _presentation.missing(__name__)
__dir__ = _presentation.shown(__name__)
