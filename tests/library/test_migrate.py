"""The tables of docs/migrate/index.md: the new call takes the steps of the old one."""

import importlib
import importlib.util
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import variables_of
from tests.library.migrated import ADDONS, RECORDED
from tests.tables import ROOT

PAGE = (ROOT / "docs/migrate/index.md").read_text()
ROWS = re.findall(r"^\| `([^`]+)` \| `([^`]+)`(?: with `([^`]+)`)? \| (.*?) ?\|$", PAGE, flags=re.MULTILINE)
GRADIENTS = (0.1, -0.2, 0.3) * 2 + (0.1, -0.2)
SHOWN = [0, 2, 7]  # of the eight steps
OTHER = "**other numbers**: "
# Steps are some 0.1 long. Epsilon of 1e-7 at another place changes them in the sixth digit at most, and so does an old
# optimizer that holds its numbers in float32.
TOLERANCE = 2e-6


def missing(text):
    """Names of tfoptim in a text that it does not have."""
    return [name for name in re.findall(r"tfoptim\.((?:[a-z]\w*\.)?\w+)", text) if not has(name)]


def has(name):
    """Whether tfoptim has a name, also one of a module of it."""
    place = tfoptim
    for part in name.split("."):
        if not hasattr(place, part):
            return False
        place = getattr(place, part)
    return True


def path_of(optimizer, penalty=None):
    """The weight after the steps that the page speaks of."""
    (weight,) = variables_of([np.array(1.0)], "float64")
    path = []
    for gradient in GRADIENTS:
        with tf.GradientTape() as tape:
            loss = gradient * weight.value + (penalty(weight.value) if penalty else 0.0)
        (total,) = tape.gradient(loss, [weight.value])
        optimizer.apply([total], [weight])
        path.append(float(weight.numpy()))
    return [path[i] for i in SHOWN]


def called(call, **names):
    """The result of a call on the page."""
    return eval(call, names)  # noqa: S307  the page is ours


def old_path(call):
    """The weights of an old call whose package is installed, else those that are recorded."""
    if call.startswith("keras."):
        return path_of(called(call, keras=keras))
    if call.startswith("tf.keras.") and importlib.util.find_spec("tf_keras"):
        old = called(call, tf=SimpleNamespace(keras=importlib.import_module("tf_keras")))
        weight, path = tf.Variable(1.0, dtype=tf.float64), []
        for gradient in GRADIENTS:
            old.apply_gradients([(tf.constant(gradient, tf.float64), weight)])
            path.append(float(weight.numpy()))
        np.testing.assert_allclose([path[i] for i in SHOWN], RECORDED[call], rtol=0, atol=1e-7)
    return RECORDED[call]


def test_every_row_is_read():
    """A row in another form would be no test; every recorded call is in the page."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS)
    assert RECORDED.keys() == {old for old, *_ in ROWS if not old.startswith("keras.")}


@pytest.mark.parametrize("name", ADDONS)
def test_every_optimizer_of_tensorflow_addons_is_on_the_page(name):
    """In a row, or in the sentences below the table, if it takes no steps by itself."""
    section = re.search(r"^## TensorFlow Addons\n(.*?)^## ", PAGE, flags=re.MULTILINE | re.DOTALL)[1]
    assert re.search(rf"`(tfa\.optimizers\.)?{name}[`(]", section)


@pytest.mark.filterwarnings("ignore:The `lr` argument is deprecated:UserWarning")
@pytest.mark.parametrize(("old", "new", "regularizer", "remarks"), ROWS, ids=[row[0] for row in ROWS])
def test_new_call_takes_the_steps_of_the_old_one(old, new, regularizer, remarks):
    """Or others, and then the remarks say why."""
    optimizer, penalty = called(new, tfoptim=tfoptim, keras=keras), regularizer and called(regularizer, keras=keras)
    got = path_of(optimizer, penalty)
    same = np.allclose(got, old_path(old), rtol=TOLERANCE, atol=TOLERANCE)
    assert same != remarks.startswith(OTHER), (got, old_path(old))


def test_names_of_tfoptim_on_the_page_exist():
    """In its sentences, too."""
    assert missing(PAGE) == []


@pytest.mark.parametrize(
    ("cls", "argument", "words"),
    [
        (tfoptim.Adam, "lr", "Did you mean 'learning_rate'"),
        (tfoptim.Adam, "decay", "Give learning_rate a schedule"),
        (tfoptim.Adam, "betas", "Give beta_1 and beta_2"),
        (tfoptim.Adam, "eps", "Did you mean 'epsilon'"),
        (tfoptim.Yogi, "beta1", "Did you mean 'beta_1'"),
        (tfoptim.RAdam, "total_steps", "Give learning_rate a schedule, such as tfoptim.schedules.WarmupCosine"),
        (tfoptim.RAdam, "warmup_proportion", "Give learning_rate a schedule"),
        (tfoptim.AdaBelief, "min_lr", "Give learning_rate a schedule"),
        (tfoptim.QHAdam, "nus", "Give nu_1 and nu_2, each by itself"),
        (tfoptim.RMSprop, "alpha", "Did you mean 'rho'"),
        (tfoptim.Adam, "caution", "Did you mean 'cautious'"),
    ],
)
def test_old_argument_is_answered_with_the_new(cls, argument, words):
    """As the page promises."""
    with pytest.raises(ValueError, match=rf"^{cls.__name__} has no argument '{argument}'\. {words}"):
        cls(**{argument: 0.1})
