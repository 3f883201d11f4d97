"""The verdict as pictures. A figure is a row of `FIGURES`; equal verdicts give equal bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.core import files
from pipeline.evaluation import horizon_figure, leaderboard_figure, style
from pipeline.evaluation.verdict import Verdict


@dataclass(frozen=True)
class Row:
    """A row of `FIGURES`: the function that draws the figure, and its words in the report."""

    draw: Callable[[Verdict], Figure]
    title: str
    caption: str


FIGURES: Mapping[str, Row] = {
    "leaderboard": Row(
        leaderboard_figure.draw,
        "Test error of every variant",
        "MSE of every variant on the test split, best on top: a dot per seed, a bar for their "
        "mean. Vertical lines are the baselines. Lower is better.",
    ),
    "horizon": Row(
        horizon_figure.draw,
        "Test error by horizon step",
        "MSE on the test split at each step of the forecast, for the variants with the lowest "
        "means and for the baselines. Lower is better.",
    ),
}


def write(verdict: Verdict, folder: Path) -> None:
    """Draw every figure as `<name>.png` into `folder`."""
    with mpl.rc_context():
        style.apply()
        for name, row in FIGURES.items():
            with files.new_file(folder / f"{name}.png") as draft:
                row.draw(verdict).savefig(draft, metadata={"Software": None})
