"""The figure of the leaderboard: the test error of every variant, seed by seed."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluation.leaderboard_text import decimals, plus_minus
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.scales import squared_unit
from pipeline.evaluation.style import COLORS, DASHES, GREY, INK, PALE, REACH, Dash
from pipeline.evaluation.verdict import Result, Verdict

WIDTH = 9.6  # inches, as all lengths of the layout
LEFT, LETTER, RIGHT = 0.35, 0.085, 2.6  # margin, its growth per letter of a name, right margin
TITLE, BASELINE, BOTTOM, ROW = 0.62, 0.21, 0.75, 0.32
HEADER = -0.9  # the row of the columns' headings
NUMBER, DOT, FAMILY = 14, 122, 136  # points from the axes to the columns on their right
LIFT, LINE = 5, 15  # points from the axes up to the first name of a baseline, and to the next


def draw(verdict: Verdict) -> Figure:
    """Draw a row per variant, best on top, with a dot per seed and a bar for their mean.

    Baselines are vertical lines. What lies beyond `REACH` times the best mean is a triangle at the
    edge, with its number beside it.
    """
    names = [_label(result) for result in verdict.variants]
    figure, axes = _layout(names, TITLE + BASELINE * len(verdict.baselines))
    axes.set_xlim(limits(verdict))
    colors = family_colors(verdict)
    places = decimals(result.mse.mean for result in verdict.variants)
    for y, result in enumerate(verdict.variants):
        _draw_seeds(axes, y, result, colors[result.entry.summary.family])
        _write_columns(axes, y, result, places, colors[result.entry.summary.family])
    _write(axes, HEADER, NUMBER, "mean ± sd", GREY)
    _write(axes, HEADER, FAMILY, "family", GREY)
    _draw_baselines(axes, verdict, places)
    axes.set_xlabel(_axis_label(verdict, axes.get_xlim()[0]), color=INK, linespacing=1.5)
    return figure


def _layout(names: Sequence[str], top: float) -> tuple[Figure, Axes]:
    """Return a figure as tall as its rows need, and axes with a row per name.

    `top` is the space above the axes, for the title and the names of the baselines.
    """
    left = LEFT + LETTER * max(map(len, names))
    height = ROW * len(names) + 0.1
    total = top + height + BOTTOM
    figure = Figure(figsize=(WIDTH, total))
    x, title, legend = 0.15 / WIDTH, 1 - 0.18 / total, 1 - 0.45 / total
    figure.text(x, title, "Test error of every variant", va="top", fontsize=13, fontweight="bold")
    marks = "Dot: one seed. Bar: mean. Triangle: beyond the axis. Vertical line: baseline."
    figure.text(x, legend, marks, va="top", color=GREY)
    axes = figure.add_axes(
        (left / WIDTH, BOTTOM / total, 1 - (left + RIGHT) / WIDTH, height / total)
    )
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure, axes


def _label(result: Result) -> str:
    seeds = len(result.entry.summary.seeds)
    if result.scored == seeds:
        return result.name
    return f"{result.name} ({result.scored} of {seeds} seeds)"


def _axis_label(verdict: Verdict, start: float) -> str:
    horizon = verdict.setup.horizon
    steps = f"mean over {horizon} horizon steps" if horizon > 1 else "one step ahead"
    cut = "" if start == 0 else " The axis does not start at 0."
    return f"MSE, {steps} ({squared_unit(verdict.setup)})\nLower is better.{cut}"


def limits(verdict: Verdict) -> tuple[float, float]:
    """Return the limits of the axis, from the lowest error to the highest of a variant in reach.

    Baselines do not widen it upwards: far ones would leave no room to tell variants apart.
    """
    values = _scores(verdict.results)
    best = verdict.best.mse.mean if verdict.best else float(values.min())
    variants = _scores(verdict.variants)
    low, high = float(values.min()), float(variants[variants <= REACH * best].max(initial=best))
    margin = 0.04 * (high - low) or 0.05 * high or 1.0
    return max(0.0, low - margin), high + margin


def _scores(results: Sequence[Result]) -> Array:
    """Return the test MSE of every seed that has one, (seed,)."""
    values = np.concatenate([[], *(result.entry.scores.mse for result in results)])
    finite: Array = values[np.isfinite(values)]
    return finite


def family_colors(verdict: Verdict) -> Mapping[str, str]:
    """Return the colour of each family of variants, in the order of their names."""
    families = sorted({result.entry.summary.family for result in verdict.variants})
    return dict(zip(families, cycle(COLORS), strict=False))


def _draw_seeds(axes: Axes, y: int, result: Result, color: str) -> None:
    """Draw the dots, the bar and the triangle of a row, or its state where no seed is left."""
    if not result.scored:
        place = axes.get_yaxis_transform()
        axes.text(
            0.02,
            y,
            result.entry.summary.state,
            transform=place,
            va="center",
            color=GREY,
            fontsize=9,
            backgroundcolor="white",
        )
        return
    edge = axes.get_xlim()[1]
    values = result.entry.scores.mse
    dots = values[values <= edge]
    axes.axhline(y, color=PALE, linewidth=0.7, zorder=0)
    row = np.full(dots.shape, y)
    axes.plot(dots, row, "o", color=color, markersize=6, alpha=0.55, markeredgewidth=0)
    if result.mse.mean <= edge:
        axes.plot(result.mse.mean, y, "|", color=color, markersize=15, markeredgewidth=2.4)
    if (values > edge).any():
        axes.plot(edge, y, ">", color=color, markersize=7, clip_on=False)


def _write_columns(axes: Axes, y: int, result: Result, places: int, color: str) -> None:
    """Write the number of a row to the right of the axes, and its family with a dot of color."""
    _write(axes, y, NUMBER, plus_minus(result.mse, places), INK)
    _write(axes, y, DOT, "●", color)
    _write(axes, y, FAMILY, result.entry.summary.family, INK)


def _write(axes: Axes, y: float, points: int, text: str, color: str) -> None:
    """Write `text` in a row, so many points to the right of the axes."""
    axes.annotate(
        text,
        (1, y),
        (points, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        color=color,
    )


def _draw_baselines(axes: Axes, verdict: Verdict, places: int) -> None:
    """Draw a line per baseline that rises to its name and number, each on a level of its own.

    The outer lines rise highest, so that no line crosses a name.
    """
    middle = sum(axes.get_xlim()) / 2
    left = [result for result in verdict.baselines if result.mse.mean < middle]
    right = [result for result in reversed(verdict.baselines) if result.mse.mean >= middle]
    names = [result.name for result in verdict.baselines]
    dashes = dict(zip(names, cycle(DASHES), strict=False))
    for level, result in enumerate([*reversed(right), *reversed(left)]):
        text = f"{result.name} {result.mse.mean:.{places}f}"
        side = "left" if result in left else "right"
        _draw_baseline(axes, result.mse.mean, text, side, LIFT + LINE * level, dashes[result.name])


def _draw_baseline(axes: Axes, value: float, text: str, side: str, lift: int, dash: Dash) -> None:
    """Draw one baseline, its text `lift` points above the axes; an arrow if it is beyond them."""
    high = axes.get_xlim()[1]
    if value <= high:
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
    axes.annotate(
        text if value <= high else f"{text} →",
        (min(value, high), 1),
        (4 if side == "left" else -4, lift),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        fontsize=9,
    )
