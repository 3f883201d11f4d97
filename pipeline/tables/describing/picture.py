"""A picture of every column: its values in time, its holes, and how its values are distributed."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.core.errors import InputError
from pipeline.tables.describing.columns import Column
from pipeline.tables.describing.survey import Survey

SERIES = 3  # the most series that are drawn
POINTS = 3000  # the most points of a line
LINES = ("#0072B2", "#D55E00", "#009E73")
GREY, HOLE = "#6b6b6b", "#CC79A7"


def draw(survey: Survey, path: Path) -> None:
    """Draw the columns of a table; raises `InputError` for a file name of no known image format."""
    drawn = [column for column in survey.columns if len(column.known)]
    figure = Figure(figsize=(11, 1.7 * len(drawn) + 0.6))
    if path.suffix.lstrip(".") not in figure.canvas.get_supported_filetypes():
        allowed = ", ".join(sorted(figure.canvas.get_supported_filetypes()))
        raise InputError(f"--plot: {path} has no known ending; use one of {allowed}")
    axes = figure.subplots(len(drawn), 2, squeeze=False, width_ratios=[4, 1])
    for column, (line, histogram) in zip(drawn, axes, strict=True):
        _line(line, column, survey)
        _histogram(histogram, column)
    figure.subplots_adjust(left=0.14, right=0.98, bottom=0.05, top=0.94, hspace=0.5, wspace=0.08)
    figure.suptitle(f"{survey.sample.path.name}: values in time, holes below them, distribution")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _line(axes: Axes, column: Column, survey: Survey) -> None:
    """Draw the values of the first series in time, and a mark below them where one is missing."""
    names = survey.grouping.names
    for span, color in zip(survey.grid.spans, LINES, strict=False):
        times = _times(survey, span)
        values = column.values[span]
        name = names[survey.grid.series[span.start]]
        step = max(len(values) // POINTS, 1)
        axes.plot(times[::step], values[::step], color=color, linewidth=0.6, label=name)
        holes = times[~np.isfinite(values)]
        axes.plot(holes, np.full(len(holes), column.known.min()), "|", color=HOLE, markersize=6)
    axes.set_ylabel(column.name, rotation=0, ha="right", fontsize=9)
    axes.tick_params(labelsize=7, colors=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    if len(names) > 1:
        axes.legend(fontsize=6, loc="upper right", frameon=False)
    if column.kind == "category":
        axes.set_yticks(range(len(column.words)), column.words)


def _times(survey: Survey, span: slice) -> pd.DatetimeIndex:
    """Return the times of a series' rows on the grid, those of missing rows between the others."""
    rows = survey.grid.rows[span]
    times = pd.Series(survey.times[rows]).mask(rows < 0)
    return pd.DatetimeIndex(times.interpolate())


def _histogram(axes: Axes, column: Column) -> None:
    """Draw the distribution of all values, with their missing share above it."""
    axes.hist(column.known, bins=40, color=LINES[0])
    axes.set_title(f"{column.missing:.1%} missing", fontsize=8, color=GREY)
    axes.set_yticks([])
    axes.tick_params(labelsize=7, colors=GREY)
    axes.spines[["top", "right", "left"]].set_visible(False)
