"""What cannot be converted, from Keras's optimizers or to them, is refused in a sentence; what is there is kept."""

import keras
import pytest

import tfoptim
from tests.library.harness import start_weights, variables_of


@pytest.mark.parametrize("wrap", [None, "LossScaleOptimizer"])
def test_what_is_there_already_is_returned_as_it_is(wrap):
    """There is nothing to convert."""
    for convert, library in ((tfoptim.from_keras, tfoptim), (tfoptim.to_keras, keras.optimizers)):
        optimizer = library.SGD() if wrap is None else getattr(library, wrap)(library.SGD())
        assert convert(optimizer) is optimizer


@pytest.mark.parametrize("foreign", [keras.optimizers.Optimizer(0.1), "adam"], ids=["the base", "a name"])
def test_what_is_no_optimizer_of_a_known_rule_is_refused(foreign):
    """The message lists the rules that can be taken over."""
    with pytest.raises(TypeError, match=rf"{type(foreign).__name__}.*adam, adamax"):
        tfoptim.from_keras(foreign)


def of_the_user():
    """An optimizer whose class a user derived."""
    return type("Mine", (tfoptim.Adam,), {"direction": lambda self, h, g, w, s: g})()


def without_adaptation():
    """Lamb with variables that it does not adapt."""
    optimizer = tfoptim.Lamb()
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    return optimizer


def waiting():
    """An optimizer whose state was loaded before it is built."""
    trained, state = tfoptim.Adam(), {}
    trained.build(variables_of(start_weights()))
    trained.save_own_variables(state)
    optimizer = tfoptim.Adam()
    optimizer.load_own_variables(state)
    return optimizer


COSINE = keras.optimizers.schedules.CosineDecay(0.1, 20)


def test_a_schedule_that_counted_calls_is_warned_of():
    """It counts updates after the conversion."""
    with pytest.warns(UserWarning, match="counted calls, and counts updates here, one in 4 calls") as seen:
        tfoptim.from_keras(keras.optimizers.SGD(COSINE, gradient_accumulation_steps=4))
    assert seen[0].filename == __file__


LISTED = "no optimizer of tfoptim that Keras has too: adadelta, .*, sgd"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: tfoptim.Adam(lazy=True), ValueError, r"got Adam\(lazy=True\): Keras's Adam has no lazy\.$"),
        (lambda: tfoptim.SGD(groups={"a": {"learning_rate": 0.1}}), ValueError, "Keras's SGD has no groups"),
        (
            lambda: tfoptim.Adam(nonfinite="skip", cautious=True, agc=0.1, centralize=True),
            ValueError,
            r"has no nonfinite, cautious, agc, centralize\.$",
        ),
        (
            lambda: tfoptim.SGD(COSINE, gradient_accumulation_steps=4),
            ValueError,
            "a schedule counts updates here, and calls in Keras",
        ),
        (lambda: tfoptim.Lamb(decay_in_ratio=True), ValueError, "Keras's Lamb has no decay_in_ratio"),
        (without_adaptation, ValueError, "Keras's Lamb has no exclude_from_layer_adaptation"),
        (
            lambda: tfoptim.Adam(beta_1=keras.optimizers.schedules.ExponentialDecay(0.9, 3, 0.5)),
            ValueError,
            r"Keras takes a schedule for learning_rate alone, not for beta_1\.$",
        ),
        (
            lambda: tfoptim.Lion(beta_1=0.0),
            ValueError,
            r"got Lion\(beta_1=0.0\), and Keras refuses its arguments: .*beta_1",
        ),
        (waiting, ValueError, r"its loaded state waits for the variables; call `build\(variables\)` first"),
        (tfoptim.RAdam, TypeError, rf"got RAdam of tfoptim\S*, which is {LISTED}\.$"),
        (tfoptim.Momentum, TypeError, rf"got Momentum of .*{LISTED}\. tfoptim\.SGD has the same rule\.$"),
        (lambda: tfoptim.SAM(tfoptim.SGD()), TypeError, rf"got SAM of .*{LISTED}"),
        (of_the_user, TypeError, rf"got Mine of .*{LISTED}\.$"),
        (lambda: "adam", TypeError, rf"got str, which is {LISTED}\.$"),
    ],
)
def test_what_keras_cannot_express_is_refused_in_a_sentence(make, error, words):
    """It names what is in the way."""
    with pytest.raises(error, match=f"^to_keras .*{words}"):
        tfoptim.to_keras(make())
