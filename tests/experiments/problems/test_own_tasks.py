"""The inspection of own tasks and optimizers: facts of sound ones, and every fault in a sentence."""

import numpy as np
import pytest

from experiments.errors import UserError
from experiments.problems import datasets, own, tasks
from experiments.problems.datasets.own import splits
from experiments.problems.own import outside
from experiments.problems.own.inspection import inspect
from tests.experiments.owned import TASK, place

X, Y = np.ones((10, 3)), np.arange(10) % 2


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (None, "data() must return three pairs of arrays (x, y): training, validation and test; or one pair"),
        ([X] * 4, "got 4 parts"),
        ([(X, Y), (X,), (X, Y)], "its validation is 1 parts"),
        ([(X, Y), (X, Y), (X, Y[:9])], "data(): test: x has 10 examples and y has 9"),
        ([(X, Y), (X[:, :2], Y), (X, Y)], "data(): validation: x has float32 of the shape (10, 2), and the training"),
        ([(X, Y), (X, Y * 1.0), (X, Y)], "data(): validation: y has float32 of the shape (10,), and the training"),
        (
            [(X, list("ab") * 5), (X, Y), (X, Y)],
            "data(): train: y must be an array of numbers, [n, ...], got dtype <U1",
        ),
        ([([[1], [2, 3]], Y), (X, Y), (X, Y)], "data(): train: x must be an array of numbers"),
        ([(X * np.nan, Y), (X, Y), (X, Y)], "data(): train: x has values that are not finite"),
        ([(X, Y + 2**40), (X, Y), (X, Y)], "data(): train: y has whole numbers beyond 32 bits"),
        ([(X[:0], Y[:0]), (X, Y), (X, Y)], "data(): train: 0 examples are too few; give at least 1."),
    ],
)
def test_a_fault_of_arrays_is_refused_in_words(given, fault):
    """With the split, and what was found."""
    with pytest.raises(UserError) as caught:
        splits("own", given)
    assert fault in str(caught.value)


def test_all_faults_of_arrays_are_named_at_once():
    """One line each."""
    with pytest.raises(UserError) as caught:
        splits("own", [(X * np.inf, Y), (X, np.array(["a"] * 10)), (X, Y)])
    assert len(str(caught.value).splitlines()) == 2


def test_arrays_are_trained_in_32_bits_and_images_stay_bytes():
    """As Keras would cast them anyway."""
    found = splits("own", [(X, Y), (X, Y), (X, Y)])["train"]
    assert (found.images.dtype, found.labels.dtype) == (np.float32, np.int32)
    found = splits("own", [(X.astype(np.uint8), Y.astype(np.uint8))] * 3)["test"]
    assert (found.images.dtype, found.labels.dtype) == (np.uint8, np.int32)


def test_one_pair_is_split_into_disjoint_parts_that_stay():
    """70/15/15 in an order that the task's name decides."""
    x = np.arange(100)[:, None]
    found, again, other = (splits(name, (x, np.zeros(100))) for name in ("own", "own", "other"))
    rows = [part.images[:, 0].tolist() for part in found.values()]
    assert [len(part) for part in rows] == [70, 15, 15]
    assert sorted(row for part in rows for row in part) == list(range(100))
    assert {k: v.sha256 for k, v in found.items()} == {k: v.sha256 for k, v in again.items()}
    assert found["test"].sha256 != other["test"].sha256


def test_a_digest_tells_shapes_and_dtypes_apart():
    """Not bytes alone."""
    zeros = [np.zeros((4, 2)), np.zeros((8, 1))]
    a, b = (splits("own", [(x, np.zeros(len(x), int))] * 3)["train"].sha256 for x in zeros)
    assert a != b


def found(folder, text, name="Task", used=(), **files):
    """What an inspection finds in a file."""
    place(folder, task=text, **files)
    wanted = [[one, given, True] for one, given in used]
    return inspect({"folder": str(folder), "tasks": [f"task.py:{name}"] if name else [], "optimizers": wanted})


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("def data", "def date", "has no data(): data() returns the arrays"),
        ("def model", "def net", "has no model(): model(seed) returns a Keras model"),
        (
            "return [(x, y)] * 3",
            "return 1 / 0",
            "data() fails: ZeroDivisionError: division by zero (line 7 of task.py).",
        ),
        ("return keras.Sequential([", "return ([", "model(seed) must return a Keras model, got a list."),
        ("keras.Input((3,)), ", "", "model(seed) must return a built model: begin with keras.Input(shape)"),
        ("(3,)", "(4,)", "model(seed) takes inputs of the shape (4,), and x of data() has (3,)."),
        (
            "class Task:",
            "class Task:\n    metrics = {'brier': 'mean_squared_error'}\n",
            "lower_is_better is missing: nothing says whether a lower brier is better; write lower_is_better",
        ),
        (
            "class Task:",
            "class Task:\n    metrics = {'loss': 'mean_squared_error'}\n",
            "metrics has the name 'loss', which is that of the loss; give the metric another name.",
        ),
        (
            "class Task:",
            "class Task:\n    metrics = ['accuracy']\n",
            "metrics must be scores by name, as in {'accuracy'",
        ),
        (
            "class Task:",
            "class Task:\n    def __init__(self, size):\n        pass\n",
            "Task(), the task made of this class without arguments, fails: TypeError: Task.__init__() missing 1 requir",
        ),
        ("Dense(2)", "Dense(2, 'softmax')", "model(seed) must end in logits, without the activation softmax: leave it"),
        ("Dense(2)", "Dense(1)", "model(seed) ends in 1 logit, and y of data() has classes from 0 to 1: it needs"),
        ("% 2", "% 2 - 1", "has classes from -1 to 0"),
        ("% 2", "% 2 * 1.0", "model(seed) must end in (1,) values like y, got (2,)."),
        ("np.arange(10) % 2", "np.eye(2)[np.arange(10) % 2]", "y of data() looks one-hot; give class numbers"),
        ("Dense(2)", "Flatten()", "model(seed) has no weights to train."),
        ("class Task:", "class Task:\n    score = 'dice'\n", "score is 'dice', and must be one of accuracy, loss."),
        (
            "class Task:",
            "class Task:\n    metric = {'brier': 'mean_squared_error'}\n",
            "Task has 'metric', which is not read: did you mean 'metrics'? A name of your own may begin with _.",
        ),
        (
            "class Task:",
            "class Task:\n    lower_is_beter = True\n",
            "Task has 'lower_is_beter', which is not read: did you mean 'lower_is_better'?",
        ),
        ("class Task:", "class Task:\n    loss = 'mce'\n", "'mce' is neither a function nor a loss of Keras by name"),
        (
            "class Task:",
            "class Task:\n    def loss(self, y, z):\n        return 0.0 * z[0, 0]\n",
            "loss must give one value for each example, got the shape ().",
        ),
    ],
)
def test_a_fault_of_a_task_is_refused_in_words(tmp_path, old, new, fault):
    """At the inspection, before anything trains."""
    assert old in TASK
    said = found(tmp_path, TASK.replace(old, new))["faults"]
    assert any(fault in sentence for _, sentence in said), said
    assert {name for name, _ in said} == {"task.py:Task"}


def test_names_of_its_own_and_needed_ones_are_left_alone(tmp_path):
    """One like a name that the task does give, and one like none."""
    text = TASK.replace("class Task:", "class Task:\n    models = ()\n    names = ('a',)\n")
    assert found(tmp_path, text)["faults"] == []


def test_faults_of_data_and_model_are_named_together(tmp_path):
    """A model is tried by itself where the data are wrong."""
    text = TASK.replace("[(x, y)] * 3", "x, None").replace("keras.Input((3,)), ", "")
    assert [said.partition(" ")[0] for _, said in found(tmp_path, text)["faults"]] == ["data():", "model(seed)"]


def test_facts_of_a_task_follow_from_its_labels(tmp_path):
    """Classes are judged by accuracy, values by their loss, and what the task says holds."""
    facts = found(tmp_path / "a", TASK)["tasks"]["task.py:Task"]
    assert (facts["score"], facts["lower_is_better"], facts["metrics"]) == ("accuracy", False, ["accuracy"])
    assert facts["share"]
    assert (facts["title"], facts["loss_title"]) == ("Task (8 parameters)", "cross entropy")
    assert facts["sizes"] == {"train": 10, "validation": 10, "test": 10}
    values = TASK.replace("% 2", "% 2 * 1.0").replace("Dense(2)", "Dense(1)")
    facts = found(tmp_path / "b", values)["tasks"]["task.py:Task"]
    assert (facts["score"], facts["lower_is_better"], facts["metrics"]) == ("loss", True, [])
    mine = "class Task:\n    title = 'mine'\n    loss = 'mae'\n    metrics = {'error': lambda y, z: abs(y - z[:, 0])}\n"
    facts = found(tmp_path / "c", values.replace("class Task:", mine + "    lower_is_better = True"))["tasks"]
    assert facts["task.py:Task"]["score"] == "error"
    assert facts["task.py:Task"]["lower_is_better"]
    assert not facts["task.py:Task"]["share"]


OWN = """
import keras

class Own(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.3, beta=0.9, nested=True, **more):
        super().__init__(learning_rate=learning_rate, **more)

    def build(self, variables):
        super().build(variables)
        self.m = [self.add_variable_from_reference(v, "m") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, keras.ops.cast(learning_rate, variable.dtype) * gradient)
"""


def test_facts_of_an_optimizer_come_from_its_constructor(tmp_path):
    """Numbers that may be tuned, defaults, and what it keeps."""
    facts = found(tmp_path, OWN, "", [("task.py:Own", {}), ("keras:Adam", {"amsgrad": True})])["optimizers"]
    assert facts["task.py:Own"] == {
        "knobs": ["beta"], "defaults": {"learning_rate": 0.3, "beta": 0.9}, "slots": 1,
    }  # fmt: skip
    assert facts["keras:Adam"]["slots"] == 3
    assert "epsilon" in facts["keras:Adam"]["knobs"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "learning_rate=0.3, beta=0.9, nested=True, **more",
            "rate=0.3",
            "its constructor has no argument learning_rate",
        ),
        ("(keras.optimizers.Optimizer)", "", "cannot be made: TypeError"),
        ("class Own", "Own = 3\nclass Other", "must be a class, or a function that returns an optimizer, got int."),
        ("self.assign_sub", "self.assign_minus", "fails at its first step: AttributeError: 'Own' object has no"),
    ],
)
def test_a_fault_of_an_optimizer_is_refused_in_words(tmp_path, old, new, fault):
    """Before anything trains."""
    ((name, said),) = found(tmp_path, OWN.replace(old, new), "", [("task.py:Own", {})])["faults"]
    assert name == "task.py:Own"
    assert fault in said


def test_a_hyperparameter_that_an_optimizer_lacks_is_refused(tmp_path):
    """In the words of the optimizer."""
    ((_, said),) = found(tmp_path, OWN, "", [("task.py:Own", {"momentum": 0.9})])["faults"]
    assert said.startswith("cannot be made: ")
    assert "momentum" in said


def test_a_known_task_runs_its_code_where_it_is_asked_for(tmp_path, unknown_after):
    """What this process knows of it came from the inspection."""
    place(tmp_path, task=TASK)
    assert own.learn(str(tmp_path), ["task.py:Task"], []) == []
    task, card = tasks.get("task.py:Task"), datasets.CARDS["task.py:Task"]
    assert task.version == outside.version(outside.reference("task.py:Task", outside.TASKS, str(tmp_path)))
    assert card.sizes == {"train": 10, "validation": 10, "test": 10}
    assert len(card.split_sha256) == 64
    assert task.model(1, 2).count_params() == 8
