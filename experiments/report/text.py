"""The report as Markdown, and the sentences that belong under the result table."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.columns import flat, number
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding
from experiments.analysis.results import Result
from experiments.report.captions import Captions, say
from experiments.report.tables import algorithms, of_costs, of_results, of_steps


def notes(evidence: Evidence, result: Result) -> list[str]:
    """Returns the sentences under the table: how it was made and how to read it."""
    return [*methods(evidence), *reading(evidence, result)]


def methods(evidence: Evidence) -> list[str]:
    """Returns how the numbers were made: data, steps, rates, search, track, intervals."""
    captions = Captions(evidence)
    return [
        f"Model: {evidence.task.title}.",
        *captions.facts,
        *([f"Search: {captions.search}"] if evidence.study.tuned else []),
        f"Compared on the {evidence.study.track} track: {'; '.join(algorithms(evidence).values())}.",
        say("report", "notes", "intervals", evidence),
        evidence.untimed or say("report", "notes", "timed", evidence),
    ]


def reading(evidence: Evidence, result: Result) -> list[str]:
    """Returns how to read the table."""
    look, verdicts, best = (
        say("report", "notes", part, evidence, claims=result.claims) for part in ("look", "verdicts", "best")
    )
    return [
        *([] if evidence.study.limits.claims else [look]),
        verdicts,
        *_width(result),
        *([best] if evidence.by_rule() else []),
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
