"""The figures of the page with lines: over epochs, horizon steps, hours and time; and by series."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from pipeline.evaluation import leaderboard
from pipeline.evaluation.page import grouped, marks
from pipeline.evaluation.page.charts import Spec
from pipeline.evaluation.page.examples import FORECAST, TRUTH, Example
from pipeline.evaluation.page.marks import INK, ROW, data, finish
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.verdict import Result

FREE = alt.Scale(zero=False)


def curves(study: Study) -> Spec | None:
    """Draw the validation loss by epoch: the mean of the seeds, and a band from least to most."""
    shown = [result for result in study.shown if result.name in study.histories]
    tables = [
        study.histories[result.name]
        .groupby("epoch", as_index=False)["validation_loss"]
        .agg(["mean", "min", "max", "count"])
        .assign(name=result.name)
        for result in shown
    ]
    if not tables:
        return None
    table = pd.concat(tables, ignore_index=True)
    table["epoch"] += 1
    color, dash = marks.line_style(study, shown)
    tooltip = ["name:N", "epoch:Q", "mean:Q", "min:Q", "max:Q", "count:Q"]
    base = alt.Chart(data(table)).encode(
        x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, format="d")), color=color, tooltip=tooltip
    )
    band = base.mark_area(opacity=0.12).encode(
        y=alt.Y("min:Q", scale=FREE, title="validation loss"), y2="max:Q"
    )
    line = base.mark_line(point=True).encode(y=alt.Y("mean:Q", scale=FREE), strokeDash=dash)
    return finish(alt.layer(band, line), "Validation loss by epoch", 300)


def horizon(study: Study) -> Spec | None:
    """Draw the MSE at each horizon step."""
    table = leaderboard.horizon(study.verdict)[["name", "step", "mse", "mse_sd", "cells"]]
    axis = alt.Axis(tickMinStep=1, format="d", title="horizon step")
    return _lines(study, table, "step", axis, "Test error by horizon step")


def hours(study: Study) -> Spec | None:
    """Draw the MSE by hour of day of the forecast time; `None` where there is one hour only."""
    axis = alt.Axis(tickMinStep=3, format="d", title=f"hour of day ({study.zone})")
    return _lines(study, grouped.by_hour(study), "hour", axis, "Test error by hour of day")


def _lines(
    study: Study, table: pd.DataFrame, over: str, axis: alt.Axis, description: str
) -> Spec | None:
    shown = list(study.shown)
    table = table[table["name"].isin([result.name for result in shown])]
    if table.empty:
        return None
    color, dash = marks.line_style(study, shown)
    chart = (
        alt.Chart(data(table))
        .mark_line(point=True)
        .encode(
            x=alt.X(f"{over}:Q", axis=axis, scale=alt.Scale(nice=False, zero=False)),
            y=alt.Y("mse:Q", title="test MSE", scale=FREE),
            color=color,
            strokeDash=dash,
            tooltip=["name:N", f"{over}:Q", "mse:Q", "cells:Q"],
        )
    )
    return finish(chart, description, 300)


def series(study: Study) -> Spec | None:
    """Draw the MSE of the shown entries in each series; `None` where there is one series only."""
    table = grouped.by_series(study)
    if table["series"].nunique() < 2:
        return None
    own = alt.Legend(title=None)
    color = marks.line_style(study, study.shown)[0].legend(own)
    names = [result.name for result in study.shown]
    shape = alt.Shape("name:N", scale=alt.Scale(domain=names), legend=own)
    chart = (
        alt.Chart(data(table))
        .mark_point(size=80, strokeWidth=2, opacity=0.9)
        .encode(
            x=alt.X("mse:Q", title="test MSE", scale=FREE),
            y=alt.Y("series:N", title=None),
            color=color,
            shape=shape,
            tooltip=["name:N", "series:N", "mse:Q", "cells:Q"],
        )
    )
    return finish(chart, "Test error by series", 2 * ROW * table["series"].nunique())


def example(study: Study, shown: Example) -> Spec:
    """Draw the truth of one window, the forecast of the best variant and that of a baseline."""
    table = shown.lines
    names = list(dict.fromkeys(table["line"]))
    best: Sequence[Result] = [study.verdict.best] if study.verdict.best else []
    colors = {TRUTH: INK, FORECAST: marks.color(study, best[0])} if best else {TRUTH: INK}
    dashes = {TRUTH: [1, 0], FORECAST: [1, 0]}
    color = alt.Color(
        "line:N",
        scale=alt.Scale(domain=names, range=[colors.get(name, INK) for name in names]),
        legend=marks.lines_legend(columns=1),
    )
    dash = alt.StrokeDash(
        "line:N",
        scale=alt.Scale(domain=names, range=[dashes.get(name, [4, 3]) for name in names]),
        legend=marks.lines_legend(columns=1),
    )
    x = alt.X("time:T", title=None, axis=alt.Axis(labelOverlap=True, tickCount=5))
    base = alt.Chart(data(table)).encode(x=x, color=color)
    target = study.verdict.setup.targets[0]
    band = base.mark_area(opacity=0.2).encode(
        y=alt.Y("low:Q", title=target, scale=FREE), y2="high:Q"
    )
    line = base.mark_line(point=alt.OverlayMarkDef(size=14)).encode(
        y=alt.Y("value:Q", scale=FREE), strokeDash=dash, tooltip=["line:N", "time:T", "value:Q"]
    )
    title = f"Truth and forecasts for {shown.series} from {shown.origin}: {shown.title} error"
    return finish(alt.layer(band, line), title, 220)
