"""CLR and CLMR: their rates match the formula at every step, in `fit` and after an interruption."""

import contextlib
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import assert_follows, random_gradients, start_weights, train
from tests.library.reference.cyclic import between
from tfoptim.schedules import Cyclic

CYCLE, STEPS = 8, 20  # two and a half cycles
ROUNDING = 1e-12  # of float64, over that many steps
SOLVED = 1e-9  # rates that are solved for from weights, whose differences have lost some digits


def test_clmr_equals_the_textbook_and_not_its_near_miss():
    """On w**2 / 2 from 1: worked out by hand with the momentum of the next step in the look-ahead."""
    weight = keras.Variable(1.0, dtype="float64")
    optimizer = tfoptim.CLMR(0.01, cycle=4)
    path = []
    for _ in range(6):
        optimizer.apply([tf.constant(weight.numpy(), tf.float64)], [weight])
        path.append(float(weight.numpy()))
    expected = [0.981, 0.86723775, 0.6486360525, 0.4705411, 0.3334228465, 0.1718710458]
    assert path == pytest.approx(expected, abs=5e-8)  # as printed, the fourth with seven digits
    assert path[2] != pytest.approx(0.64417906, abs=1e-3)


def test_momentum_under_two_schedules_is_the_form_of_keras():
    """The same function with `Momentum(nesterov=True)`: the momentum of this step in the look-ahead."""
    weight = keras.Variable(1.0, dtype="float64")
    optimizer = tfoptim.Momentum(Cyclic(0.01, 0.1, 4), momentum=Cyclic(0.85, 0.95, 4), nesterov=True)
    path = []
    for _ in range(6):
        optimizer.apply([tf.constant(weight.numpy(), tf.float64)], [weight])
        path.append(float(weight.numpy()))
    expected = [0.9815, 0.87083325, 0.64417906, 0.4578598212, 0.328258765, 0.1748166758]
    assert path == pytest.approx(expected, abs=5e-10)  # as printed


@pytest.mark.parametrize(
    ("cyclic", "plain"),
    [
        (
            tfoptim.CLMR(0.05, peak_factor=1.0, momentum=0.9, peak_momentum=0.9),
            tfoptim.SGD(0.05, momentum=0.9, nesterov=True),
        ),
        (
            tfoptim.CLMR(0.01, cycle=CYCLE, momentum=0.9, peak_momentum=0.9),
            tfoptim.CLR(0.01, cycle=CYCLE, nesterov=True),
        ),
        (tfoptim.CLR(0.01, cycle=CYCLE), tfoptim.Momentum(Cyclic(0.01, 0.1, CYCLE))),
        (tfoptim.CLR(0.01, cycle=CYCLE, momentum=0.0), tfoptim.SGD(Cyclic(0.01, 0.1, CYCLE))),
    ],
    ids=["constant rates", "constant momentum", "schedule", "schedule of SGD"],
)
def test_special_cases_are_the_plain_optimizers(cyclic, plain):
    """With nothing to cycle, CLMR is Nesterov; CLR is `Momentum` under a schedule."""
    start, gradients = start_weights(), random_gradients(STEPS)
    expected, actual = (train(o, start, gradients, mode="graph", dtype="float64") for o in (plain, cyclic))
    assert_follows(expected, actual, start, ROUNDING)


# The rates themselves


class Watch(keras.callbacks.Callback):
    """Keeps the weights and velocity after each batch, and those before the first."""

    def __init__(self, until=None):
        """Stops training, as if by accident, after so many batches."""
        super().__init__()
        self.until, self.seen = until, []

    def look(self):
        """Weights and velocity now."""
        (v,) = [v for v in self.model.optimizer.variables if v.path.endswith("_v")]
        self.seen.append((self.model.layers[0].kernel.numpy().ravel(), v.numpy().ravel()))

    def on_train_begin(self, logs=None):
        """The start, or what `Resume` has put back."""
        self.look()

    def on_train_batch_end(self, batch, logs=None):
        """After each step."""
        self.look()
        if len(self.seen) - 1 == self.until:
            raise KeyboardInterrupt


EXAMPLES = np.random.default_rng(3).normal(size=(STEPS, 2))


def program(folder, optimizer, until=None):
    """Trains on one example a step, whose inputs are the gradient; returns what was seen and the step it began at."""
    model = keras.Sequential(
        [keras.Input((2,), dtype="float64"), keras.layers.Dense(1, use_bias=False, dtype="float64")]
    )
    model.layers[0].kernel.assign([[0.3], [-0.2]])
    model.compile(optimizer, loss=lambda y, p: p)
    resume, watch = tfoptim.callbacks.Resume(folder, every_steps=1), Watch(until)
    begin, data = resume.step, tf.data.Dataset.from_tensor_slices((EXAMPLES, np.zeros((STEPS, 1)))).batch(1)
    with contextlib.suppress(KeyboardInterrupt):
        given = {"epochs": 1, "initial_epoch": resume.epoch, "callbacks": [resume, watch], "shuffle": False}
        model.fit(resume.data(lambda epoch: data), verbose=0, **given)
    done = [pair for i, pair in enumerate(watch.seen) if i == 0 or not np.array_equal(pair[0], watch.seen[i - 1][0])]
    return done, begin


def rates_of(seen, begin):
    """Learning rate, momentum and next momentum of each step, solved for from what it did to weights and velocity."""
    found = []
    for i, ((w, v), (new_w, new_v)) in enumerate(itertools.pairwise(seen), start=begin):
        g = EXAMPLES[i]
        momentum, rate = np.linalg.solve(np.stack([v, -g], axis=1), new_v) if i else (np.nan, -new_v[0] / g[0])
        following = (new_w - w + rate * g)[0] / new_v[0]
        found.append((rate, momentum, following))
    return np.array(found)


@pytest.mark.parametrize("stop", [None, 11], ids=["in one go", "after an interruption"])
@pytest.mark.parametrize("momentum_cycle", [None, 6])
def test_rates_of_clmr_match_the_formula_at_every_step_of_fit(stop, momentum_cycle, tmp_path):
    """Over two and a half cycles; the interruption is in the middle of the second, in a program that begins anew."""

    def make():
        return tfoptim.CLMR(0.01, cycle=CYCLE, momentum_cycle=momentum_cycle)

    seen, begin = program(tmp_path, make(), stop)
    rates = rates_of(seen, begin)
    if stop is not None:
        seen, begin = program(tmp_path, make())
        rates = np.concatenate([rates, rates_of(seen, begin)])
        assert begin == stop
    assert STEPS == len(rates)
    steps, beta = range(STEPS), momentum_cycle or CYCLE
    np.testing.assert_allclose(rates[:, 0], [between(0.01, 0.1, CYCLE, i) for i in steps], rtol=SOLVED)
    np.testing.assert_allclose(rates[1:, 1], [between(0.85, 0.95, beta, i) for i in steps[1:]], rtol=SOLVED)
    np.testing.assert_allclose(rates[:, 2], [between(0.85, 0.95, beta, i + 1) for i in steps], rtol=SOLVED)


def test_decay_is_scaled_by_the_rate_of_the_step():
    """On zero gradients the weights shrink by 1 - rate * decay, with the rate of each step."""
    weight = keras.Variable(1.0, dtype="float64")
    optimizer = tfoptim.CLMR(0.01, cycle=4, weight_decay=0.5)
    expected = 1.0
    for i in range(8):
        optimizer.apply([tf.constant(0.0, tf.float64)], [weight])
        expected *= 1 - 0.5 * between(0.01, 0.1, 4, i)
        assert expected == pytest.approx(float(weight.numpy()), rel=ROUNDING)
