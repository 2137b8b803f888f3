"""The only file that trains: one run in, one record out; it writes nothing.

A `Program` is the compiled training of one model with one optimizer. It is traced once and then
serves every learning rate and seed: before each run the weights, the optimizer's state and the
dropout keys are set to those of freshly made ones, so that a run's numbers do not depend on what
the process did before.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import tfoptim
from experiments.problems import grid, seeds, tasks
from experiments.problems.datasets.augment import halves
from experiments.problems.datasets.load import Examples
from experiments.problems.own import outside
from experiments.problems.tasks.base import Task
from experiments.records.attempts import Checkpoint
from experiments.running.training import evaluate
from experiments.running.training import step as steps
from experiments.running.training.step import Split
from experiments.studies.runs import Run

SAMPLE = 256  # training examples that statistics of batch normalisation are taken from, for averaged weights
COMPARED = 10  # batches whose examples a record names, so that the order can be compared (rule B10)

Evaluation = dict[str, Any]


def tensors(data: Mapping[str, Examples]) -> dict[str, Split]:
    """Returns the images, uint8 [n, ...], and labels, [n] or [n, height, width], of each split."""
    return {k: (tf.constant(v.images), tf.constant(v.labels)) for k, v in data.items()}


class Program:
    """The training of one (model, optimizer), compiled once and reused for each of its runs."""

    def __init__(self, run: Run, data: Mapping[str, Split]) -> None:
        """Builds and traces, from any of the runs that share `run.program`, and the splits from `tensors`."""
        self.task = tasks.get(run.task)
        self._name = run.program
        self.examples = len(data["train"][1])
        self._rate = tf.Variable(tf.constant(run.learning_rate, tf.float64), trainable=False)
        self._steps = self.task.steps(self.examples, self._batch(run))
        self._schedule = steps.schedule_of(run, self._rate, self._steps)
        self.model, self.optimizer = _fresh(self.task, run, self._schedule)
        self._data = evaluate.scored(self.task, data)
        self._rest = self._data.pop("rest", None)
        self._sample, self._sample_batch = self.task.inputs(data["train"][0][:SAMPLE]), run.batch_size
        self.predict = evaluate.predictor(self.model, self.task)
        self._moment = tf.Variable(tf.zeros([3], tf.int64), trainable=False)  # the augmentation's seed, and the epoch
        self._evaluate = evaluate.scores_of(self.model, self.task, *data["train"])
        self._epoch = steps.compiled(self.model, self.optimizer, self.task, data["train"], run, self._moment)
        self.start: dict[str, Any] = {}
        self.seconds_compiling, _ = _timed(self._warm_up)

    def run(self, run: Run, checkpoint: Checkpoint | None = None) -> Iterator[Evaluation]:
        """Trains, and yields one evaluation at each step of the run's grid, the first before any step.

        A checkpoint's evaluations are not yielded again. The last one of a run that diverged has `diverged` set.
        """
        if run.program != self._name:
            raise ValueError("The run is one of another program: only seed, learning rate and point may differ.")
        self._reset(run)
        if checkpoint is not None:
            _copy(checkpoint.variables, self._variables())
        key = halves(seeds.derive(run.task, run.seed, "augment"))
        evaluations: list[Evaluation] = [] if checkpoint is None else list(checkpoint.evaluations)
        if not evaluations:
            evaluations.append(self._evaluation(0, None, 0, 0.0))
            yield evaluations[0]
        example_gradients, seconds = (evaluations[-1][name] for name in ("example_gradients", "seconds"))
        for step in grid.GRIDS[run.grid](self._steps, run.epochs):
            last = evaluations[-1]["step"]
            if step <= last:
                continue
            losses, counts = [], []
            for stretch in grid.stretches(self._steps, last, step):
                rows = self._rows(run, stretch)
                self._moment.assign([*key, stretch.epoch])
                elapsed, loss = _timed(self._epoch, tf.constant(rows))
                losses.append(loss)
                counts.append(len(rows))
                seconds += elapsed
            example_gradients += sum(counts)
            loss = float(np.average(losses, weights=counts))
            ends = step == self._steps * run.epochs
            evaluation = self._evaluation(step, loss, example_gradients, seconds, last=ends)
            evaluations.append(evaluation)
            evaluation["diverged"] = steps.diverged(evaluations)
            yield evaluation
            if evaluation["diverged"]:
                return

    def scores(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Returns the sum of each score over stored examples."""
        return {name: float(total) for name, total in self._evaluate(tf.constant(images), tf.constant(labels)).items()}

    def fresh(self, run: Run) -> Any:
        """Returns the model as a run starts with it."""
        return _fresh(self.task, run, self._schedule)[0]

    def _rows(self, run: Run, stretch: grid.Stretch) -> np.ndarray:
        """Returns the numbers of the examples that some steps of an epoch train on, int32."""
        batch = self._batch(run)
        order = self.task.order(run.seed, stretch.epoch, self.examples, batch)
        return order[stretch.first * batch : stretch.last * batch]

    def _batch(self, run: Run) -> int:
        return self.examples if run.batch == "full" else run.batch_size

    def state(self) -> list[np.ndarray]:
        """Returns every variable of model and optimizer: dropout keys, moving averages, counters among them."""
        return [variable.numpy() for variable in self._variables()]

    @property
    def traces(self) -> int:
        """How often the epoch was traced: once, however many runs it served."""
        return int(self._epoch.experimental_get_tracing_count())

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.optimizer.variables]

    def digest(self) -> str:
        """Returns a SHA-256 of the model's and optimizer's present state, to compare runs bitwise."""
        return _digest(self._variables())

    def _evaluation(
        self, step: int, loss: float | None, gradients: int, seconds: float, *, last: bool = False
    ) -> Evaluation:
        scores: Evaluation = {
            "step": step,
            "epoch": grid.epoch_of(step, self._steps),
            "example_gradients": gradients,
            "seconds": seconds,
            "running_loss": loss,
            "diverged": False,
        }
        with self.averaged():
            for split, (images, labels) in self._data.items():
                for name, total in self._evaluate(images, labels).items():
                    scores[f"{split}_{name}"] = float(total) / len(labels)
            return scores | self._whole(scores) if last else scores

    def _whole(self, evaluation: Evaluation) -> Evaluation:
        """Returns the scores of the whole training set, from those of its fixed part and of the rest."""
        if self._rest is None:
            return {}
        part, rest = len(self._data["train"][1]), len(self._rest[1])
        return {
            f"whole_train_{name}": (evaluation[f"train_{name}"] * part + float(total)) / (part + rest)
            for name, total in self._evaluate(*self._rest).items()
        }

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Context of an evaluation: weights are the averages of an optimizer that keeps some.

        Statistics of batch normalisation are then those of these weights, on a part of the training set.
        """
        if not getattr(self.optimizer, "averages", False):  # one of Keras's has none
            yield
            return
        states = [(variable, variable.numpy()) for variable in self.model.non_trainable_variables]
        with self.optimizer.averaged(self.model.trainable_variables):
            tfoptim.update_batch_norm(self.model, self._sample, self._sample_batch)
            try:
                yield
            finally:
                for variable, value in states:
                    variable.assign(value)

    def _reset(self, run: Run) -> None:
        model, optimizer = _fresh(self.task, run, self._schedule)
        _copy(model.variables, self.model.variables)
        _copy(optimizer.variables, self.optimizer.variables)
        self._rate.assign(run.learning_rate)
        if self._schedule is None:
            self.optimizer.learning_rate = run.learning_rate  # the variable alone has only its float32 digits
        self.start = self._start(run)

    def _start(self, run: Run) -> dict[str, Any]:
        """Returns what all runs of a seed share, whatever their optimizer, and the examples of each evaluation."""
        first = self.task.order(run.seed, 1, self.examples, self._batch(run))[: COMPARED * run.batch_size]
        return {
            "weights_sha256": _digest(self.model.variables),
            "order_sha256": hashlib.sha256(first.tobytes()).hexdigest(),
            "precision": " ".join(sorted({layer.dtype_policy.name for layer in self.model.layers})),
            "examples": {split: len(labels) for split, (_, labels) in self._data.items()},
        }

    def _warm_up(self) -> float:
        """Runs everything once, on few examples, so that compiling is not counted as training."""
        few = min(2, self.examples)
        self._evaluate(*(values[:few] for values in self._data["train"]))
        return float(self._epoch(tf.range(few)))


def _fresh(task: Task, run: Run, schedule: Any = None) -> tuple[Any, Any]:
    """Returns a model and an optimizer as a run starts with them."""
    init, dropout = (seeds.derive(task.name, run.seed, purpose) for purpose in ("init", "dropout"))
    model = task.model(init, dropout)
    rate = run.learning_rate if schedule is None else schedule
    optimizer = outside.optimizer(run.optimizer, run.folder, learning_rate=rate, **run.hyperparameters)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def _copy(source: Sequence[Any], target: Sequence[Any]) -> None:
    for old, new in zip(target, source, strict=True):
        old.assign(new)


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """Returns the seconds that work took, and the number that it gave."""
    start = time.perf_counter()
    result = float(work(*arguments))
    return time.perf_counter() - start, result


def _digest(variables: list[Any]) -> str:
    content = hashlib.sha256()
    for variable in variables:
        content.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return content.hexdigest()
