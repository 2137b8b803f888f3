"""A report as a page, for tests that open it in a browser."""

import dataclasses

import pytest

from experiments import report, studies
from experiments.analysis.lint import Finding
from tests.experiments.evidence import APART, THREE, evidence

HOSTILE = "<script>document.title='had'</script>$\\frac\" onload='x'$"
ENDS = {**APART, HOSTILE: THREE["Momentum"]}


FINDING = Finding("L-B5", "The study has <b>two</b> seeds.")


def written(folder, ends):
    """A report of given test accuracies in which the lint finds one thing, without what needs TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "findings", lambda *study, **how: [FINDING])
        patch.setattr(report, "broken", lambda *study: [])
        patch.setattr("experiments.figures.canvas.DPI", 30)  # the page has no PNG
        whole = evidence(ends)
        first, *others = whole.study.optimizers
        black = dataclasses.replace(first, style=dataclasses.replace(first.style, color="#000000"))
        whole = dataclasses.replace(whole, study=dataclasses.replace(whole.study, optimizers=(black, *others)))
        return report.write(whole, studies.STUDIES / "mnist.toml", folder, illustrations=False)


def names(page, table="results", seen=False):
    """The first cells of a table's rows, top to bottom; with `seen`, of those that are shown."""
    keep = "row => row.offsetParent !== null" if seen else "() => true"
    rows = f"Array.from(document.querySelectorAll('#{table} tbody tr'))"
    return page.ask(f"{rows}.filter({keep}).map(row => row.cells[0].textContent)")


def heading(number):
    """The button that sorts the results by a column."""
    return f"#results thead th:nth-child({number}) button"
