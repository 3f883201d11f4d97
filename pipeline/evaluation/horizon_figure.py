"""The figure of the test error by horizon step, for the best variants and the baselines."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.evaluation.metrics import Array, spread
from pipeline.evaluation.scales import squared_unit
from pipeline.evaluation.style import COLORS, DASHES, GREY, PALE, REACH
from pipeline.evaluation.verdict import Result, Verdict

LINES = 4  # variants that are drawn at most
MARKED = 24  # steps up to which every one has a marker


def draw(verdict: Verdict) -> Figure:
    """Draw the MSE by horizon step, with a band of one sd about the best variant."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = figure.add_subplot()
    shown = best(verdict)
    for result, color in zip(shown, COLORS, strict=False):
        _draw_variant(axes, result, color, is_best=result is verdict.best)
    for result, dash in zip(verdict.baselines, DASHES, strict=False):
        steps, mean, _ = _by_step(result)
        marker = "" if len(steps) > 1 else "o"
        axes.plot(steps, mean, color=GREY, linestyle=dash, marker=marker, label=result.name)
    axes.set(
        xlim=(1, max(2, verdict.setup.horizon)),
        xlabel="horizon step",
        ylabel=f"MSE ({squared_unit(verdict.setup)})",
    )
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_title(_title(shown), loc="left", fontsize=13, fontweight="bold")
    figure.legend(loc="outside right center", frameon=False)
    return figure


def best(verdict: Verdict) -> Sequence[Result]:
    """Return the best variants; one far from the best would flatten the others."""
    if verdict.best is None:
        return ()
    limit = REACH * verdict.best.mse.mean
    return [result for result in verdict.variants if result.mse.mean <= limit][:LINES]


def _title(shown: Sequence[Result]) -> str:
    if len(shown) > 1:
        return f"Test error by horizon step: the {len(shown)} best variants and the baselines"
    return "Test error by horizon step"


def _draw_variant(axes: Axes, result: Result, color: str, is_best: bool) -> None:
    steps, mean, sd = _by_step(result)
    axes.plot(
        steps,
        mean,
        color=color,
        marker="o" if len(steps) <= MARKED else "",
        markersize=4,
        linewidth=2.2 if is_best else 1.3,
        zorder=4 if is_best else 3,
        label=result.name,
        clip_on=False,
    )
    if is_best and np.isfinite(sd).all():
        low, high = mean - sd, mean + sd
        label = "± 1 sd over its seeds"
        axes.fill_between(steps, low, high, color=color, alpha=0.2, linewidth=0, label=label)


def _by_step(result: Result) -> tuple[Array, Array, Array]:
    """Return the horizon steps from 1, and mean and sd of the MSE there, (horizon,) each."""
    spreads = [spread(step) for step in result.entry.scores.squared.by_step.T]
    steps = np.arange(1.0, len(spreads) + 1)
    return steps, np.array([s.mean for s in spreads]), np.array([s.sd for s in spreads])
