"""SAM and ASAM around an optimizer: values and numbers."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import MODES, values_of, variables_of
from tests.library.products import representative
from tests.library.quadratic import START, gradients_at, loss_of, train
from tests.library.reference.sam import gradients_nearby, sam
from tfoptim import MultiOptimizer

KNOWN = {  # after 5 steps of gradient descent at 0.05 with rho 0.05 from START[0]
    False: [0.7676779466, -0.1406029676, 0.0042024472],
    True: [0.7652161088, -0.1594222839, 0.0145964530],
}
ROUNDING = 1e-12  # float64, the same formula in another order


def assert_follows(expected, actual, tolerance=ROUNDING):
    """Both trajectories agree."""
    for wanted, got in zip(expected, actual, strict=True):
        for w, v in zip(wanted, got, strict=True):
            np.testing.assert_allclose(v, w, rtol=0, atol=tolerance)


@pytest.mark.parametrize("mode", [*MODES, "xla"])
@pytest.mark.parametrize("adaptive", KNOWN)
def test_known_answers(adaptive, mode):
    """As published for both, to all ten digits, also where XLA compiles the whole step."""
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05), rho=0.05, adaptive=adaptive)
    traced = {"jit_compile": True} if mode == "xla" else {}
    *_, (last,) = train(optimizer, 5, mode=mode, start=START[:1], **traced)
    np.testing.assert_allclose(last, KNOWN[adaptive], rtol=0, atol=6e-11)


@pytest.mark.parametrize("adaptive", [False, True])
def test_it_is_the_loop_of_the_paper(adaptive):
    """Two variables have one norm; momentum and decay act on the weights and gradients that they always do."""
    settings = {"momentum": 0.9, "weight_decay": 0.01}
    expected = sam(START, gradients_at, 12, 0.05, **settings, rho=0.3, adaptive=adaptive)
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05, **settings), rho=0.3, adaptive=adaptive)
    assert_follows(expected, train(optimizer, 12, mode="graph"))


def test_each_accumulated_call_has_its_own_perturbation():
    """Three calls at the same weights are one step on their mean."""
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05, gradient_accumulation_steps=3), rho=0.3)
    expected = sam(START, gradients_at, 4, rho=0.3, calls=3)
    assert_follows(expected, train(optimizer, 12)[2::3])


@representative
def test_every_rule_steps_by_the_gradients_nearby(case):
    """SAM of a rule is the rule, given the gradients that NumPy finds at the perturbed weights."""
    plain, variables = case.make(), variables_of(START, "float64")
    expected = []
    for _ in range(6):
        nearby = gradients_nearby(values_of(variables), gradients_at, rho=0.2)
        plain.apply([tf.constant(g) for g in nearby], variables)
        expected.append(values_of(variables))
    assert_follows(expected, train(tfoptim.SAM(case.make(), rho=0.2), 6))


def test_lookahead_may_be_inside():
    """Slow weights return by the steps taken with the gradients nearby, which are counted once; the radius is live."""
    found = train(tfoptim.SAM(tfoptim.Lookahead(tfoptim.SGD(0.05), 3, 0.25), rho=0.3), 3, mode="graph")
    *_, last = sam(START, gradients_at, 3, 0.05, rho=0.3)
    halfway = [w + 0.25 * (fast - w) for w, fast in zip(START, last, strict=True)]
    assert_follows([*sam(START, gradients_at, 2, 0.05, rho=0.3), halfway], found)
    optimizer = tfoptim.SAM(tfoptim.Lookahead(tfoptim.SGD(0.05)))
    optimizer.learning_rate, optimizer.sam_rho = 0.1, 0.4
    same = copy.deepcopy(optimizer)
    assert repr(same) == "SAM(optimizer=Lookahead(SGD(learning_rate=0.1)), rho=0.4)"
    assert_follows(train(optimizer, 2), train(same, 2), tolerance=0)
    assert_follows(sam(START, gradients_at, 2, 0.1, rho=0.4), train(same.from_config(same.get_config()), 2))


def test_without_a_radius_it_is_the_optimizer():
    """`rho=0` moves nothing, so the weights have the same bits."""
    expected = train(tfoptim.Adam(0.1), 3)
    assert_follows(expected, train(tfoptim.SAM(tfoptim.Adam(0.1), rho=0), 3), tolerance=0)


def test_clipping_and_averages_act_on_the_second_gradient():
    """A clip below every gradient gives steps of its length, and the average is of the weights, not of moved ones."""
    optimizer = tfoptim.SAM(tfoptim.SGD(1.0, global_clipnorm=0.01, use_ema=True, ema_momentum=0.5), rho=0.5)
    variables = variables_of(START, "float64")
    before = values_of(variables)
    optimizer.apply(optimizer.gradients(loss_of(variables), variables), variables)
    moves = [after - w for after, w in zip(values_of(variables), before, strict=True)]
    assert np.sqrt(sum(np.sum(move**2) for move in moves)) == pytest.approx(0.01)  # float64, one division
    after = values_of(variables)
    optimizer.finalize_variable_values(variables)
    assert_follows([after], [values_of(variables)], tolerance=0)


# Numbers


def test_the_radius_may_follow_a_schedule():
    """Read at each step: 0.4, then 0.2."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.4, 0.2])
    found = train(tfoptim.SAM(tfoptim.SGD(0.05), rho=schedule), 2, mode="graph")
    first = sam(START, gradients_at, 1, rho=0.4)[0]
    # float32: Keras's schedule computes in it
    assert_follows([first, sam(first, gradients_at, 1, rho=0.2)[0]], found, tolerance=1e-8)


def test_an_assigned_radius_is_live():
    """A traced step follows; the config has the new one."""
    optimizer, variables = tfoptim.SAM(tfoptim.SGD(0.05)), variables_of(START, "float64")
    loss = loss_of(variables)
    step = tf.function(lambda: optimizer.apply(optimizer.gradients(loss, variables), variables))
    step()
    optimizer.sam_rho = 0.4
    before = values_of(variables)
    step()
    assert_follows(sam(before, gradients_at, 1, rho=0.4), [values_of(variables)])
    assert optimizer.get_config()["rho"] == 0.4


def test_the_names_of_the_rule_stay_its_own():
    """RMSprop has a rho too; where the rule has none, the hint names SAM's."""
    optimizer = tfoptim.SAM(tfoptim.RMSprop(rho=0.8), rho=0.1)
    assert (0.8, 0.1) == (optimizer.rho, optimizer.sam_rho)
    with pytest.raises(AttributeError, match="Did you mean 'sam_rho'"):
        tfoptim.SAM(tfoptim.SGD()).rho = 0.2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((keras.optimizers.SGD(),), TypeError, "got SGD. tfoptim.from_keras converts"),
        ((tfoptim.SAM(tfoptim.SGD()),), TypeError, r"must be a rule itself, or a Lookahead, got SAM\("),
        (
            (MultiOptimizer(tfoptim.SGD(), {"b": tfoptim.Adam()}),),
            TypeError,
            r"got MultiOptimizer.*give the rule groups",
        ),
        ((tfoptim.LossScaleOptimizer(tfoptim.SGD()),), TypeError, r"LossScaleOptimizer\(tfoptim.SAM\(optimizer\)\)"),
        ((tfoptim.SGD(), -1.0), ValueError, "SAM: rho must satisfy"),
        ((tfoptim.SGD(), 0.1, "yes"), TypeError, "SAM: adaptive must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    """In one sentence, with what to write instead."""
    with pytest.raises(error, match=message):
        tfoptim.SAM(*arguments)


def test_groups_may_differ_in_numbers_of_the_rule_but_not_in_the_radius():
    """One perturbation has one norm over all variables."""
    groups = {"weight_0": {"learning_rate": 0.0}}
    found = train(tfoptim.SAM(tfoptim.SGD(0.05, groups=groups)), 1)
    np.testing.assert_array_equal(found[0][0], START[0])
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05))
    optimizer.groups = groups
    assert_follows(found, train(optimizer, 1), tolerance=0)
    with pytest.raises(ValueError, match="'sam_rho' cannot differ"):
        tfoptim.SAM(tfoptim.SGD()).groups = {"weight_0": {"sam_rho": 0.1}}


def test_a_group_that_is_not_trained_takes_no_part():
    """Its gradient is not in the norm, and a NaN in it harms none."""
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05, groups={"weight_0": {"trainable": False}}), rho=0.3)
    alone = sam(START[1:], lambda weights: gradients_at([START[0], *weights])[1:], 3, rho=0.3)
    assert_follows([[START[0], *step] for step in alone], train(optimizer, 3, mode="graph"))
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05, groups={"weight_0": {"trainable": False}}), rho=0.3)
    found = train(optimizer, 1, start=[np.full(3, np.nan), START[1]])
    np.testing.assert_allclose(found[0][1], alone[0][0], rtol=0, atol=ROUNDING)


def test_unknown_variables_are_named():
    """By `apply`, as without SAM."""
    variables = variables_of(START, "float64")
    optimizer = tfoptim.SAM(tfoptim.SGD(0.05))
    optimizer.build(variables[:1])
    found = optimizer.gradients(loss_of(variables), variables)
    with pytest.raises(ValueError, match="Unknown variable: weight_1"):
        optimizer.apply(found, variables)
