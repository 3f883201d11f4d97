"""The verdict as pictures. A figure is a row of `FIGURES`: a function of the verdict, and what to say about it.

Colors are those of Okabe and Ito (2008), told apart by people with any color vision; names stand beside the marks, so that color is never
the only sign. The PNGs of equal verdicts are equal bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.core import files
from pipeline.evaluation.metrics import Array, spread
from pipeline.evaluation.readable import decimals, plus_minus
from pipeline.evaluation.verdict import Result, Verdict

COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8C6D1F",
    "#6A3D9A",
    "#555555",
)
INK, GREY, PALE = "#222222", "#6b6b6b", "#d9d9d9"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
}
DASHES: tuple[str, ...] = ("--", ":", "-.")
REACH = 2.5  # times the best mean: there the axis of the leaderboard ends; what lies beyond is a triangle, its number beside it
LINES = 4  # variants in the figure by horizon step, if so many are within reach
ONE = {  # scaler -> what an MSE of 1 is
    "standard": "1 = variance of the training part",
    "minmax": "1 = squared range of the training part",
    "robust": "1 = squared quartile distance of the training part",
    "none": "own units, squared",
}


@dataclass(frozen=True)
class Row:
    """A row of `FIGURES`: draws the figure; `caption` says in the report what is to be seen."""

    draw: Callable[[Verdict], Figure]
    caption: str


def write(verdict: Verdict, folder: Path) -> None:
    """Draw every figure as `<name>.png` into `folder`."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a user's matplotlibrc must not change the bytes
        mpl.rcParams.update(STYLE)
        for name, row in FIGURES.items():
            with files.new_file(folder / f"{name}.png") as draft:
                row.draw(verdict).savefig(draft, metadata={"Software": None})


def leaderboard(verdict: Verdict) -> Figure:
    """A dot per seed and a bar for the mean, one row per variant, best on top; baselines are vertical lines."""
    names = [_label(result) for result in verdict.variants]
    left, right, top, bottom, height = (
        0.35 + 0.085 * max(map(len, names)),
        2.6,
        1.25,
        0.75,
        0.32 * len(names) + 0.1,
    )  # inches
    size = (9.6, top + height + bottom)
    figure = Figure(figsize=size)
    axes = figure.add_axes(
        (left / size[0], bottom / size[1], 1 - (left + right) / size[0], height / size[1])
    )
    axes.set(ylim=(len(names) - 0.4, -0.6), xlim=_limits(verdict))
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _draw_rows(axes, verdict)
    _draw_baselines(axes, verdict)
    cut = "" if axes.get_xlim()[0] == 0 else " The axis does not start at 0."
    axes.set_xlabel(f"{_measure(verdict)}\nLess is better.{cut}", color=INK, linespacing=1.5)
    figure.text(
        0.15 / size[0],
        1 - 0.18 / size[1],
        "Test error of every variant",
        fontsize=13,
        fontweight="bold",
        va="top",
    )
    figure.text(
        0.15 / size[0],
        1 - 0.45 / size[1],
        "dot: one seed; bar: their mean; triangle: beyond the axis; vertical line: baseline",
        color=GREY,
        va="top",
    )
    return figure


def _label(result: Result) -> str:
    lost = len(result.entry.summary.seeds) - result.measured
    return (
        f"{result.name} ({result.measured} of {result.measured + lost} seeds)"
        if lost
        else result.name
    )


def _measure(verdict: Verdict) -> str:
    steps = (
        f"mean over {verdict.setup.horizon} horizon steps"
        if verdict.setup.horizon > 1
        else "one step ahead"
    )
    return f"MSE, {steps} ({ONE[verdict.setup.scaler]})"


def _limits(verdict: Verdict) -> tuple[float, float]:
    """From the least error to the largest within `REACH` of the best mean, with a margin."""
    values = np.concatenate([result.entry.scores.mse for result in verdict.results])
    values = values[np.isfinite(values)]
    best = verdict.best.mse.mean if verdict.best else float(values.min())
    low, high = float(values.min()), float(values[values <= REACH * best].max(initial=best))
    margin = 0.04 * (high - low) or 0.05 * high or 1.0
    return max(0.0, low - margin), high + margin


def _draw_rows(axes: Axes, verdict: Verdict) -> None:
    colors = _family_colors(verdict)
    places = decimals(result.mse.mean for result in verdict.variants)
    edge = axes.get_xlim()[1]
    for y, result in enumerate(verdict.variants):
        color, values = colors[result.entry.summary.family], result.entry.scores.mse
        inside = values[values <= edge]
        axes.axhline(y, color=PALE, linewidth=0.7 if result.measured else 0, zorder=0)
        axes.plot(
            inside,
            np.full(inside.shape, y),
            "o",
            color=color,
            markersize=6,
            alpha=0.55,
            markeredgewidth=0,
        )
        if result.mse.mean <= edge:
            axes.plot(result.mse.mean, y, "|", color=color, markersize=15, markeredgewidth=2.4)
        if (values > edge).any():
            axes.plot(edge, y, ">", color=color, markersize=7, clip_on=False)
        _write_columns(
            axes, y, [plus_minus(result.mse, places), result.entry.summary.family], color
        )
        if not result.measured:
            axes.text(
                0.02,
                y,
                result.entry.summary.state,
                transform=axes.get_yaxis_transform(),
                va="center",
                color=GREY,
                fontsize=9,
                backgroundcolor="white",
            )


def _write_columns(axes: Axes, y: int, texts: Sequence[str], color: str) -> None:
    """The row's number, and its family behind a dot of the family's color, right of the axes."""
    for text, points in zip(texts, (14, 136), strict=True):
        axes.annotate(
            text,
            (1, y),
            (points, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    axes.annotate(
        "●",
        (1, y),
        (122, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        color=color,
    )


def _family_colors(verdict: Verdict) -> dict[str, str]:
    families = sorted({result.entry.summary.family for result in verdict.variants})
    return {family: COLORS[i % len(COLORS)] for i, family in enumerate(families)}


def _draw_baselines(axes: Axes, verdict: Verdict) -> None:
    """A line that rises to its name and number, on a row of its own; the outer lines rise highest, so that no line crosses a name."""
    places = decimals(result.mse.mean for result in verdict.variants)
    low, high = axes.get_xlim()
    middle = (low + high) / 2
    left = [result for result in verdict.baselines if result.mse.mean < middle]
    right = [result for result in reversed(verdict.baselines) if result.mse.mean >= middle]
    for side, half, below in (("left", left, len(right)), ("right", right, 0)):
        for level, result in enumerate(half):
            text = f"{result.name} {result.mse.mean:.{places}f}"
            _draw_baseline(
                axes,
                result.mse.mean,
                text,
                side,
                5 + 15 * (below + len(half) - 1 - level),
                DASHES[verdict.baselines.index(result) % len(DASHES)],
            )


def _draw_baseline(axes: Axes, value: float, text: str, side: str, lift: float, dash: str) -> None:
    """`lift` is the height of the text above the axes in points; a value beyond the axis has an arrow in the place of a line."""
    high = axes.get_xlim()[1]
    inside = value <= high
    if inside:
        top = 1 + (lift + 9) / 72 * axes.figure.dpi / axes.bbox.height
        axes.plot(
            [value, value],
            [0, top],
            transform=axes.get_xaxis_transform(),
            color=INK,
            linestyle=dash,
            linewidth=1.1,
            zorder=1,
            clip_on=False,
        )
    place: dict[str, Any] = {
        "xycoords": axes.get_xaxis_transform(),
        "textcoords": "offset points",
        "ha": side,
        "fontsize": 9,
    }
    axes.annotate(
        text if inside else f"{text} →",
        (min(value, high), 1),
        (4 if side == "left" else -4, lift),
        **place,
    )


def horizon(verdict: Verdict) -> Figure:
    """MSE by horizon step: the best variants, with a band of one sd about the very best, and the baselines in grey."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = figure.add_subplot()
    shown = [
        result
        for result in verdict.variants
        if verdict.best and result.mse.mean <= REACH * verdict.best.mse.mean
    ][:LINES]
    for result, color in zip(shown, COLORS, strict=False):
        _draw_line(axes, result, color, band=result is verdict.best)
    for result, dash in zip(verdict.baselines, DASHES, strict=False):
        steps, mean, _ = _by_step(result)
        axes.plot(
            steps,
            mean,
            color=GREY,
            linestyle=dash,
            marker="" if len(steps) > 1 else "o",
            label=result.name,
        )
    axes.set(
        xlim=(1, max(2, verdict.setup.horizon)),
        xlabel="horizon step",
        ylabel=f"MSE ({ONE[verdict.setup.scaler]})",
    )
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_title(_title(shown), loc="left", fontsize=13, fontweight="bold")
    figure.legend(loc="outside right center", frameon=False)
    return figure


def _title(shown: Sequence[Result]) -> str:
    return (
        f"Test error by horizon step: the {len(shown)} best variants and the baselines"
        if len(shown) > 1
        else "Test error by horizon step"
    )


def _draw_line(axes: Axes, result: Result, color: str, band: bool) -> None:
    steps, mean, sd = _by_step(result)
    axes.plot(
        steps,
        mean,
        color=color,
        marker="o" if len(steps) <= 24 else "",
        markersize=4,
        linewidth=2.2 if band else 1.3,
        zorder=4 if band else 3,
        label=result.name,
        clip_on=False,
    )
    if band and np.isfinite(sd).all():
        axes.fill_between(
            steps,
            mean - sd,
            mean + sd,
            color=color,
            alpha=0.2,
            linewidth=0,
            label="± 1 sd over its seeds",
        )


def _by_step(result: Result) -> tuple[Array, Array, Array]:
    """Horizon step from 1, and mean and sd over the seeds of the MSE there: (horizon,) each."""
    spreads = [spread(step) for step in result.entry.scores.squared.mean(axis=2).T]
    return (
        np.arange(1.0, len(spreads) + 1),
        np.array([s.mean for s in spreads]),
        np.array([s.sd for s in spreads]),
    )


FIGURES: Mapping[str, Row] = {
    "leaderboard": Row(
        leaderboard,
        "Test MSE of every variant: a dot for each seed, a bar for their mean, best on top. Vertical lines are the baselines.",
    ),
    "horizon": Row(
        horizon,
        "Test MSE at each step of the forecast: the variants with the lowest means, and the baselines.",
    ),
}
