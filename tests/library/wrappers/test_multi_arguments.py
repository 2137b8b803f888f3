"""Arguments of MultiOptimizer: those of the whole step, those of the parts, and what makes no sense."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import variables_of
from tfoptim import SGD, Adam, Lookahead, MultiOptimizer


def joined(**arguments):
    """Two parts, named."""
    return MultiOptimizer(Adam(0.1, name="a"), {"bias": SGD(0.5, name="b")}, **{"name": "m", **arguments})


def inside(optimizer):
    """An optimizer that is in use by another."""
    MultiOptimizer(optimizer, {"bias": SGD()}, name="m")
    return optimizer


def built(optimizer, *names):
    """An optimizer with state for variables of these names."""
    optimizer.build([keras.Variable(np.ones(1), name=name) for name in names or ("weight", "bias")])
    return optimizer


class Clipped(Adam):
    """A user's optimizer that changes the gradients."""

    def apply(self, grads, trainable_variables=None):
        """Takes their signs."""
        super().apply([tf.sign(g) for g in grads], trainable_variables)


def subclass():
    """A class whose writes would not all be seen."""

    class Writing(MultiOptimizer):
        def assign(self, variable, value):
            """Nothing."""

    return Writing


REFUSED = [
    (lambda: joined(weight_decay=0.1), ValueError, r"weight_decay is an argument of the parts.*MultiOptimizer\(Adam\("),
    (lambda: joined(learning_rate=0.1), ValueError, r"learning_rate is an argument of the parts"),
    (lambda: joined(clipnrm=0.1), ValueError, r"has no argument 'clipnrm'. Did you mean 'clipnorm'"),
    (lambda: joined(clipnorm=-1.0), ValueError, r"MultiOptimizer: clipnorm must satisfy x > 0, got -1.0"),
    (
        lambda: MultiOptimizer(Adam(), {}),
        TypeError,
        r"parts must be a dictionary such as {\"kernel\": Adam\(\)}, got {}",
    ),
    (lambda: MultiOptimizer(Adam(), [SGD()]), TypeError, r"parts must be a dictionary"),
    (lambda: MultiOptimizer(Adam(), {3: SGD()}), TypeError, r"parts must be a dictionary"),
    (lambda: MultiOptimizer(Adam(), {"[a": SGD()}), ValueError, r"parts: '\[a' is no regular expression"),
    (lambda: MultiOptimizer(Adam(), {"a": "sgd"}), TypeError, r"parts\['a'\] must be .*got str. tfoptim.get\('sgd'\)"),
    (lambda: MultiOptimizer(keras.optimizers.SGD(), {"a": SGD()}), TypeError, r"default must be .* tfoptim.from_keras"),
    (lambda: MultiOptimizer(joined(), {"a": SGD()}), TypeError, r"default must be a rule or a Lookahead, got MultiOpt"),
    (lambda: Lookahead(joined()), TypeError, r"must be a rule itself, got MultiOptimizer\(.*put it around the rules"),
    (lambda: MultiOptimizer(built(Adam(name="a")), {"b": SGD()}), ValueError, r"a is built already; give a new one"),
    (lambda: MultiOptimizer(inside(Adam(name="a")), {"b": SGD()}), ValueError, r"a is inside m already; give another"),
    (lambda: MultiOptimizer(*[Clipped(), {"b": SGD()}]), TypeError, r"apply of Clipped would never be called"),
    (
        lambda: MultiOptimizer(Adam(use_ema=True), {"b": SGD()}),
        ValueError,
        r"use_ema of Adam is of the whole step: Multi",
    ),
    (lambda: MultiOptimizer(Adam(), dict.fromkeys("ab", SGD())), ValueError, r"needs an optimizer of its own; join"),
    (subclass, TypeError, r"Writing: assign would not be called for the weights; define it in the parts"),
    (
        lambda: setattr(joined(), "weight_decay", 0.1),
        ValueError,
        r"of the parts.* optimizer.optimizers\[0\].weight_decay",
    ),
    (
        lambda: setattr(joined().optimizers[1], "clipnorm", 1.0),
        ValueError,
        r"clipnorm is of the whole step; set it on m",
    ),
    (lambda: setattr(joined(), "clipnorm", -1.0), ValueError, r"MultiOptimizer: clipnorm must satisfy"),
    (lambda: setattr(built(joined()), "clipnorm", 1.0), ValueError, r"clipnorm cannot change from None to 1.0"),
    (lambda: joined().exclude_from_weight_decay(var_names=["bias"]), ValueError, r"on the parts that it concerns"),
    (
        lambda: built(joined(), "kernel"),
        ValueError,
        r"MultiOptimizer: parts: 'bias' fits no variable. There are: kernel",
    ),
    (
        lambda: built(MultiOptimizer(Adam(), {"bi": SGD(), "as": SGD()})),
        ValueError,
        r"MultiOptimizer: parts: 'bi' and 'as' both fit bias; one pattern at most may fit",
    ),
    (
        lambda: inside(Adam(name="a")).apply([1.0], [1.0]),
        RuntimeError,
        r"a takes no steps by itself.*inside m: use that",
    ),
    (
        lambda: tfoptim.LossScaleOptimizer(inside(Adam(name="a"))).apply([tf.ones(1)], variables_of([np.zeros(1)])),
        RuntimeError,
        r"a takes no steps by itself.*inside m: use that",
    ),
    (
        lambda: MultiOptimizer(tfoptim.SAM(SGD()), {"bias": SGD()}),
        TypeError,
        r"MultiOptimizer: SAM cannot be inside, because it needs the loss, not only gradients\.",
    ),
    (lambda: built(joined()).set_weights([1.0]), ValueError, r"m: got 1 arrays for 7 variables"),
    (lambda: joined().set_weights([]), ValueError, r"has not yet been built"),
    (lambda: tfoptim.get("MultiOptimizer"), ValueError, r"tfoptim.MultiOptimizer\(tfoptim.get\('adam'\), {'bias': tf"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_what_makes_no_sense_is_refused(make, error, message):
    """In one sentence, with the way out."""
    with pytest.raises(error, match=message):
        make()


def test_the_learning_rate_is_that_of_the_default():
    """Read and set, as a number or a schedule; the parts have their own."""
    optimizer = joined()
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == float(optimizer.optimizers[0].learning_rate) == 0.25
    assert (optimizer.given("learning_rate"), float(optimizer.optimizers[1].learning_rate)) == (0.25, 0.5)
    optimizer.learning_rate = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.125])
    variables = [keras.Variable(np.ones(1), name=name) for name in ("kernel", "bias")]
    for _ in range(2):
        optimizer.apply([tf.ones(1)] * 2, variables)
    assert float(optimizer.learning_rate) == 0.125
    assert [int(part.iterations) for part in (optimizer, *optimizer.optimizers)] == [2, 2, 2]


def test_numbers_of_the_whole_are_live():
    """A limit that is lowered acts on the next step of all parts."""
    optimizer = MultiOptimizer(SGD(1.0), {"_1": SGD(1.0)}, clipnorm=1.0)
    variables = variables_of([np.zeros(1)] * 2)
    optimizer.apply([tf.constant([4.0])] * 2, variables)
    optimizer.clipnorm = 0.5
    optimizer.apply([tf.constant([4.0])] * 2, variables)
    assert [float(v.numpy()[0]) for v in variables] == [-1.5, -1.5]


def test_it_is_shown_as_it_is_made():
    """With the arguments that are not defaults; the names of the parts are not those of the whole."""
    assert repr(joined(clipnorm=1.0)) == (
        "MultiOptimizer(Adam(learning_rate=0.1, name='a'), {'bias': SGD(learning_rate=0.5, name='b')}, clipnorm=1.0, "
        "name='m')"
    )
    assert "not made yet" in repr(MultiOptimizer.__new__(MultiOptimizer))
    assert repr(MultiOptimizer(Adam(), {"bias": SGD()})).endswith("{'bias': SGD()})")


def test_a_default_without_variables_is_allowed():
    """Its learning rate is still the one that callbacks set."""
    optimizer = MultiOptimizer(Adam(), {"bias": SGD(1.0)})
    bias = keras.Variable(np.zeros(1), name="bias")
    optimizer.apply([tf.ones(1)], [bias])
    assert float(bias.numpy()[0]) == -1.0


class Noting(MultiOptimizer):
    """A user's subclass with an argument and a call of its own."""

    note: bool = False
    calls = 0

    def apply(self, grads, trainable_variables=None):
        """Counts."""
        self.__dict__["calls"] = self.calls + 1
        super().apply(grads, trainable_variables)


class Fixed(MultiOptimizer):
    """A user's subclass that chooses its parts."""

    def __init__(self, rate):
        """Takes a rate alone."""
        super().__init__(Adam(rate), {"bias": SGD(rate)})


def test_a_subclass_may_choose_the_parts():
    """In a constructor of its own."""
    assert [float(part.learning_rate) for part in Fixed(0.5).optimizers] == [0.5, 0.5]


def test_a_subclass_keeps_its_arguments_and_its_calls():
    """Its constructor takes optimizers, and what it declares."""
    optimizer = Noting.from_config(Noting(Adam(), {"bias": SGD()}, note=True).get_config())
    built(optimizer).apply([tf.ones(1)] * 2)
    assert (optimizer.note, optimizer.calls) == (True, 1)


def test_an_argument_of_a_rule_is_set_on_its_part():
    """On the whole, nothing would read it; an attribute of a user's own may be there."""
    optimizer = MultiOptimizer(Adam(), {"bias": SGD()})
    with pytest.raises(AttributeError, match=r"MultiOptimizer: momentum is an argument of the parts, each for its"):
        optimizer.momentum = 0.5
    optimizer.mine = 0.5
    assert optimizer.mine == 0.5


def test_the_map_of_keras_is_answered_with_what_to_write():
    """Keras's takes one, with patterns that fit whole paths."""
    map_of_keras = type("OptimizerMap", (), {})()  # not in every version of Keras
    with pytest.raises(TypeError, match=r"got an OptimizerMap: write MultiOptimizer\(Adam\(\), .*from_keras"):
        MultiOptimizer(map_of_keras)
    with pytest.raises(TypeError, match="parts must be a dictionary such as"):
        MultiOptimizer(Adam())
