"""The identity of a study: the SHA-256 of everything that its numbers depend on."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

from experiments.problems.grid import PASSES
from experiments.studies import Study

EDGES = "outermost"  # what widens a range (rule B7); studies of earlier versions could choose


def canonical(content: object) -> str:
    """Returns the one JSON text of a value: sorted keys, no spaces, shortest floats, no NaN."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(content: object) -> str:
    """Returns the SHA-256 of a value's canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


# Fields that are left out where they say what was so before there was the field: identities stay as they were.
_USUAL: tuple[tuple[str, Callable[[Study], bool]], ...] = (
    ("grid", lambda study: study.grid == PASSES),
    ("deterministic", lambda study: not study.deterministic),
    ("reference", lambda study: study.reference is None),
)


def definition(study: Study) -> dict[str, Any]:
    """Returns everything in a study that its numbers depend on, without words and looks.

    What the names stand for is added, so that a changed task or split makes another study.
    """
    from experiments.problems import datasets, own, tasks

    content = dataclasses.asdict(study)
    for word in ("title", "figures", "claims", "presets", "folder", *(name for name, usual in _USUAL if usual(study))):
        del content[word]
    for entry in content["optimizers"]:
        del entry["style"], entry["contains"]
        entry["shares"] = entry["shares"] or None
        entry["version"] = own.version(entry["optimizer"], study.folder) or None
    if study.tuned:
        content["tuning"]["edges"] = EDGES
    content["budget"] = dataclasses.asdict(study.limits)
    for part in (content["tuning"], *content["optimizers"]):  # what is left out leaves the identity as it was
        for key in [key for key, given in part.items() if given is None]:
            del part[key]
    card = datasets.CARDS[study.data]
    return content | {
        "task_version": tasks.get(study.task).version,
        "data_version": datasets.version(card),
        "split_sha256": card.split_sha256,
    }


def tuning_definition(study: Study) -> dict[str, Any]:
    """Returns the part of the definition that the choice of hyperparameters depends on."""
    content = definition(study)
    for word in ("seeds", "grid", "reference", *(("epochs",) if study.tuning.epochs else ())):
        content.pop(word, None)
    del content["budget"]["seeds"]
    return content


def study_hash(study: Study) -> str:
    """Returns the identity of a study, 64 hexadecimal digits."""
    return digest(definition(study))


def tuning_hash(study: Study) -> str:
    """Returns the identity of a study's tuning, 64 hexadecimal digits."""
    return digest(tuning_definition(study))
