"""Bad arguments are refused at construction, in one sentence that helps."""

import math
import warnings
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES, CLASSES
from tests.library.products import every_class_where
from tfoptim.declaration import Integer

NAN, INF = math.nan, math.inf
# Base arguments that every class has: argument, value, error, words of the message.
BASE_BAD = [
    ("learning_rate", NAN, ValueError, ("x >= 0", "got nan", "finite")),
    ("learning_rate", INF, ValueError, ("x >= 0", "got inf", "finite")),
    ("learning_rate", -0.1, ValueError, ("x >= 0", "got -0.1")),
    ("learning_rate", "0.1", TypeError, ("number", "LearningRateSchedule", "got str")),
    ("learning_rate", None, TypeError, ("number", "LearningRateSchedule", "got None")),
    ("learning_rate", np.ones(2), ValueError, ("scalar", "got shape (2,)")),
    ("learning_rate", True, TypeError, ("bool is not a number",)),
    ("learning_rate", lambda: 0.1, ValueError, ("schedules",)),
    ("weight_decay", -0.1, ValueError, ("x >= 0", "got -0.1")),
    ("weight_decay", "a", TypeError, ("number", "got str")),
    ("clipnorm", 0.0, ValueError, ("x > 0", "got 0.0")),
    ("clipnorm", -1.0, ValueError, ("x > 0", "got -1.0")),
    ("clipnorm", NAN, ValueError, ("finite", "got nan")),
    ("clipnorm", "1", TypeError, ("number", "got str")),
    ("clipvalue", 0.0, ValueError, ("x > 0", "got 0.0")),
    ("global_clipnorm", 0.0, ValueError, ("x > 0", "got 0.0")),
    ("gradient_accumulation_steps", 2.5, TypeError, ("integer", "2.5")),
    ("gradient_accumulation_steps", True, TypeError, ("integer", "bool")),
    ("gradient_accumulation_steps", 0, ValueError, ("integer >= 2", "got 0")),
    ("gradient_accumulation_steps", -1, ValueError, ("integer >= 2", "got -1")),
    ("ema_momentum", NAN, ValueError, ("0 <= x <= 1", "got nan")),
    ("ema_momentum", 2.0, ValueError, ("0 <= x <= 1", "got 2.0")),
    ("ema_overwrite_frequency", 0, ValueError, ("integer >= 1", "got 0")),
    ("ema_overwrite_frequency", 1.5, TypeError, ("integer", "1.5")),
    ("use_ema", 1, TypeError, ("True or False", "1")),
    ("nonfinite", "skp", ValueError, ('one of "propagate" | "skip" | "raise"', "'skip'")),
    ("nonfinite", np.array(["skip"]), ValueError, ('one of "propagate" | "skip" | "raise"', "got ndarray")),
    ("lazy", "yes", TypeError, ("True or False", "yes")),
    ("loss_scale_factor", 0.0, ValueError, ("x > 0", "got 0.0")),
]


def refusal(construct, error):
    """The message of the error that `construct` raises; fails if it raises none or another."""
    with pytest.raises(error) as caught:
        construct()
    assert error is caught.type
    return str(caught.value)


@pytest.mark.parametrize(
    ("case", "bad"),
    [pytest.param(case, bad, id=f"{case.name}-{dict(bad.arguments)}") for case in CASES for bad in case.bad],
)
def test_argument_of_a_rule_is_refused_with_range_and_value(case, bad):
    """`Adam: beta_1 must satisfy 0 <= x < 1, got 1.0.`, also when it comes from a file."""
    cls = getattr(tfoptim, case.name)
    for construct in (cls, lambda **arguments: cls.from_config(arguments)):
        message = refusal(lambda make=construct: make(**bad.arguments), bad.error)
        assert message.startswith(f"{case.name}: ")
        assert [] == [word for word in bad.words if word not in message]


@pytest.mark.parametrize("value", [None, 0])
@pytest.mark.parametrize("case", CLASSES, ids=str)
def test_none_is_offered_where_it_is_allowed_and_only_there(case, value):
    """For each whole number of a rule."""
    cls = type(case.make())
    for name, field in cls.fields.items():
        if isinstance(field.domain, Integer) and field.domain.low > 0 and not (value is None and field.optional):
            message = refusal(lambda f=field: f.parse("A", value), TypeError if value is None else ValueError)
            assert message == f"A: {name} must be an {field.domain}{' or None' * field.optional}, got {value}."


@pytest.mark.parametrize(
    ("optimizer", "hint"),
    [
        ("adam", r"str\. tfoptim\.get\('adam'\) makes one"),
        (keras.optimizers.SGD(), r"SGD\. tfoptim\.from_keras converts"),
    ],
)
def test_only_optimizers_of_tfoptim_are_simulated(optimizer, hint):
    """Others get one sentence, with the way to such a one."""
    with pytest.raises(TypeError, match=f"^simulate: optimizer must be an optimizer of tfoptim, got {hint}"):
        tfoptim.simulate(optimizer, 1.0, [0.1])


@pytest.mark.parametrize("name", [3, "a/b"])
def test_name_must_be_fit_for_the_names_of_variables(name):
    """Keras refuses these when the first variable is named."""
    with pytest.raises(ValueError, match=f"name.*{name}"):
        tfoptim.SGD(name=name)


@pytest.mark.parametrize("case", [c for c in CLASSES if not c.bad], ids=str)
def test_only_rules_without_numbers_lack_bad_arguments(case):
    """Whoever adds a hyperparameter adds a bad value for it to the table."""
    own = [name for name in type(case.make()).fields if name not in tfoptim.Optimizer.fields]
    assert own == []


@pytest.mark.parametrize(
    ("argument", "value", "error", "words"),
    [pytest.param(*bad, id=f"{bad[0]}={bad[1]!r:.20}") for bad in BASE_BAD],
)
def test_base_argument_is_refused_by_every_class(argument, value, error, words):
    """The same sentence for every optimizer of the same domain, with its own name in front."""
    domain = tfoptim.Optimizer.fields[argument].domain if argument in tfoptim.Optimizer.fields else None
    classes = [getattr(tfoptim, case.name) for case in CLASSES]
    have = [cls for cls in classes if argument not in cls.without]
    of_the_domain = [cls for cls in have if domain is None or cls.fields[argument].domain == domain]
    assert len(of_the_domain) > len(classes) // 2
    for cls in of_the_domain:
        message = refusal(lambda cls=cls: cls(**{argument: value}), error)
        assert [] == [word for word in (cls.__name__, argument, *words) if word not in message]


def test_message_is_one_sentence_that_names_everything():
    """The whole message for one example, as the documentation promises it."""
    message = refusal(lambda: tfoptim.Adam(beta_1=1.0), ValueError)
    assert message.startswith("Adam: beta_1 must satisfy 0 <= x < 1, got 1.0.")


@pytest.mark.parametrize("two", [{"clipnorm": 1.0, "clipvalue": 1.0}, {"clipvalue": 1.0, "global_clipnorm": 1.0}])
def test_only_one_kind_of_clipping_may_be_set(two):
    """Keras's own words, which its tests and users look for."""
    with pytest.raises(ValueError, match="Only one of `clipnorm`, `clipvalue` and"):
        tfoptim.SGD(**two)


def test_accumulation_over_one_call_is_no_accumulation():
    """One micro-step a step is what happens without accumulation, so 1 means None."""
    assert tfoptim.SGD(gradient_accumulation_steps=1).gradient_accumulation_steps is None


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.array(0.5), 0.5])
def test_any_scalar_number_is_accepted_by_a_number_field(value):
    """NumPy's numbers are read as the Python float they hold."""
    optimizer = tfoptim.Adam(beta_1=value)
    assert (0.5, float) == (optimizer.beta_1, type(optimizer.beta_1))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "float8_e4m3fn"])
def test_tensors_variables_and_scalars_of_any_precision_are_read_as_numbers(dtype):
    """A 0-d tensor or variable gives its present value, in the constructor and when it is assigned."""
    tensor = keras.ops.cast(0.5, dtype)
    scalar = np.asarray(tensor.numpy())[()]
    optimizer = tfoptim.Adam()
    for value in (tensor, scalar, np.asarray(scalar), keras.Variable(0.5, dtype=dtype), tf.Variable(tensor)):
        follows = pytest.warns(UserWarning, match="does not follow it") if hasattr(value, "assign") else nullcontext()
        with follows:
            assert tfoptim.Adam(beta_1=value).beta_1 == 0.5
            optimizer.beta_2 = 0.25
            optimizer.beta_2 = value
        assert (optimizer.beta_2, type(optimizer.beta_2)) == (0.5, float)


@pytest.mark.parametrize("value", [np.array(True), np.True_, tf.constant(True), tf.constant(1j), tf.constant("a")])
def test_arrays_and_tensors_of_what_is_no_number_are_refused(value):
    """A flag is no number here in any clothing."""
    with pytest.raises(TypeError, match=r"Adam: beta_1 must be a number"):
        tfoptim.Adam(beta_1=value)


@pytest.mark.parametrize("value", [NAN, -1.0, "abc", None])
def test_assignment_is_checked_like_construction(value):
    """A bad number is refused later too, and the old one stays."""
    optimizer = tfoptim.Adam(0.25)
    for name in ("learning_rate", "beta_1"):
        with pytest.raises((ValueError, TypeError), match=f"Adam: {name}"):
            setattr(optimizer, name, value)
    assert (0.25, 0.9) == (float(optimizer.learning_rate), optimizer.beta_1)


def test_weight_decay_of_adamw_is_not_optional():
    """AdamW without decay is Adam; Keras refuses None in these words too."""
    with pytest.raises((ValueError, TypeError), match="weight_decay"):
        tfoptim.AdamW(weight_decay=None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"beta_1": 0.999, "beta_2": 0.9}, "beta_1=0.999.*beta_2=0.9.*swapped"),
        ({"learning_rate": 1.0, "weight_decay": 10.0}, "learning_rate . weight_decay >= 1"),
        ({"ema_momentum": 0.5}, "use_ema=True"),
        ({"ema_overwrite_frequency": 5}, "use_ema=True"),
    ],
    ids=["swapped", "decays everything", "no average", "no average to write back"],
)
def test_arguments_that_are_hardly_ever_meant_give_a_warning(arguments, words):
    """Allowed, and said once, where the optimizer is made."""
    with pytest.warns(UserWarning, match=words) as caught:
        tfoptim.Adam(**arguments)
    assert [__file__] == [warning.filename for warning in caught]


@every_class_where(lambda case: case.has_rate)
def test_decay_that_takes_all_is_warned_of_where_it_takes_the_rate_times_the_weights(case):
    """Zero gradients show what decay does: nothing is left of the weights, or the rule has a way of its own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer = case.make(learning_rate=0.5, weight_decay=2.0)
    said = any("takes all of the weights off" in str(warning.message) for warning in caught)
    assert said == (not np.any(tfoptim.simulate(optimizer, np.ones(2), [np.zeros(2)] * 2)))


@pytest.mark.parametrize("name", ["", "a b", 101 * "a"])
def test_name_is_a_prefix_of_the_names_of_variables(name):
    """It must be fit for files and graphs."""
    with pytest.raises(ValueError, match="Adam: name must be 1 to 100 letters"):
        tfoptim.Adam(name=name)


def test_domains_are_shown_as_they_are_meant():
    """The help that is made from fields says which values are allowed."""
    shown = {name: str(field.domain) for name, field in tfoptim.Adam.fields.items()}
    assert shown["beta_1"] == "0 <= x < 1"
    assert shown["amsgrad"] == "True or False"
    assert shown["ema_overwrite_frequency"] == "integer >= 1"
