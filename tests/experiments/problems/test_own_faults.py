"""Own code that would train, and mean something else than its user thinks, or end late: refused at the inspection."""

from pathlib import Path

import pytest

from experiments.problems import own
from tests.experiments.owned import TASK, place
from tests.experiments.problems.test_own_tasks import OWN, found

METRIC = "class Task:\n    lower_is_better = False\n    metrics = {{'{}': {}}}\n"
FAULTS = {
    "weights from elsewhere": (
        "return keras.Sequential",
        "import os; keras.utils.set_random_seed(int.from_bytes(os.urandom(2)))\n        return keras.Sequential",
        "model(0) starts from other weights at a second call, with the same seed of Keras: every optimizer must start",
    ),
    "another split each time": (
        "np.ones((10, 3))",
        "np.random.default_rng().normal(size=(10, 3))",
        "data() returns other arrays at a second call: seed what it draws, as in numpy.random.default_rng(0).",
    ),
    "a word for a truth": (
        "class Task:",
        "class Task:\n    lower_is_better = 'no'\n",
        "lower_is_better must be True or False, got 'no'.",
    ),
    "beyond float32": ("np.ones((10, 3))", "np.full((10, 3), 1e300)", "data(): train: x has values beyond float32"),
    "a dictionary": (
        "x, y = np.ones((10, 3))",
        "x, y = {'a': 1}",
        "x must be an array of numbers, [n, ...], got a dict",
    ),
    "two pairs": ("* 3", "* 2", "got two pairs: add one, or give one, which is split."),
    "too few": ("[(x, y)] * 3", "x[:6], y[:6]", "data(): 6 examples are too few; give at least 7."),
    "a file name": (
        "class Task:",
        METRIC.format("a b/c", "'mean_squared_error'"),
        "metrics has the name 'a b/c'; files are called so: take letters, digits and _ alone.",
    ),
    "more than a share": (
        "class Task:",
        METRIC.format("big_accuracy", "lambda y, z: 5 + 0 * z[:, 0]"),
        "big_accuracy must be from 0 to 1, got 5, 5; if it is no share, call it otherwise.",
    ),
    "no number": (
        "class Task:",
        METRIC.format("gain", "lambda y, z: z[:, 0] * float('nan')"),
        "gain is not finite on the first examples of data(), before any training: nan, nan.",
    ),
    "one-hot whole numbers": (
        "np.arange(10) % 2",
        "np.eye(2, dtype=int)[np.arange(10) % 2]",
        "y of data() looks one-hot",
    ),
    "no return": ("return keras.Sequential", "keras.Sequential", "got None: does it end without return?"),
    "one model for all": (
        "    def model(self, seed):\n",
        "    @__import__('functools').cache\n    def model(self, seed):\n",
        "model(seed) must make a model at each call, got the same one again",
    ),
    "a softmax": (
        "keras.layers.Dense(2)])",
        "keras.layers.Dense(2), keras.layers.Softmax()])",
        "its outputs are probabilities, as after a softmax: leave it out",
    ),
    "a broadcast": (
        "class Task:",
        METRIC.format("gap", "lambda y, z: (__import__('keras').ops.cast(y, 'float32') - z[:, :1]) ** 2"),
        "gap must give for each example what it gives for that one alone",
    ),
    "a class for a loss": (
        "class Task:",
        "class Task:\n    loss = __import__('keras').losses.SparseCategoricalCrossentropy\n",
        "SparseCategoricalCrossentropy is a class; give a loss of it, SparseCategoricalCrossentropy(),",
    ),
    "an end of Python": (
        "import numpy as np\n",
        "import numpy as np\n        import sys; sys.exit(3)\n",
        "SystemExit: 3",
    ),
}


@pytest.mark.parametrize(("old", "new", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_task_that_would_mean_something_else_is_refused(tmp_path, old, new, fault):
    """In a sentence, before anything trains."""
    assert old in TASK
    said = [sentence for _, sentence in found(tmp_path, TASK.replace(old, new))["faults"]]
    assert any(fault in sentence for sentence in said), said


def test_splits_of_the_same_examples_are_noted(tmp_path, capsys):
    """Who fits a function may want them; a score on them says nothing of others."""
    place(tmp_path, task=TASK)
    assert own.learn(str(tmp_path), ["task.py:Task"], []) == []
    said = (
        "task.py:Task: data() returns the same examples for train and validation, so that scores say nothing of others."
    )
    assert said in capsys.readouterr().err
    own.learn(str(tmp_path), ["task.py:Task"], [])
    assert capsys.readouterr().err == ""


def test_splits_that_share_examples_are_noted(tmp_path, capsys):
    """Also where the rest of them differs."""
    text = TASK.replace("np.ones((10, 3))", "np.eye(10, 3) + np.arange(10)[:, None]")
    place(tmp_path, task=text.replace("[(x, y)] * 3", "[(x, y), (x[:4], y[:4]), (x[9:] + 9, y[9:])]"))
    assert own.learn(str(tmp_path), ["task.py:Task"], []) == []
    assert capsys.readouterr().err.endswith("data() returns 4 examples twice, in train and validation.\n")


def test_code_that_changes_the_working_folder_changes_it_for_itself_alone(tmp_path, monkeypatch):
    """Records are written relative to it."""
    monkeypatch.chdir(tmp_path)
    text = TASK.replace("import numpy as np\n", "import numpy as np, os; os.chdir('/')\n")
    assert found(tmp_path, f"import os; os.chdir('/')\n{text}")["faults"] == []
    assert Path.cwd() == tmp_path


RATES = """
import keras

class Halved(keras.optimizers.SGD):
    def __init__(self, learning_rate):
        if learning_rate <= 0:
            raise ValueError("negative")
        super().__init__(learning_rate)
"""


def test_an_optimizer_must_take_the_schedule_that_runs_give_it(tmp_path):
    """A number alone is not enough, unless the rate of its entry is constant."""
    place(tmp_path, task=TASK + RATES)
    wanted = {"folder": str(tmp_path), "tasks": [], "optimizers": [["task.py:Halved", {}, True]]}
    ((_, said),) = own.inspection.inspect(wanted)["faults"]
    assert said.startswith("cannot be made with a schedule as its learning rate, which runs give it: TypeError")
    wanted["optimizers"][0][2] = False
    assert own.inspection.inspect(wanted)["faults"] == []


def test_a_title_is_one_line(tmp_path):
    """It heads tables and pages."""
    text = TASK.replace("class Task:", "class Task:\n    title = 'two\\nlines '\n")
    assert found(tmp_path, text)["tasks"]["task.py:Task"]["title"] == "two lines (8 parameters)"


@pytest.mark.parametrize("start", ["\ufeff", "# -*- coding: latin-1 -*-\n# \xe9\n"], ids=["mark", "latin-1"])
def test_a_file_may_have_any_encoding_that_python_reads(tmp_path, start):
    """With a byte order mark, as some editors write it, or one that it declares; and private names are names."""
    (tmp_path / "task.py").write_bytes((start + TASK.replace("class Task", "class _Task")).encode(
        "latin-1" if "latin" in start else "utf-8"))  # fmt: skip
    wanted = {"folder": str(tmp_path), "tasks": ["task.py:_Task"], "optimizers": []}
    assert own.inspection.inspect(wanted)["faults"] == []


def test_an_import_from_above_all_folders_is_pythons_to_refuse(tmp_path):
    """Reading it ends in no other error than running it."""
    (said,) = found(tmp_path, "from " + "." * 99 + "x import y\n" + TASK)["faults"]
    assert (
        "task.py:Task cannot be loaded: ImportError: attempted relative import" in said[1] or "ImportError" in said[1]
    )


def test_an_optimizer_without_the_rate_of_the_study_is_refused(tmp_path):
    """All its runs would be the same, whatever is tuned."""
    text = OWN.replace("super().__init__(learning_rate=learning_rate", "super().__init__(learning_rate=0.05")
    ((_, said),) = found(tmp_path, text, "", [("task.py:Own", {})])["faults"]
    assert said.startswith("has the learning rate 0.05 where learning_rate=0.001 is given; pass it on, as in super()")


def test_an_optimizer_that_ends_python_is_refused(tmp_path):
    """And not the command with it."""
    text = OWN.replace("self.assign_sub", "raise SystemExit('x')\n        self.assign_sub")
    ((_, said),) = found(tmp_path, text, "", [("task.py:Own", {})])["faults"]
    assert said.startswith("fails at its first step: SystemExit: x")
