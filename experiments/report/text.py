"""The report as Markdown, and the sentences that belong under the result table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.columns import flat, number
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding
from experiments.analysis.results import Result
from experiments.report.captions import Captions
from experiments.report.tables import algorithms, of_costs, of_results, of_steps
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
        f"Compared on the {evidence.study.track} track: {'; '.join(algorithms(evidence).values())}.",
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
    lines = [f"# {flat(Captions(evidence, result.claims).title('Results'))}", "", flat(result.headline), ""]
    lines += [f"- **broken rule {finding.code}**: {flat(finding.sentence)}" for finding in findings]
    lines += [""] if findings else []
    lines += of_results(evidence, result).markdown()
    lines += ["", *(f"- {flat(note)}" for note in notes(evidence, result)), ""]
    for table in (of_steps(evidence), of_costs(evidence)):
        if table.rows:
            lines += [table.words, "", *table.markdown(), ""]
    return "\n".join(lines)
