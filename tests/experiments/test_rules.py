"""Rules are read without TensorFlow, and give the numbers that they give in the library."""

import subprocess
import sys

import numpy as np
import pytest

import tfoptim
from experiments import optimizers, rule_files
from experiments.errors import UserError
from experiments.problems.functions import FUNCTIONS
from tfoptim import registry
from tfoptim.declaration.slots import slot_groups

FUNCTION = FUNCTIONS["rosenbrock"]
STEPS = 40


NEED_LOSS = [name for name in optimizers.available() if registry.classes()[name].needs_loss]


@pytest.mark.parametrize("name", [name for name in optimizers.available() if name not in NEED_LOSS])
def test_a_rule_read_from_its_file_takes_the_steps_of_the_library(name):
    """To the last bit: the same lines run in float64, and draw the same numbers; what is kept is the same as well."""
    rate = {"learning_rate": 1e-4} if "learning_rate" in registry.classes()[name].fields else {}
    ours, found = tfoptim.get(name, **rate), optimizers.rule(name, **rate)
    expected = tfoptim.simulate(ours, FUNCTION.start, [FUNCTION.gradient] * STEPS)
    np.testing.assert_array_equal(optimizers.simulate(found, FUNCTION.start, FUNCTION.gradient, STEPS), expected)
    assert list(optimizers.slots(found)) == [slot for group in slot_groups(ours) for slot in group]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("momentum", {"momentum": 0.9, "nesterov": True}),
        ("adam", {"amsgrad": True, "beta_1": 0.5}),
        ("adamw", {"weight_decay": 0.1}),
        ("rmsprop", {"centered": True, "momentum": 0.9}),
        ("adagrad", {"initial_accumulator_value": 0.5}),
        ("clr", {"cycle": 10}),
    ],
)
def test_values_other_than_the_defaults_act_as_in_the_library(name, values):
    """Switches, decay, slots that begin at a value of their own, and rates that cycle."""
    expected = tfoptim.simulate(
        tfoptim.get(name, learning_rate=1e-4, **values), FUNCTION.start, [FUNCTION.gradient] * STEPS
    )
    found = optimizers.rule(name, learning_rate=1e-4, **values)
    np.testing.assert_array_equal(optimizers.simulate(found, FUNCTION.start, FUNCTION.gradient, STEPS), expected)


@pytest.mark.parametrize("name", NEED_LOSS)
def test_a_rule_that_needs_the_loss_is_refused(name):
    """Here are its gradients alone; what it keeps is known all the same."""
    found = optimizers.rule(name)
    assert list(optimizers.slots(found)) == [s for group in slot_groups(tfoptim.get(name)) for s in group]
    with pytest.raises(UserError, match="needs the loss"):
        optimizers.simulate(found, FUNCTION.start, FUNCTION.gradient, 1)


def test_a_rule_without_a_step_says_so():
    """Such a file of the library is a fault of the library."""
    with pytest.raises(NotImplementedError, match="Rule defines neither direction nor step"):
        optimizers.simulate(rule_files.Rule(), [1.0], lambda w: w, 1)


OF_ROWS = """
from tfoptim.declaration import Slot
from tfoptim.ops import mean, sqrt, square
from tfoptim.optimizer import Optimizer


class OfRows(Optimizer):
    slots = dict(m=0.0, r=Slot(0.5, shape=lambda shape, path: shape[:-1]), v=Slot(lambda w: abs(w[0]), shape=()))

    def direction(self, h, g, w, s):
        s.r = 0.5 * s.r + 0.5 * mean(square(g), axis=-1)
        s.v = s.v + s.r
        s.m = 0.5 * s.m + g / sqrt(s.r + s.v)
        return s.m
"""


def test_slots_of_another_shape_are_those_of_the_library(tmp_path, monkeypatch):
    """A rule that declares them is read without TensorFlow too, and only its full slot counts as memory."""
    for name in ("ops.py", "scalar.py", "declaration/slots.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((rule_files.folder() / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ofrows.py").write_text(OF_ROWS, encoding="utf-8")
    cached = (optimizers.available, optimizers.place, optimizers._fields, optimizers._bases, rule_files.module)
    theirs = {"__name__": "theirs"}
    exec(OF_ROWS, theirs)  # noqa: S102  the same lines, in the library
    expected = tfoptim.simulate(theirs["OfRows"](), FUNCTION.start, [FUNCTION.gradient] * STEPS)
    try:
        monkeypatch.setattr(rule_files, "folder", lambda: tmp_path)
        for function in cached:
            function.cache_clear()
        found = optimizers.rule("ofrows")
        np.testing.assert_array_equal(optimizers.simulate(found, FUNCTION.start, FUNCTION.gradient, STEPS), expected)
        assert [False, True, True] == [slot.reshaped for slot in optimizers.slots(found).values()]
    finally:
        for function in cached:
            function.cache_clear()


DRAWN = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras"):
            raise ImportError(f"{name} is not for figures")

sys.meta_path.insert(0, Refused())
"""


def test_costs_and_trajectories_are_made_where_tensorflow_cannot_be_imported():
    """All numbers of both figures; an import of it anywhere would raise."""
    code = DRAWN + (
        "from experiments import studies\n"
        "from experiments.analysis import cost_rows, curves\n"
        "entries = studies.load(studies.find('mnist')).optimizers\n"
        "print([cost_rows.state_bytes(entry) for entry in entries])\n"
        "print(len(curves.path_rows(entries[:3], steps=5)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[0, 0, 4, 4, 8, 8]", str(2 * 3 * 6)]


@pytest.mark.parametrize("name", optimizers.available())
def test_arguments_allow_what_the_library_allows(name):
    """The names, each with its domain; and its default is allowed."""
    fields = registry.classes()[name].fields
    assert optimizers.arguments(name) == sorted(fields)
    for argument, field in fields.items():
        found = optimizers.domain(name, argument)
        assert (type(found).__name__, str(found)) == (type(field.domain).__name__, str(field.domain))
    given = {argument: field.default for argument, field in fields.items() if field.default is not None}
    assert not list(optimizers.faults(name, given))


def test_values_that_the_library_refuses_are_refused_without_it():
    """In the words of its constructor, also where two values do not go together."""
    for name, values in (("adam", {"beta_1": 5}), ("rmsprop", {"centered": 1}), ("ademamix", {"warmup": 0.5}),
                         ("rprop", {"min_step": 3.0, "max_step": 2.0})):  # fmt: skip
        with pytest.raises((TypeError, ValueError)) as caught:
            tfoptim.get(name, **values)
        assert list(optimizers.faults(name, values)) == [str(caught.value)]
