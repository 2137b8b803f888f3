"""What a study file leaves out: the defaults that depend on its task, its optimizers and its name."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments import optimizers
from experiments.problems import datasets, own, tasks
from experiments.problems.own import outside
from experiments.studies.forms import GIVEN, LINES, MARKERS, SCHEMA

BATCH = 32  # Keras's
# Those of the studies `mnist` and `mni152`, with a contrast of at least 3 to 1 on white.
COLORS = (
    "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#6A3FB5", "#8C6A00", "#A3132B", "#00687A", "#3D94D6",
    "#6E6E6E",
)  # fmt: skip
OF_PROBLEMS = ("task", "data", "epochs", "batch_size", "micro_batch")
Raw = dict[str, Any]


def completed(raw: Raw, stem: str) -> Raw:
    """Returns the content of a study file with its defaults; what is no valid content is left for others to refuse.

    Args:
        raw: the content, its keys `like` resolved.
        stem: name of its file.
    """
    raw = {"schema": SCHEMA, "batch_size": BATCH, "figures": f"runs/figures/{stem}", **raw}
    raw.setdefault("micro_batch", raw["batch_size"])
    problems = raw.get("problems")
    if isinstance(problems, list):
        shared = {key: raw[key] for key in OF_PROBLEMS if key in raw}
        raw["problems"] = [_with_data(shared | one) if isinstance(one, dict) else one for one in problems]
        first = raw["problems"][0] if raw["problems"] else {}
        raw = {key: first[key] for key in OF_PROBLEMS if isinstance(first, dict) and key in first} | raw
    raw = _with_data(raw)
    if isinstance(raw.get("optimizers"), list):
        raw["optimizers"] = [_entry(given, place) for place, given in enumerate(raw["optimizers"])]
        if any(isinstance(one, dict) and "learning_rate" in one for one in raw["optimizers"]):
            raw.setdefault("track", GIVEN)
    return raw


def named(raw: Mapping[str, Any]) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """Returns the problems and the entries of a study file by where they are in it, such as `optimizers[0].`."""
    problems = {f"problems[{i}].": one for i, one in enumerate(_dicts(raw.get("problems")))}
    return problems or {"": dict(raw)}, {
        f"optimizers[{i}].": one for i, one in enumerate(_dicts(raw.get("optimizers")))
    }


def _dicts(given: Any) -> Iterator[Raw]:
    return (one if isinstance(one, dict) else {} for one in (given if isinstance(given, list) else []))


def _with_data(problem: Raw) -> Raw:
    task = problem.get("task")
    if "data" in problem or not isinstance(task, str):
        return problem
    if own.is_own(task):
        return problem | {"data": task}
    usual = tasks.TASKS[task].data or task if task in tasks.TASKS else ""
    return problem | ({"data": usual} if usual in datasets.CARDS else {})


def _entry(given: Any, place: int) -> Any:
    """Returns an entry with its label, batch, default rate and look; its name alone stands for one."""
    entry = {"optimizer": given} if isinstance(given, str) else given
    if not isinstance(entry, dict):
        return entry
    name = entry.get("optimizer")
    if isinstance(name, str):
        name = name.lower() if name.lower() in optimizers.available() else name
        entry = {"label": _label(name), "default_learning_rate": _rate(name), **entry, "optimizer": name}
    look = {"color": COLORS, "line": LINES, "marker": MARKERS}
    style = {key: values[place % len(values)] for key, values in look.items()}
    given_style = entry.get("style", {})
    whole = style | given_style if isinstance(given_style, dict) else given_style
    usual = {"label": f"entry {place}", "batch": "mini", "default_learning_rate": optimizers.RATE}
    return usual | entry | {"style": whole}


def _label(name: str) -> str:
    if outside.is_outside(name, outside.OPTIMIZERS):
        short = outside.reference(name, outside.OPTIMIZERS, "").name or name
        return f"keras {short}" if name.startswith("keras:") else short
    return optimizers.place(name)[1] if name in optimizers.available() else name


def _rate(name: str) -> float:
    known = name in optimizers.available() or name in optimizers.OUTSIDE
    return optimizers.usual_rate(name) if known else optimizers.RATE
