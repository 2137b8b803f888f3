"""The result table as Markdown and CSV, and the sentences that belong under it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.lint import Finding
from experiments.analysis.results import Result, Row, cells, headings, number
from experiments.analysis.statistics import Comparison
from experiments.report import costs, timing
from experiments.report.captions import Captions
from experiments.text import to_csv
from experiments.tuning import choosing

TIMED = (
    "Seconds of training: steps of a run times the median seconds of a step in the timing pass; evaluation and "
    "compiling are left out."
)
LOOK = "The budget '{}' is exploratory: too few trials and seeds for claims. Those need 'standard'."

VERDICTS = (
    "Bold: the best mean and all that {} seeds do not tell from it. Worse: the interval of the paired "
    "difference leaves 0 out, its p (paired t, or signed ranks where a run diverged, corrected by Holm for all "
    "pairs) is below 0.05, and P is at least 0.75. ≈: not all of that, which is what to expect of equal "
    "optimizers. †: not confirmed by the exact test, which 5 seeds or fewer never can. n/a: fewer than 3 "
    "seeds, or runs are missing."
)
UNCLAIMED = (
    "Nothing is bold and nothing is called better or worse: {}. p: paired t, or signed ranks where a run diverged, "
    "corrected by Holm for all pairs. n/a: fewer than 3 seeds, or runs are missing."
)


def notes(evidence: Evidence, result: Result) -> list[str]:
    """Returns the sentences under the table: how it was made and how to read it."""
    score, count = evidence.task.score_title, len(evidence.study.seeds)
    return [
        *Captions(evidence).facts,
        *([] if evidence.study.limits.claims else [LOOK.format(evidence.study.budget)]),
        f"Compared on the {evidence.study.track} track: {'; '.join(_algorithms(evidence).values())}.",
        VERDICTS.format(count) if result.claims.allowed else UNCLAIMED.format(result.claims.words),
        (
            "Intervals: expanded percentile bootstrap over seeds, 10,000 draws, the same seeds for all. A run that "
            "diverged counts as the worst value there is; without all of its runs an optimizer has no mean."
        ),
        *_width(result),
        *choosing.remarks(evidence.study, evidence.choices, evidence.trials),
        f"At best validation: test {score} at the evaluation with the best validation {score}.",
        evidence.untimed or TIMED,
    ]


def _width(result: Result) -> list[str]:
    """Returns how exactly the means are known."""
    wide = [row.centre.mean.expanded for row in result.rows if row.centre and row.runs - row.diverged == row.wanted > 1]
    halves = sorted((interval.high - interval.low) / 2 for interval in wide)
    if not halves:
        return []
    known = f"A mean is known to within {number(halves[0])} to {number(halves[-1])}, half its interval"
    return [f"{known}; the difference of two that share no seeds to √2 times that."]


def markdown(evidence: Evidence, result: Result, findings: Sequence[Finding]) -> str:
    """Returns the report in short: the sentence, what is broken, the table, how to read it."""
    names = headings(evidence.task.score_title)
    lines = [f"# {_flat(Captions(evidence, result.claims).title('Results'))}", "", _flat(result.headline), ""]
    lines += [f"- **broken rule {finding.code}**: {_flat(finding.sentence)}" for finding in findings]
    lines += [""] if findings else []
    lines += [_line(names), _line(["---"] * len(names)), *(_line(_bold(row)) for row in result.rows)]
    lines += ["", *(f"- {_flat(note)}" for note in notes(evidence, result)), ""]
    for words, rows in ((timing.WORDS, timing.lines(evidence)), (costs.WORDS, costs.lines(evidence))):
        if rows:
            first, *rest = [_line([_flat(cell) for cell in row]) for row in rows]
            lines += [words, "", first, _line(["---"] * len(rows[0])), *rest, ""]
    return "\n".join(lines)


def as_csv(evidence: Evidence, result: Result) -> str:
    """Returns the table's numbers, unrounded, each row with its study, data set and model."""
    names = _algorithms(evidence)
    return to_csv(
        [{**origin(evidence), **_numbers(row, evidence.score), "algorithm": names[row.label]} for row in result.rows]
    )


def pairs_csv(evidence: Evidence, pairs: Sequence[Comparison]) -> str:
    """Returns every pair of optimizers with its numbers, unrounded; at least one pair."""
    return to_csv([{**origin(evidence), **_pair(pair)} for pair in pairs])


def _algorithms(evidence: Evidence) -> dict[str, str]:
    """Returns what is compared, optimizer by optimizer: with schedule, space and trials (rule B1)."""
    schedules = {run.label: run.schedule for run in evidence.wanted}
    return {
        entry.label: choosing.algorithm(evidence.study, entry, schedules[entry.label])
        for entry in evidence.study.optimizers
    }


def _pair(pair: Comparison) -> dict[str, Any]:
    plain = dataclasses.asdict(pair)
    for interval in ("percentile", "expanded"):
        plain[f"{interval}_low"], plain[f"{interval}_high"] = plain.pop(interval)
    plain["first_diverged"], plain["second_diverged"] = plain.pop("diverged")
    return {**plain, "mark": pair.mark, "words": pair.words()}


def _numbers(row: Row, score: str) -> dict[str, Any]:
    centre, lag = row.centre, row.lag
    mean = centre.mean if centre else None
    return {
        "optimizer": row.label,
        "learning_rate": row.learning_rate,
        "boundary": row.boundary,
        "runs": row.runs,
        "runs_wanted": row.wanted,
        "diverged": row.diverged,
        f"test_{score}_mean": mean.value if mean else None,
        f"test_{score}_low": mean.expanded.low if mean else None,
        f"test_{score}_high": mean.expanded.high if mean else None,
        f"test_{score}_median": centre.median if centre else None,
        f"test_{score}_iqm": centre.iqm if centre else None,
        f"test_{score}_at_best_validation": row.by_rule,
        "behind": lag.difference if lag else None,
        "behind_low": lag.expanded.low if lag else None,
        "behind_high": lag.expanded.high if lag else None,
        "p": lag.p if lag else None,
        "p_holm": lag.corrected_p if lag else None,
        "p_exact": lag.exact_p if lag else None,
        "superiority_of_the_best": lag.superiority if lag else None,
        "verdict": row.verdict,
        "in_tie_group": row.tied,
        "training_seconds": row.seconds,
        "example_gradients": row.example_gradients,
    }


def _bold(row: Row) -> list[str]:
    label, *rest = map(_flat, cells(row))
    return [f"**{label}**" if row.tied else label, *rest]


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _flat(text: str) -> str:
    """Returns a text that Markdown shows as it is, in a cell as well: names may hold anything."""
    for sign in ("\\", "|", "<", "*", "[", "`"):
        text = text.replace(sign, f"\\{sign}")
    return text
