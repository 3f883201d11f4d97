"""The figures of the page, in Vega-Lite: how the variants compare."""

import altair as alt
import numpy as np
import pandas as pd

from pipeline.evaluation import leaderboard, leaderboard_figure, report_finding, style
from pipeline.evaluation.page import marks
from pipeline.evaluation.page.marks import INK, ROW, data, finish
from pipeline.evaluation.page.study import Study

Spec = dict[str, object]
LINE = 13  # pixels from the name of a baseline to the next
FAR = 3.0  # times the median upper end of an interval: where the axis of effects ends at most


def seeds(study: Study) -> Spec:
    """Draw a dot per seed, a bar for their mean, and a vertical line per baseline."""
    verdict = study.verdict
    low, high = leaderboard_figure.limits(verdict)
    rows = [
        (result.name, result.entry.summary.family, f"seed {seed}", float(mse))
        for result in verdict.variants
        for seed, mse in zip(result.entry.summary.seeds, result.entry.scores.mse, strict=True)
        if np.isfinite(mse)
    ]
    table = pd.DataFrame(rows, columns=["name", "family", "seed", "mse"])
    names = [result.name for result in verdict.variants if result.scored]
    table["shown"], table["beyond"] = table["mse"].clip(upper=high), table["mse"] > high
    y = alt.Y("name:N", sort=names, title=None)
    scale = alt.Scale(domain=[low, high], zero=False, nice=False)
    x = alt.X("shown:Q", scale=scale, title="test MSE")
    tooltip = ["name:N", "family:N", "seed:N", "mse:Q"]
    color = marks.family_color(study)
    dots = (
        alt.Chart()
        .mark_point(filled=True, size=55, opacity=0.65)
        .encode(y=y, x=x, color=color, tooltip=tooltip)
        .encode(shape=_beyond())
    )
    means = table.groupby("name", sort=False, as_index=False).agg(
        {"mse": "mean", "family": "first"}
    )
    means = means[means["mse"] <= high].rename(columns={"mse": "shown"})
    bars = (
        alt.Chart(data(means))
        .mark_tick(thickness=3, size=18)
        .encode(y=y, x=x, color=color, tooltip=["name:N", alt.Tooltip("shown:Q", title="mean")])
    )
    lines = _baselines(study, x, high)
    chart = alt.layer(*lines, dots, bars, data=data(table))
    return finish(chart, "Test error of every seed of every variant", ROW * len(names))


def _beyond() -> alt.Shape:
    """Return the shape that says whether a mark lies beyond the end of the axis."""
    shapes = alt.Scale(domain=[False, True], range=["circle", "triangle-right"])
    return alt.Shape("beyond:N", scale=shapes, legend=None)


def _baselines(study: Study, x: alt.X, high: float) -> list[alt.Chart]:
    """Return a line per baseline, with its name above the axes on a level of its own."""
    baselines = [result for result in study.verdict.baselines if result.mse.mean <= high]
    layers: list[alt.Chart] = []
    for level, result in enumerate(baselines):
        row = pd.DataFrame({"name": [result.name], "shown": [result.mse.mean]})
        tooltips = [alt.Tooltip("name:N"), alt.Tooltip("shown:Q", title="mse")]
        base = alt.Chart(data(row)).encode(x=x, tooltip=tooltips)
        label = base.mark_text(
            color=INK, align="left", baseline="bottom", fontSize=11, dx=3, dy=-3 - LINE * level
        )
        layers += [
            base.mark_rule(color=INK, strokeDash=[4, 3], opacity=0.7),
            label.encode(text="name:N", y=alt.value(0)),
        ]
    return layers


def effects(study: Study) -> Spec | None:
    """Draw each variant's effect with its interval, by family; `None` where none was estimated."""
    columns = ["name", "family", "effect", "effect_low", "effect_high", "answer"]
    table = leaderboard.leaderboard(study.verdict)[columns]
    table = table.dropna(subset=["effect", "effect_low", "effect_high"])
    if table.empty:
        return None
    table = table.sort_values(["family", "effect"], kind="stable")
    names = table["name"].tolist()
    highs, margin = table["effect_high"].abs(), study.verdict.questions.margin
    edge = max(min(float(highs.max()), FAR * float(highs.median())), 4 * margin)
    table["beyond"] = table["effect"] > edge
    for column, own in (("low", "effect_low"), ("high", "effect_high"), ("shown", "effect")):
        table[column] = table[own].clip(-1, edge)
    low = min(float(table["low"].min()), -margin) * 1.05
    scale = alt.Scale(domain=[low, edge * 1.02], nice=False)
    axis = alt.Axis(format="+.0%", tickMinStep=0.01)
    against = report_finding.references(study.verdict.conclusion).replace("`", "")
    title = f"error relative to {against} (left: lower error)"
    y = alt.Y("name:N", sort=names, title=None)
    color = marks.family_color(study)
    words = [alt.Tooltip(f"{column}:N") for column in ("name", "family", "answer")]
    numbers = [alt.Tooltip(f"{column}:Q", format="+.1%") for column in columns[2:5]]
    base = alt.Chart().encode(y=y, color=color, tooltip=[*words, *numbers])
    x = alt.X("shown:Q", scale=scale, title=title, axis=axis)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, shape=_beyond())
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    chart = alt.layer(*_equivalence(scale, margin), bars, points, data=data(table))
    return finish(chart, "Effect of every variant with its interval", ROW * len(names))


def _equivalence(scale: alt.Scale, margin: float) -> list[alt.Chart]:
    """Return the line of no effect, and the band of effects that are too small to matter."""
    band = pd.DataFrame({"from": [-margin], "to": [margin], "none": [0.0]})
    base = alt.Chart(data(band))
    return [
        base.mark_rect(color=INK, opacity=0.08).encode(x=alt.X("from:Q", scale=scale), x2="to:Q"),
        base.mark_rule(color=INK).encode(x=alt.X("none:Q", scale=scale)),
    ]


def cost(study: Study) -> Spec | None:
    """Draw the error against the seconds of training of a seed, the best set with its names."""
    verdict = study.verdict
    limit = leaderboard_figure.limits(verdict)[1]
    rows = [
        (
            result.name,
            result.entry.summary.family,
            result.entry.summary.seconds_per_replica,
            result.mse.mean,
            result.entry.summary.parameters,
            result.name in study.best_set,
        )
        for result in verdict.variants
        if result.scored
        and result.entry.summary.seconds_per_replica
        and result.mse.mean <= min(limit, style.REACH * verdict.strongest.mse.mean)
    ]
    if not rows:
        return None
    columns = ["name", "family", "seconds", "mse", "parameters", "best"]
    table = pd.DataFrame(rows, columns=columns)
    base = alt.Chart(data(table)).encode(
        x=alt.X("seconds:Q", title="seconds of training per seed", scale=alt.Scale(zero=True)),
        y=alt.Y("mse:Q", title="test MSE, mean of the seeds", scale=alt.Scale(zero=False)),
        tooltip=["name:N", "family:N", "seconds:Q", "mse:Q", "parameters:Q"],
    )
    points = base.mark_point(filled=True, size=70, opacity=0.8).encode(
        color=marks.family_color(study)
    )
    best = base.transform_filter("datum.best")
    rings = best.mark_point(filled=False, size=240, color=INK, strokeWidth=1.5)
    labels = best.mark_text(align="left", dx=11, color=INK, fontSize=12).encode(text="name:N")
    return finish(alt.layer(points, rings, labels), "Test error against training time", 320)
