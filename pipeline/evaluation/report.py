"""The verdict as Markdown. A section is a row of `SECTIONS`: a function of the verdict and the data's path; an empty text is left out.

The wording claims no more than was measured: means, the spread of the seeds, and which differences are too small to speak of.
"""

from collections.abc import Callable
from itertools import groupby

from pipeline.evaluation.figures import FIGURES
from pipeline.evaluation.readable import UNITS_SHOWN, decimals, markdown, plus_minus
from pipeline.evaluation.verdict import Result, Verdict

SCALES = {
    "standard": "errors are in standard deviations of the training part",
    "minmax": "errors are in ranges (largest minus least value) of the training part",
    "robust": "errors are in quartile distances of the training part",
    "none": "errors are in the columns' own units",
}


def text(verdict: Verdict, data: str) -> str:
    """The whole report; figures are linked as `figures/<name>.png` beside it. `data` names the raw table."""
    parts = (section(verdict, data) for section in SECTIONS)
    return "\n\n".join(part for part in parts if part) + "\n"


def _finding(verdict: Verdict, data: str) -> str:
    if verdict.best is None:
        return "# Which variant forecasts best\n\nNo variant has a test error: every replica was lost. The table says how."
    best, places = verdict.best, decimals([verdict.best.mse.mean])
    lead = f"The lowest mean test error is that of **`{best.name}`**: MSE {plus_minus(best.mse, places)}"
    return "\n".join(
        filter(
            None,
            [
                "# Which variant forecasts best\n",
                f"{lead} {_seeds(best)}.",
                _against_baselines(verdict, best, places),
                _caution(verdict, best),
            ],
        )
    )


def _seeds(best: Result) -> str:
    if best.measured == 1:
        return "from one seed, whose spread is unknown"
    return f"(mean ± standard deviation over {best.measured} seeds)"


def _against_baselines(verdict: Verdict, best: Result, places: int) -> str:
    naive, strongest = verdict.reference, verdict.baselines[0]
    relation = (
        f"{abs(best.skill):.1%} {'less' if best.skill > 0 else 'more'} than"
        if naive.mse.mean
        else "not to be put beside"
    )
    text = f"This is {relation} the best naive baseline, *{naive.name}* ({plus_minus(naive.mse, places)})."
    if strongest.mse.mean < best.mse.mean:
        return f"{text} The baseline *{strongest.name}* has a lower error than every variant: {plus_minus(strongest.mse, places)}."
    return f"{text} No baseline has a lower error; the nearest is *{strongest.name}* ({plus_minus(strongest.mse, places)})."


def _caution(verdict: Verdict, best: Result) -> str:
    """Which variants the seeds alone could put in another order; no test of significance is made here."""
    others = [result for result in verdict.variants if result is not best and result.measured]
    if not others:
        return ""
    near = [f"`{result.name}`" for result in others if not _apart(best, result)]
    differ = (
        f"So {', '.join(near)} cannot be told from the best by these numbers."
        if near
        else "Every other variant is further away than that."
    )
    return (
        f"A difference that is not larger than the spread over the seeds is not a finding yet. {differ} Whether larger differences are more than chance, "
        f"this report does not test; and the lowest of {len(others) + 1} means, picked on the test part, looks a little better than it is."
    )


def _apart(best: Result, other: Result) -> bool:
    """Whether the means differ by more than the larger of the two spreads, which one seed alone does not have."""
    return (
        other.mse.mean - best.mse.mean > max(best.mse.sd, other.mse.sd)
        if best.measured > 1 and other.measured > 1
        else False
    )


def _table(verdict: Verdict, data: str) -> str:
    setup = verdict.setup
    lines = [
        f"MSE and MAE are on the standardized scale ({SCALES[setup.scaler]}), mean ± standard deviation over the seeds that have a number.",
        f"Skill is the share of the MSE of *{verdict.reference.name}*, the best naive baseline, that is gone: 1 is perfect, below 0 is worse than it.",
    ]
    if len(setup.targets) > UNITS_SHOWN:
        lines.append("Errors in each target's own unit are in `leaderboard.csv`.")
    if any(result.measured < len(result.entry.summary.seeds) for result in verdict.variants):
        lines.append(
            "A lost replica is in no mean, which flatters its variant; the state tells how many are missing."
        )
    notes = [
        f"- *{result.name}*: {result.entry.summary.note}."
        for result in verdict.results
        if result.entry.summary.note
    ]
    return "\n\n".join(
        filter(None, ["## Leaderboard", markdown(verdict), "\n".join(lines), "\n".join(notes)])
    )


def _figures(verdict: Verdict, data: str) -> str:
    return "\n\n".join(
        f"![{row.caption}](figures/{name}.png)\n\n{row.caption}" for name, row in FIGURES.items()
    )


def _measured(verdict: Verdict, data: str) -> str:
    setup = verdict.setup
    facts = [
        f"Data: `{data}`; target{'s' * (len(setup.targets) > 1)} {', '.join(f'`{target}`' for target in setup.targets)}.",
        f"ForecastTask: {setup.horizon} steps ahead from the last {setup.lookback}, an origin {f'every {setup.stride} steps' if setup.stride > 1 else 'at every step'}.",
        f"Scaling: {setup.scaler}, fitted on the training part, {'for each series' if setup.scope == 'series' else 'one scaler for all series'}.",
        f"Test windows: {len(verdict.windows):,}, all of them, the same for every variant and baseline.",
        f"Seeds: {_seed_counts(verdict)}.",
        f"Baselines: the last value; the value {setup.season_length} steps ago; ridge regression with penalty {setup.ridge_penalty:g}, fitted on the training windows.",
    ]
    return (
        "## What was measured\n\n"
        + "\n".join(f"- {fact}" for fact in facts)
        + f"\n\n{_series(verdict)}"
    )


def _seed_counts(verdict: Verdict) -> str:
    counts = sorted((len(result.entry.summary.seeds), result.name) for result in verdict.variants)
    groups = [
        (count, [name for _, name in group])
        for count, group in groupby(counts, key=lambda item: item[0])
    ]
    if len(groups) == 1:
        return f"{groups[0][0]} for each of {len(counts)} variants"
    return "; ".join(
        f"{count} for {', '.join(f'`{name}`' for name in names)}" for count, names in groups
    )


def _series(verdict: Verdict) -> str:
    origins = verdict.windows.groupby("series", sort=True)["origin"].agg(["size", "min", "max"])
    rows = [
        f"| {series} | {row['size']:,} | {row['min']:%Y-%m-%d %H:%M} | {row['max']:%Y-%m-%d %H:%M} |"
        for series, row in origins.iterrows()
    ]
    return "\n".join(
        [
            "| series | test windows | first origin (UTC) | last origin (UTC) |",
            "| :-- | --: | :-- | :-- |",
            *rows,
        ]
    )


SECTIONS: tuple[Callable[[Verdict, str], str], ...] = (_finding, _table, _figures, _measured)
