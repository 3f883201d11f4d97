"""The verdict as Markdown. A section is a row of `SECTIONS`; an empty text is left out.

The wording claims no more than was measured: means, the spread over seeds, and the effects whose
intervals allow an answer. The first section is in `report_finding`, the one about the data in
`report_data`.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

from pipeline.evaluation import (
    flags,
    report_claims,
    report_data,
    report_diagnosis,
    report_finding,
    report_intervals,
    report_slots,
    verdict_files,
)
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.figures import FIGURES
from pipeline.evaluation.leaderboard_text import UNITS_SHOWN, markdown, percent
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.scales import by_kind, curved, unit
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Verdict


def text(verdict: Verdict, source: Source) -> str:
    """Return the whole report; `source` is what became of the raw table.

    Figures are linked as `figures/<name>.png`, beside the report.
    """
    parts = (section(verdict, source) for section in SECTIONS)
    return "\n\n".join(part for part in parts if part) + "\n"


def _finding(verdict: Verdict, source: Source) -> str:
    return report_finding.text(verdict)


def _warnings(verdict: Verdict, source: Source) -> str:
    found = [*verdict_files.warnings(verdict), *flags.flags(verdict, source)]
    lines = "\n".join(f"- {line}" for line in found)
    return f"## Warnings\n\n{lines}" if found else ""


def _table(verdict: Verdict, source: Source) -> str:
    setup, found = verdict.setup, verdict.conclusion
    lines = [
        "Lower is better. MSE and MAE are on the standardized scale, where an error of 1 is "
        f"{unit(setup)}, and are given as mean ± standard deviation over seeds.",
        f"Skill is 1 - MSE / MSE of *{verdict.reference.name}*, the best naive baseline: 1 is a "
        "perfect forecast, 0 is no better than the baseline, below 0 is worse.",
        f"The effect is the ratio of the MSE to that of {report_finding.references(found)}, minus "
        f"1, with intervals that hold for all variants at once with {LEVEL:.0%}. The answer is "
        "*better* or *worse* if the interval excludes 0, *equivalent* if it lies within ± "
        f"{percent(found.margin)}, and else *undecided*: no difference, and larger ones, are both "
        "possible. *To decide* says how many more seeds of each variant, or how many more origins, "
        "would decide it if the effect is what it seems to be; n/a: no number of them would alone.",
        "The seconds per seed are those of training.",
    ]
    if len(setup.targets) > UNITS_SHOWN:
        lines.append("Errors in the unit of each target are in `leaderboard.csv`.")
    if any(result.entry.summary.lost.any() for result in verdict.variants):
        lines.append(
            "Failed seeds are left out of the means, which flatters their variant; "
            "the state says how many failed."
        )
    notes = [
        f"- *{result.name}*: {result.entry.summary.note}."
        for result in verdict.results
        if result.entry.summary.note
    ]
    parts = [
        "## Leaderboard",
        markdown(verdict),
        "\n".join(lines),
        _curves(verdict),
        "\n".join(notes),
    ]
    return "\n\n".join(filter(None, parts))


def _curves(verdict: Verdict) -> str:
    """Say what a forecast is in the unit of a target whose scale is not straight."""
    setup = verdict.setup
    targets = curved(setup)
    if not targets:
        return ""
    named = " and ".join(f"`{name}` (`{kind}`)" for name, kind in targets.items())
    best = verdict.best or verdict.strongest
    biases = [_bias(best.unit_bias[name].mean, name) for name in targets]
    return (
        f"The scale of {named} is not a straight line, and the inverse of a mean is not the mean: "
        "a forecast of the mean on such a scale is closer to the median in the unit of the target. "
        "There, judge by the MAE, which the median minimizes; the MSE also holds the distance "
        f"between the two. On average, the forecasts of *{best.name}* are {' and '.join(biases)}. "
        "With `train.loss: mae` a network forecasts the median, which every scale preserves."
    )


def _bias(value: float, target: str) -> str:
    return f"{abs(value):.4g} {'above' if value > 0 else 'below'} the truth for `{target}`"


def _figures(verdict: Verdict, source: Source) -> str:
    return "\n\n".join(
        f"![{row.title}](figures/{name}.png)\n\n{row.caption}" for name, row in FIGURES.items()
    )


def facts(verdict: Verdict, source: Source) -> list[str]:
    """Return what was measured, and how: sentences in Markdown."""
    setup = verdict.setup
    targets = ", ".join(f"`{target}`" for target in setup.targets)
    every = "every step" if setup.stride == 1 else f"every {setup.stride} steps"
    scope = "one scaler per series" if setup.scope == "series" else "one scaler for all series"
    return [
        f"Data: `{source.path}`; target{'s' * (len(setup.targets) > 1)}: {targets}.",
        f"Forecasts: {setup.horizon} steps ahead from the last {setup.lookback} steps, "
        f"with an origin at {every}.",
        f"Scaling: {by_kind(setup)}, fitted on the training split, {scope}.",
        f"Test windows: {len(verdict.windows):,}, the same for every variant and baseline. "
        f"{_cells(verdict)}",
        f"Seeds: {_seed_counts(verdict)}.",
        *([f"Race for seeds, on the validation split: {source.race}."] if source.race else []),
        f"Baselines: {', '.join(f'*{name}* ({row.title})' for name, row in BASELINES.items())}. "
        f"The season length is {setup.season_length} steps ({setup.season}), the penalty of the "
        f"ridge regression {setup.ridge_penalty:g}.",
        *_limits(verdict),
        *report_intervals.text(verdict),
    ]


def _slots(verdict: Verdict, source: Source) -> str:
    return report_slots.text(verdict)


def _claims(verdict: Verdict, source: Source) -> str:
    return report_claims.text(verdict)


def _why(verdict: Verdict, source: Source) -> str:
    return report_diagnosis.text(verdict)


def _measured(verdict: Verdict, source: Source) -> str:
    lines = "\n".join(f"- {fact}" for fact in facts(verdict, source))
    series = "\n".join(_series(verdict))
    return f"## What was measured\n\n{lines}\n\n{series}"


def _cells(verdict: Verdict) -> str:
    """Say how many cells of the test windows have a truth."""
    cells = len(verdict.windows) * verdict.setup.horizon * len(verdict.setup.targets)
    measured = int(verdict.windows["cells"].sum())
    if measured == cells:
        return f"All of their {cells:,} cells (a target at a horizon step) were measured."
    return (
        f"Of their {cells:,} cells (a target at a horizon step), {measured:,} "
        f"({measured / cells:.1%}) were measured; every number is over these alone."
    )


def _limits(verdict: Verdict) -> Iterator[str]:
    """Yield the limits of the forecasts, and how many forecasts they clipped, if there are any."""
    limits = verdict.setup.limits
    if not limits:
        return
    bounds = [
        f"`{target}` from {_bound(bound['min'])} to {_bound(bound['max'])}"
        for target, bound in limits.items()
    ]
    clipped = [
        f"{sum(result.entry.summary.clipped):,} of `{result.name}` ({result.clipped:.2%})"
        for result in verdict.results
        if result.clipped
    ]
    counts = f"clipped were {', '.join(clipped)}" if clipped else "none was clipped"
    yield f"Limits of the forecasts (`forecast.limits`): {', '.join(bounds)}; {counts}."


def _bound(value: float | None) -> str:
    return "no limit" if value is None else f"{value:g}"


def _seed_counts(verdict: Verdict) -> str:
    counts = sorted((len(result.entry.summary.seeds), result.name) for result in verdict.variants)
    groups = {
        count: ", ".join(f"`{name}`" for _, name in group)
        for count, group in groupby(counts, key=lambda item: item[0])
    }
    if len(groups) == 1:
        return f"{counts[0][0]} for each of {len(counts)} variants"
    return "; ".join(f"{count} for {names}" for count, names in groups.items())


def _series(verdict: Verdict) -> Iterator[str]:
    """Yield a table of the series, their test windows and the measured cells of these."""
    yield "| series | test windows | measured cells | first origin (UTC) | last origin (UTC) |"
    yield "| :-- | --: | --: | :-- | :-- |"
    series = verdict.windows.groupby("series", sort=True)
    origins = series["origin"].agg(["size", "min", "max"]).join(series["cells"].sum())
    for name, row in origins.iterrows():
        first, last = f"{row['min']:%Y-%m-%d %H:%M}", f"{row['max']:%Y-%m-%d %H:%M}"
        yield f"| {name} | {row['size']:,} | {row['cells']:,} | {first} | {last} |"


SECTIONS: tuple[Callable[[Verdict, Source], str], ...] = (
    _finding,
    _warnings,
    _table,
    _slots,
    _claims,
    _why,
    _figures,
    _measured,
    report_data.section,
)
