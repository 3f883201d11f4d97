"""What all figures of the page share: colours, the theme, and the tables behind their marks.

Texts, axes and baselines have the colour of the text around them, so that a figure follows the
page from light to dark and onto paper.
"""

from collections.abc import Mapping, Sequence
from itertools import count

import altair as alt
import pandas as pd

from pipeline.evaluation.leaderboard_figure import family_colors
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.verdict import Result

INK = "currentColor"
FONT = "system-ui, 'Liberation Sans', 'DejaVu Sans', sans-serif"  # as in page.css
ROW = 22  # pixels of a row with a name
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3])
Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def data(table: pd.DataFrame) -> alt.InlineData:
    """Return the rows for a chart, rounded to what can be seen; what is missing is null."""
    rounded = table.copy()
    for column in rounded.select_dtypes("float"):
        rounded[column] = rounded[column].map(lambda value: float(f"{value:.6g}"))
    clean = rounded.astype(object).where(rounded.notna(), None)
    rows: list[Mapping[str, object]] = [
        dict(zip(clean.columns, row, strict=True)) for row in clean.itertuples(index=False)
    ]
    return alt.InlineData(values=rows)


def finish(chart: Chart, description: str, height: int | alt.Step) -> dict[str, object]:
    """Return the Vega-Lite specification of a chart that is as wide as its place on the page.

    `description` is what a screen reader says of it.
    """
    themed = (
        chart.properties(width="container", height=height, description=description)
        .configure(background="transparent", font=FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            domainColor=INK,
            tickColor=INK,
            gridColor=INK,
            gridOpacity=0.12,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=260,
        )
        .configure_legend(
            labelColor=INK,
            titleColor=INK,
            labelFontSize=12,
            titleFontSize=12,
            orient="bottom",
            columns=2,
            labelLimit=300,
            symbolStrokeWidth=2,
        )
    )
    specification: dict[str, object] = themed.to_dict(validate=False)
    return specification


def family_color(study: Study) -> alt.Color:
    """Return the colour by family, the same in every figure."""
    colors = family_colors(study.verdict)
    scale = alt.Scale(domain=[*colors], range=[*colors.values()])
    return alt.Color("family:N", scale=scale, legend=alt.Legend(title="family", columns=3))


def line_style(study: Study, results: Sequence[Result]) -> tuple[alt.Color, alt.StrokeDash]:
    """Return colour and dashes by name: the colour of the family, dashes that differ within it."""
    names = [result.name for result in results]
    colors = [color(study, result) for result in results]
    used: dict[str, count[int]] = {}
    dashes = [DASHES[next(used.setdefault(color, count())) % len(DASHES)] for color in colors]
    legend = lines_legend()
    return (
        alt.Color("name:N", scale=alt.Scale(domain=names, range=colors), legend=legend),
        alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
    )


def lines_legend(columns: int = 2) -> alt.Legend:
    """Return a legend of lines with their dashes."""
    return alt.Legend(
        title=None,
        columns=columns,
        symbolType="stroke",
        symbolSize=500,
        symbolOpacity=1,
        symbolStrokeWidth=2.5,
    )


def color(study: Study, result: Result) -> str:
    """Return the colour of a result's family; baselines have that of the text."""
    colors: Mapping[str, str] = family_colors(study.verdict)
    return colors.get(result.entry.summary.family, INK) if result.is_variant else INK
