"""No value that is not finite arises in a step whose gradients are, at any end of any domain: debuggers stop there."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CLASSES
from tests.library.harness import stepper, values_of
from tests.library.products import crossed, representative_class

pytestmark = pytest.mark.filterwarnings("ignore:.*swapped")
ALMOST_ONE, ALMOST_ZERO = 0.99999999, 1e-30
KINDS = ("zero", "one", "sparse", "vanishing")  # of gradients
SCHEDULES = {
    "cosine": lambda: keras.optimizers.schedules.CosineDecay(0.1, 2),
    "polynomial": lambda: keras.optimizers.schedules.PolynomialDecay(0.1, 2, 0.0),
    "one cycle": lambda: tfoptim.schedules.OneCycle(0.0, 0.1, 0.0, 2, tail=0.0),
    "warm-up": lambda: tfoptim.schedules.WarmupCosine(0.1, 2),
    "vanishing": lambda: tfoptim.schedules.Cyclic(0.0, 0.1, 2, "exponential", 1e-300),
}
EVERYWHERE = {
    "still": {"learning_rate": 0.0},
    "clipped to nothing": {"clipnorm": 5e-324},
    "clipped together": {"global_clipnorm": 1.0},
    "average of now": {"use_ema": True, "ema_momentum": 0.0, "ema_overwrite_frequency": 2},
    "average of the start": {"use_ema": True, "ema_momentum": 1.0},
}


@pytest.fixture(autouse=True)
def stops_at_what_is_not_finite():
    """TensorFlow's debugger, eagerly and in graphs."""
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()


def lowest(domain):
    """The lower end of a domain, or what is next to it; of one without lower end the upper."""
    if math.isinf(domain.low):
        return domain.high
    return domain.low if domain.closed_low else max(math.nextafter(domain.low, math.inf), ALMOST_ZERO)


def ends(case):
    """Numbers of a row's class at the ends of their domains: all at the lower, all at the upper, and one at a time."""
    cls = getattr(tfoptim, case.name)
    numbers = {name: field.domain for name, field in cls.fields.items() if name not in tfoptim.Optimizer.fields}
    intervals = {name: domain for name, domain in numbers.items() if hasattr(domain, "high")}
    bounded = {name: domain for name, domain in intervals.items() if math.isfinite(lowest(domain))}
    low = {name: lowest(domain) for name, domain in bounded.items()}
    high = {n: 1.0 if domain.closed_high else ALMOST_ONE for n, domain in bounded.items() if domain.high == 1}
    # A number that is at most another one goes to its lower end with it.
    smaller = {large: {small: low[small]} for small, large in cls.ordered}
    singly = [{name: end[name]} | smaller.get(name, {}) for end in (low, high) for name in end]
    return {"low": [low], "high": [high], "singly": singly}


def gradient(kind):
    """Zeros, ones, squares that vanish in float32, or a row touched twice."""
    if kind == "sparse":
        return tf.IndexedSlices(tf.ones([2, 3]), tf.constant([1, 1]), tf.constant([6, 3]))
    return tf.fill([6, 3], {"zero": 0.0, "one": 1.0, "vanishing": 1e-30}[kind])


def finish(optimizer, kinds=KINDS, mode="graph", start=0):
    """Steps with each kind of gradient; asserts that all state is finite."""
    variables = [keras.Variable(np.ones((6, 3), "float32")), keras.Variable(np.zeros(5, "float32"))]
    optimizer.build(variables)
    getattr(optimizer, "inner_optimizer", optimizer)._iterations.assign(start)
    step = stepper(optimizer, variables, mode)
    for kind in kinds:
        step([gradient(kind), tf.zeros(5)])
    state = [*variables, *optimizer.variables]
    assert [v.path for v, x in zip(state, values_of(state), strict=True) if not np.all(np.isfinite(x))] == []


@crossed("where", ("low", "high", "singly"), representative=("low", "high"), rows=CLASSES)
def test_every_end_of_a_rules_domains_gives_finite_steps(case, where):
    """Without memory and epsilon, and with hardly any forgetting; zero gradients first."""
    for arguments in ends(case)[where]:
        finish(case.make(**arguments), kinds=("zero", "one", "vanishing") if where == "high" else KINDS)


@crossed("where", EVERYWHERE, in_turn=EVERYWHERE, rows=CLASSES)
def test_every_end_of_the_common_domains_gives_finite_steps(case, where):
    """Rate, clipping and averaging."""
    finish(case.make(**EVERYWHERE[where]), kinds=("zero", "one", "sparse"))


@representative_class
def test_first_and_very_late_steps_are_finite_without_a_graph(case):
    """Operation by operation, where every intermediate value is looked at."""
    tf.config.run_functions_eagerly(True)
    try:
        for start in (0, 10**9):
            finish(case.make(), kinds=("zero", "one"), mode="eager", start=start)
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_finite_past_their_ends(name):
    """As learning rate and, where it stays below 1, as beta."""
    finish(tfoptim.Adam(SCHEDULES[name](), beta_1=SCHEDULES[name]()))


@pytest.mark.parametrize("arguments", [{"cycle": 1}, {"cycle": 2, "peak_factor": 0.0}])
@pytest.mark.parametrize("cls", [tfoptim.CLR, tfoptim.CLMR])
def test_shortest_cycles_are_finite(cls, arguments):
    """Where each step ends a cycle."""
    finish(cls(**arguments))


@pytest.mark.parametrize("arguments", [{"momentum": 1.0, "nesterov": True}, {"momentum": 0.0}])
def test_momentum_without_loss_is_finite(arguments):
    """The ends of the momentum, which is no fraction."""
    finish(tfoptim.Momentum(**arguments))
    finish(tfoptim.SGD(**arguments, gradient_accumulation_steps=2, nonfinite="skip"))


def test_scale_of_a_loss_stops_growing_before_it_is_infinite():
    """Each of 4 steps doubles 2**125, and float32 ends at 2**128."""
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.Adam(), initial_scale=2.0**125, dynamic_growth_steps=1)
    finish(optimizer)
    assert float(optimizer.dynamic_scale) == 2.0**127


def test_large_variables_give_finite_steps():
    """Those that XLA compiles, or kernels update, in place."""
    for optimizer in (tfoptim.AdamW(beta_1=0.0, epsilon=0.0), tfoptim.RMSprop(epsilon=0.0), tfoptim.Nadam(beta_1=0.0)):
        table = keras.Variable(np.ones((300, 300), "float32"))
        for value in (0.0, 1.0):
            optimizer.apply([tf.fill([300, 300], value)], [table])
        assert np.all(np.isfinite(table.numpy()))


@representative_class
def test_what_has_had_no_gradient_stays_put_without_epsilon(case):
    """0 / 0 counts as 0, as in AdaGrad's paper, in TensorFlow and in NumPy."""
    epsilon = type(case.make()).fields.get("epsilon")
    arguments = {"epsilon": 0.0} if epsilon and epsilon.domain.closed_low else {}
    if case.name == "AdaGrad":
        arguments["initial_accumulator_value"] = 0.0
    finish(case.make(**arguments), kinds=("zero", "zero", "one"))
    path = tfoptim.simulate(case.make(weight_decay=0.0 if case.decays else None, **arguments), [1.0], [[0.0]])
    assert (path.tolist() == [[1.0]]) == case.still_at_gradient_zero
