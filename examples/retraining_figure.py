"""The picture of the year: both errors by month, and what was decided."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from pipeline.evaluation import style

NAMES = ("Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MARKS = {
    "promoted": (style.COLORS[2], "promoted"),
    "rejected": (style.COLORS[1], "rejected by the gate"),
    "stopped": (style.COLORS[1], "stopped before training"),
    "kept": (style.COLORS[8], "retraining not worth it"),
}


def draw(log: pd.DataFrame, file: Path) -> None:
    """Draw the log of `retraining.replay` into a PNG file."""
    style.apply()
    months = log[log["champion_error"].notna()].groupby("month").last()
    figure, axes = plt.subplots(figsize=(9, 4.6), layout="constrained")
    _lines(axes, months)
    top = float(months["frozen_error"].max())
    for month, row in months.iterrows():
        kind = kind_of(row["decision"])
        color = MARKS[kind][0]
        axes.plot([month], [-0.07 * top], "o", color=color, clip_on=False)
        words = f"{row['event']}: {MARKS[kind][1]}"
        axes.text(
            month, -0.13 * top, words, rotation=30, ha="right", va="top", color=color, fontsize=8
        )
    axes.set_xticks(list(months.index), [NAMES[month - 4] for month in months.index])
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.set_ylim(0, 1.08 * top)
    axes.set_ylabel("mean absolute error, minutes")
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)


def kind_of(decision: str) -> str:
    """Return which of `MARKS` a decision is."""
    if decision.startswith("Gate: "):
        return "promoted" if decision == "Gate: promoted" else "rejected"
    return "kept" if "not worth it" in decision else "stopped"


def _lines(axes: plt.Axes, months: pd.DataFrame) -> None:
    """Draw both errors, each with its name at the end."""
    lines = {
        "first model,\nnever retrained": ("frozen_error", style.COLORS[1], "--"),
        "champion": ("champion_error", style.COLORS[0], "-"),
    }
    for name, (column, color, dash) in lines.items():
        axes.plot(months.index, months[column], dash, color=color, marker=".", linewidth=1.8)
        last = float(months[column].iloc[-1])
        axes.annotate(
            name, (12, last), xytext=(8, 0), textcoords="offset points", color=color, va="center"
        )
