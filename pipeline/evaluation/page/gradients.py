"""The heat map of gradients over time, of every variant."""

import altair as alt
import numpy as np
import pandas as pd

from pipeline.evaluation.page.charts import Spec
from pipeline.evaluation.page.marks import ROW, data, finish
from pipeline.evaluation.page.study import Study

FLOOR = 1e-8  # of the largest: what is smaller has the colour of this


def gradients(study: Study) -> Spec | None:
    """Draw the norm of the gradient at every step, on a logarithmic scale of colours.

    A row is a variant, best first, a column a step of its first recurrent layer, counted back from
    the newest, which is 0. `None` where nothing was measured.
    """
    inside = [
        (result.name, result.entry.diagnosis.gradients)
        for result in study.verdict.variants
        if result.entry.diagnosis
    ]
    rows = [
        (name, step - len(norms) + 1, float(norm))
        for name, norms in inside
        for step, norm in enumerate(norms)
        if np.isfinite(norm)
    ]
    table = pd.DataFrame(rows, columns=["name", "step", "norm"])
    if not table["norm"].any():
        return None
    table["shown"] = table["norm"].clip(lower=FLOOR * table["norm"].max())
    names = [name for name, _ in inside]
    chart = (
        alt.Chart(data(table))
        .mark_rect()
        .encode(
            x=alt.X("step:O", title="step, 0: the newest", axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("name:N", sort=names, title=None),
            color=alt.Color(
                "shown:Q",
                scale=alt.Scale(type="log", scheme="viridis"),
                legend=alt.Legend(title="norm of the gradient", format=".0e", gradientLength=240),
            ),
            tooltip=["name:N", "step:O", alt.Tooltip("norm:Q", format=".3g")],
        )
    )
    description = "Norm of the gradient of the loss at every step, for every variant"
    return finish(chart, description, ROW * len(names))


def caption(study: Study) -> str:
    """Say what is drawn, and of how much."""
    found = [result.entry.diagnosis for result in study.verdict.variants]
    inside = [each for each in found if each]
    seeds = sorted({each.seeds for each in inside})
    counted = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        "Norm of the gradient of the loss with respect to the state of the first recurrent layer "
        f"after each step, on {inside[0].windows} validation windows: the mean over windows, then "
        f"the geometric mean over {counted} seeds, at inference. Where it fades to the left, older "
        "steps hardly matter."
    )
