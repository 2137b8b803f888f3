"""Methods find minima in about as many evaluations as scipy's, and are what their papers prove on quadratics."""

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.solvers.functions import logistic, quadratic, rosenbrock, search
from tfoptim import solvers

TWO, TWENTY = [-1.2, 1.0], np.tile([-1.2, 1.0], 10)
EXACT = solvers.Wolfe(curvature=1e-3)  # on a quadratic, whose cubic interpolation is exact
METHODS = {
    "lbfgs": solvers.LBFGS(),
    "bfgs": solvers.BFGS(),
    "cg": solvers.NonlinearCG(),
    "newton_cg": solvers.NewtonCG(),
    "newton": solvers.Newton(),
}


# Evaluations by scipy 1.17.1, gtol=1e-8: L-BFGS-B (maxcor=10, ftol=0), BFGS, CG; Newton-CG (xtol=1e-12), with products.
SCIPY = {
    "rosenbrock 2": {"lbfgs": 46, "bfgs": 41, "cg": 80, "newton_cg": 107, "products": 147},
    "rosenbrock 20": {"lbfgs": 170, "bfgs": 188, "cg": 930, "newton_cg": 168, "products": 641},
    "quadratic": {"lbfgs": 784, "bfgs": 111, "cg": 1719, "newton_cg": 29, "products": 418},
    "logistic": {"lbfgs": 23, "bfgs": 71, "cg": 221, "newton_cg": 11, "products": 51},
}
# Function, start and lowest loss, that of scipy too; the quadratic's is that of the solution of its linear system.
PROBLEMS = {
    "rosenbrock 2": (rosenbrock, TWO, 0.0),
    "rosenbrock 20": (rosenbrock, TWENTY, 0.0),
    "quadratic": (quadratic(50, 1e4)[0], np.zeros(50), -1.416627496715),
    "logistic": (logistic(), np.zeros(10), 0.093962432427),
}


@pytest.mark.parametrize("name", ["lbfgs", "bfgs", "cg", "newton_cg"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_method_needs_few_evaluations(problem, name):
    """At most 1.3 times as many as scipy's, to the same loss; each gradient and loss counts as one."""
    function, start, least = PROBLEMS[problem]
    result, x = search(function, start, METHODS[name])
    assert result.evaluations <= 1.3 * SCIPY[problem][name]
    assert result.products <= 1.3 * SCIPY[problem]["products"]
    assert result.loss == float(function(tf.constant(x)))
    assert result.loss == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_in_float32_every_method_ends_where_the_digits_do(name):
    """With that reason, not with an error; its digits reach a loss that small."""
    result, _ = search(lambda x: 1 + rosenbrock(3 * x), TWO, METHODS[name], dtype="float32", tolerance=1e-12)
    assert result.reason.startswith("precision: ")
    assert result.loss == pytest.approx(1.0, abs=1e-5)


def test_bfgs_takes_the_same_path_for_multiples_of_a_loss():
    """Its first step has length 1."""
    results = [search(lambda x, k=k: k * rosenbrock(x), TWO, solvers.BFGS(), steps=20)[0] for k in (1.0, 1024.0)]
    paths = [[now.loss / k for now in result.history] for result, k in zip(results, (1.0, 1024.0), strict=True)]
    np.testing.assert_array_equal(*paths)


def test_newton_cg_leaves_a_region_of_negative_curvature_by_a_step_of_its_scale():
    """Along the gradient, as long as the curvature says."""
    p = solvers.NewtonCG().direction(None, solvers.Point(np.zeros(2), 0.0, np.array([3.0, 4.0])), lambda v: -100 * v)
    np.testing.assert_allclose(p, [-0.03, -0.04])


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_minimum_of_a_valley(name):
    """Rosenbrock's function, to the tolerance of the gradient."""
    result, x = search(rosenbrock, TWO, METHODS[name])
    assert result.reason.startswith("gradient: ")
    np.testing.assert_allclose(x, 1.0, atol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_minimum_of_a_convex_loss(name):
    """Logistic regression: all agree with each other to 1e-9 of the loss."""
    result, _ = search(logistic(), np.zeros(10), METHODS[name], tolerance=1e-7)
    reference, _ = search(logistic(), np.zeros(10), solvers.LBFGS(), tolerance=1e-9)
    assert result.loss == pytest.approx(reference.loss, abs=1e-9)


def test_descent_falls_by_the_rate_of_its_theory():
    """Exact steepest descent: ((k - 1) / (k + 1))^2 an iteration on a quadratic of condition k (Kantorovich)."""
    function, a, b = quadratic(6, 10.0)
    least = float(function(tf.constant(np.linalg.solve(a, b))))
    result, _ = search(function, np.ones(6), solvers.GD(), search=EXACT, steps=30)
    gaps = np.array([now.loss - least for now in result.history])
    assert np.all(gaps[1:20] <= gaps[:19] * (9 / 11) ** 2 * 1.01)


@pytest.mark.parametrize(
    "method",
    [solvers.LBFGS(history=8), solvers.BFGS(), *(solvers.NonlinearCG(name) for name in solvers.FORMULAS)],
    ids=repr,
)
def test_a_quadratic_of_n_weights_ends_after_n_iterations_with_an_exact_search(method):
    """Conjugate directions: n, and one more for rounding."""
    result, _ = search(quadratic(8, 20.0)[0], np.ones(8), method, search=EXACT, tolerance=1e-6)
    assert result.iterations <= 9


def test_bfgs_from_the_identity_is_conjugate_gradients():
    """With an exact search on a quadratic the paths agree, and the matrix becomes the inverse of the Hessian."""
    function, a, _ = quadratic(5, 10.0)
    methods = solvers.BFGS(scaled=False), solvers.NonlinearCG("fletcher-reeves")
    exact = solvers.Wolfe(curvature=2e-4)
    results = [search(function, np.ones(5), method, search=exact, steps=4)[0] for method in methods]
    paths = [[now.loss for now in result.history] for result in results]
    np.testing.assert_allclose(*paths, rtol=1e-5)
    method = solvers.BFGS(scaled=False)
    c, x = method.begin(5), np.ones(5)
    for _ in range(5):
        s = -np.asarray(c if len(c) else np.eye(5)) @ (a @ x)
        s = s * -(s @ a @ x) / (s @ a @ s)
        old, new = (solvers.Point(w, 0.0, a @ w) for w in (x, x + s))
        c, x = method.learn(c, old, new), x + s
    np.testing.assert_allclose(c, np.linalg.inv(a), atol=1e-10)


def test_newton_solves_a_quadratic_in_one_step_and_leaves_a_saddle():
    """Its step is the whole solution; near a saddle point it goes down where the Hessian is negative."""
    result, _ = search(quadratic(6, 1e3)[0], np.ones(6), solvers.Newton(), tolerance=1e-6)
    assert result.iterations == 1
    result, x = search(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 1e-3], solvers.Newton())
    assert result.loss == pytest.approx(-0.25)
    assert abs(x[1]) == pytest.approx(0.5**0.5)


def test_products_with_the_hessian_are_exact_and_counted():
    """A tenth of a percent is what finite differences would give; these have all digits."""
    _, a, _ = function = quadratic(6, 100.0)
    x = tfoptim.solvers.Flat("test", [variable := tf.Variable(np.ones(6))])
    objective = solvers.Objective("test", lambda: function[0](variable), x)
    v = np.arange(6.0)
    np.testing.assert_allclose(objective.product(np.ones(6), v), a @ v, rtol=1e-12)
    assert objective.products == 1
    result, _ = search(logistic(), np.zeros(10), solvers.NewtonCG())
    assert result.products > result.iterations


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: solvers.LBFGS(history=0), r"LBFGS: history must be an integer >= 1, got 0"),
        (lambda: solvers.NewtonCG(products=0), r"NewtonCG: products must be an integer >= 1, got 0"),
        (lambda: solvers.NonlinearCG("polak"), r"NonlinearCG: formula must be .*'polak'"),
        (lambda: solvers.Wolfe(decrease=0.7), r"Wolfe: decrease must satisfy 0 < x < 0.5, got 0.7"),
        (lambda: solvers.Wolfe(0.1, 0.05), r"Wolfe: curvature must satisfy decrease < x < 1, got 0.05"),
        (lambda: search(rosenbrock, np.zeros(6000), solvers.BFGS()), r"BFGS keeps a matrix .* at most n = 5,000"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    """In one sentence, when the method is made or at the start."""
    with pytest.raises(ValueError, match=message):
        make()


def test_a_method_without_direction_says_what_to_define():
    """For those who write one."""
    with pytest.raises(NotImplementedError, match=r"Method must define direction\(memory, point, product\)"):
        search(rosenbrock, TWO, solvers.Method())


def test_a_pair_without_curvature_is_not_learned():
    """It would make the matrix indefinite."""
    old, new = (solvers.Point(x, 0.0, -x) for x in (np.zeros(2), np.ones(2)))
    assert solvers.BFGS().learn([], old, new) == []
    assert solvers.LBFGS().learn([], old, new) == []


def test_a_direction_that_rises_is_replaced_by_steepest_descent():
    """So is one that is not finite; the memory is emptied."""

    class Wrong(solvers.GD):
        def direction(self, memory, point, product):
            """Uphill, then nowhere."""
            return point.gradient if not memory else np.full_like(point.gradient, np.nan)

    result, x = search(quadratic(3, 5.0)[0], np.ones(3), Wrong(), tolerance=1e-4)
    assert result.reason.startswith("gradient: ")
    assert np.all(np.isfinite(x))
