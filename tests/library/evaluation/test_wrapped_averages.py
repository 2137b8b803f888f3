"""Averaged weights of optimizers made of others: kept by the whole, by the rule inside, or by one part alone."""

import numpy as np
import pytest
import tensorflow as tf

from tests.library.evaluation.models import QUIET, X, Y, averaged, bits, copy_with_averages, sgd, trained
from tests.library.harness import values_of, variables_of
from tfoptim import SAM, SGD, Adam, Lookahead, LossScaleOptimizer, MultiOptimizer
from tfoptim.callbacks import EvaluateAverage


def joined(**arguments):
    """Two rules, with one average of all weights."""
    inside = {"bias": Lookahead(SGD(0.2), sync_period=2)}
    return MultiOptimizer(Adam(0.1), inside, **{"use_ema": True, "ema_momentum": 0.5, **arguments})


WRAPPED = {
    "Lookahead": lambda: Lookahead(sgd(), sync_period=2),
    "MultiOptimizer": joined,
    "accumulating MultiOptimizer": lambda: joined(gradient_accumulation_steps=2),
    "scaled MultiOptimizer": lambda: LossScaleOptimizer(joined(), initial_scale=8.0),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_evaluation_finds_the_average_in_a_wrapper(name):
    """The loss is that of the averages; the weights and all state are afterwards as before."""
    model = trained(make=WRAPPED[name], epochs=2)
    before, loss = bits(model), model.evaluate(X, Y, callbacks=[EvaluateAverage()], **QUIET)
    assert loss == copy_with_averages(model, make=WRAPPED[name]).evaluate(X, Y, **QUIET)
    assert loss != model.evaluate(X, Y, **QUIET)
    assert before == bits(model)


@pytest.mark.parametrize("name", WRAPPED)
def test_loops_of_ones_own_ask_the_wrapper(name):
    """By the context, by the tensors, and at the end of a training."""
    model = trained(make=WRAPPED[name], epochs=2)
    optimizer, variables, expected = model.optimizer, model.trainable_variables, averaged(model)
    assert optimizer.averages
    for found, wanted in zip(optimizer.average_weights(variables), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    with optimizer.averaged(variables):
        held = values_of(variables)
    optimizer.finalize_variable_values(variables)
    for found, last, wanted in zip(held, values_of(variables), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(last, wanted)


def test_the_optimizers_inside_answer_for_their_variables():
    """A part of several shows its own variables alone, the rule in Lookahead all of them."""
    optimizer, (first, second) = MultiOptimizer(SGD(1.0), {"_1": SGD(1.0)}, use_ema=True, ema_momentum=0.5), pair()
    around = Lookahead(SGD(1.0, use_ema=True, ema_momentum=0.5))
    for taking in (optimizer, around):
        for _ in range(2):
            taking.apply([tf.ones(1)] * 2, [first, second])
    with optimizer.optimizers[1].averaged([first, second]):
        assert values_of([first, second]) == [[-4.0], [-1.5]]
    with around.inner.averaged([first, second]), around.averaged([first, second]):
        assert values_of([first, second]) == [[-3.5], [-3.5]]
    assert values_of([first, second]) == [[-4.0], [-4.0]]


class Doubled(SGD):
    """A rule with an average of its own: twice the weights."""

    averages = True

    def average_weights(self, variables):
        """Doubles."""
        assert all(self.knows(v) for v in variables)
        return [2 * tf.convert_to_tensor(v) for v in variables]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Lookahead(Doubled(1.0)), [-2.0, -2.0]),
        (lambda: MultiOptimizer(SGD(1.0), {"_1": Doubled(1.0)}), [-1.0, -2.0]),
        (lambda: MultiOptimizer(SGD(1.0), {"_1": Lookahead(Doubled(1.0))}), [-1.0, -2.0]),
        (lambda: LossScaleOptimizer(Doubled(1.0), initial_scale=1.0), [-2.0, -2.0]),
    ],
)
def test_a_rule_may_have_an_average_of_its_own(make, expected):
    """A wrapper asks the rule, and training ends with what it says."""
    optimizer, variables = make(), pair()
    optimizer.apply([tf.ones(1)] * 2, variables)
    with optimizer.averaged(variables):
        assert np.ravel(values_of(variables)).tolist() == expected
    assert np.ravel(values_of(variables)).tolist() == [-1.0, -1.0]
    optimizer.finalize_variable_values(variables)
    assert np.ravel(values_of(variables)).tolist() == expected


@pytest.mark.parametrize(
    ("optimizer", "advice"),
    [
        (Lookahead(SGD()), r"in SGD\(use_ema=True\)"),
        (SAM(SGD()), r"in SGD\(use_ema=True\)"),
        (SAM(Lookahead(Adam())), r"in Adam\(use_ema=True\)"),
        (MultiOptimizer(SGD(), {"_1": Adam()}), r"in MultiOptimizer\(use_ema=True\)"),
        (LossScaleOptimizer(SGD()), r"in SGD\(use_ema=True\)"),
    ],
)
def test_without_an_average_the_message_says_where_to_ask_for_it(optimizer, advice):
    """At the rule, or at the whole of several."""
    assert not optimizer.averages
    with pytest.raises(ValueError, match=advice):
        optimizer.average_weights(pair())
    with pytest.raises(ValueError, match=advice), optimizer.averaged(pair()):
        pass


def pair():
    """Two variables at 0."""
    return variables_of([np.zeros(1)] * 2)
