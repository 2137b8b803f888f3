"""The figure of rare and frequent words has each optimizer's line, with numbers from its records."""

import dataclasses

from experiments.analysis.frequency_rows import finding, frequency_rows
from experiments.figures import frequencies
from experiments.figures.canvas import Caption, Context
from tests.experiments.evidence import APART, evidence

TABLE = """mails_from,mails_to,words,frequency,update,test_mails,error,majority_error
1,1,5,1.0,0.1,3,0.5,0.375
3,4,2,3.5,0.7,2,0.25,0.3125
"""


def with_words(whole, folder):
    """Evidence whose runs have measured what they learned of words."""
    path = folder / "words.csv"
    path.write_text(TABLE, encoding="utf-8")
    found = [dataclasses.replace(record, files={"words": path}) for record in whole.found]
    return dataclasses.replace(whole, found=found)


def test_rows_of_words_are_drawn_for_each_optimizer(tmp_path):
    """One row a run and band; runs without a table, as those that diverged, have none."""
    whole = evidence(APART)
    assert frequency_rows(whole) == []
    rows = frequency_rows(with_words(whole, tmp_path))
    assert len(rows) == 2 * len(whole.found)
    assert (rows[0]["mails_to"], rows[1]["error"]) == (1, 0.25)
    styles = {entry.label: entry.style for entry in whole.study.optimizers}
    caption = Caption("title", ("line",), ("footer",), "title")
    figure = frequencies.draw(rows, Context(caption, styles, "accuracy", 0.01))
    update, error = figure.axes
    assert update.get_yscale() == "log"
    assert next(line.get_ydata().tolist() for line in error.lines if line.get_marker() == styles["Adam"].marker) == [
        0.5,
        0.25,
    ]
    assert [0.375, 0.3125] in [line.get_ydata().tolist() for line in error.lines]


def test_records_without_the_error_of_the_majority_are_drawn_without_it(tmp_path):
    """Those of earlier versions."""
    whole = evidence(APART)
    kept = [
        {k: v for k, v in row.items() if k != "majority_error"} for row in frequency_rows(with_words(whole, tmp_path))
    ]
    styles = {entry.label: entry.style for entry in whole.study.optimizers}
    figure = frequencies.draw(
        kept, Context(Caption("title", ("line",), ("footer",), "title"), styles, "accuracy", 0.01)
    )
    assert [line for line in figure.axes[1].lines if line.get_linestyle() == ":" and len(line.get_xdata())] == []


def test_the_title_says_how_much_farther_frequent_words_moved():
    """From the optimizer that favours rare words most to the one that does least; one that diverged is left out."""
    moved = {"SGD": (0.1, 7.0), "Adam": (0.5, 0.45), "GD": (0.0, 1.0), "Ftrl": (1.0, float("nan"))}
    rows = [
        {"optimizer": label, "mails_from": band, "update": update}
        for label, updates in moved.items()
        for band, update in zip((1, 300), updates, strict=True)
    ]
    assert finding(rows) == "The most frequent words moved 0.9 (Adam) to 70 (SGD) times as far as the rarest"
    assert finding(rows[-4:]) == ""
