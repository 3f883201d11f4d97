"""The verdict as Markdown. A section is a row of `SECTIONS`; an empty text is left out.

The wording claims no more than was measured: means, the spread over seeds, and which differences
are too small to decide on.
"""

from collections.abc import Callable, Iterator
from itertools import groupby

from pipeline.config.scalers import SCALERS
from pipeline.evaluation.figures import FIGURES
from pipeline.evaluation.leaderboard_text import UNITS_SHOWN, decimals, markdown, plus_minus
from pipeline.evaluation.verdict import Result, Verdict

HEADING = "# Which variant forecasts best"


def text(verdict: Verdict, data: str) -> str:
    """Return the whole report; `data` names the raw table.

    Figures are linked as `figures/<name>.png`, beside the report.
    """
    parts = (section(verdict, data) for section in SECTIONS)
    return "\n\n".join(part for part in parts if part) + "\n"


def _finding(verdict: Verdict, data: str) -> str:
    best = verdict.best
    if best is None:
        return (
            f"{HEADING}\n\nNo variant has a test error: every seed failed. "
            "The leaderboard says how."
        )
    seeds = f"(mean ± standard deviation over {best.measured} seeds)"
    if best.measured == 1:
        seeds = "from one seed, so its spread is unknown"
    mse = plus_minus(best.mse, decimals([best.mse.mean]))
    lead = f"**`{best.name}`** has the lowest mean test error: MSE {mse} {seeds}."
    lines = [lead, _against_baselines(verdict, best), _caution(verdict, best)]
    return "\n".join([HEADING, "", *filter(None, lines)])


def _against_baselines(verdict: Verdict, best: Result) -> str:
    places = decimals([best.mse.mean])
    naive, strongest = verdict.reference, verdict.baselines[0]
    relation = "not comparable with"
    if naive.mse.mean:
        relation = f"{abs(best.skill):.1%} {'lower' if best.skill > 0 else 'higher'} than"
    naive_mse = plus_minus(naive.mse, places)
    text = f"That is {relation} the best naive baseline, *{naive.name}* ({naive_mse})."
    strongest_mse = plus_minus(strongest.mse, places)
    if strongest.mse.mean < best.mse.mean:
        name = strongest.name
        return f"{text} The baseline *{name}* is better than every variant ({strongest_mse})."
    return f"{text} No baseline is better; the closest is *{strongest.name}* ({strongest_mse})."


def _caution(verdict: Verdict, best: Result) -> str:
    """Say which variants the seeds alone could reorder; no test of significance is made here."""
    others = [result for result in verdict.variants if result is not best and result.measured]
    if not others:
        return ""
    close = [f"`{result.name}`" for result in others if not _apart(best, result)]
    differ = "Every other variant lies further from the best than that."
    if close:
        differ = f"By that measure, the best cannot be distinguished from {', '.join(close)}."
    return (
        f"Differences within the spread over seeds are inconclusive. {differ} "
        "Whether larger differences are due to chance is not tested here. The lowest of "
        f"{len(others) + 1} means, selected on the test split, is a slightly optimistic estimate."
    )


def _apart(best: Result, other: Result) -> bool:
    """Return whether the means differ by more than the larger sd, which one seed does not have."""
    if best.measured < 2 or other.measured < 2:
        return False
    return other.mse.mean - best.mse.mean > max(best.mse.sd, other.mse.sd)


def _table(verdict: Verdict, data: str) -> str:
    setup = verdict.setup
    lines = [
        "Lower is better. MSE and MAE are on the standardized scale, where an error of 1 is "
        f"{SCALERS[setup.scaler].unit}, and are given as mean ± standard deviation over seeds.",
        f"Skill is 1 - MSE / MSE of *{verdict.reference.name}*, the best naive baseline: 1 is a "
        "perfect forecast, 0 is no better than the baseline, below 0 is worse.",
        "The seconds per seed are those of training.",
    ]
    if len(setup.targets) > UNITS_SHOWN:
        lines.append("Errors in the unit of each target are in `leaderboard.csv`.")
    if any(result.measured < len(result.entry.summary.seeds) for result in verdict.variants):
        lines.append(
            "Failed seeds are left out of the means, which flatters their variant; "
            "the state says how many failed."
        )
    notes = [
        f"- *{result.name}*: {result.entry.summary.note}."
        for result in verdict.results
        if result.entry.summary.note
    ]
    parts = ["## Leaderboard", markdown(verdict), "\n".join(lines), "\n".join(notes)]
    return "\n\n".join(filter(None, parts))


def _figures(verdict: Verdict, data: str) -> str:
    return "\n\n".join(
        f"![{row.title}](figures/{name}.png)\n\n{row.caption}" for name, row in FIGURES.items()
    )


def _measured(verdict: Verdict, data: str) -> str:
    setup = verdict.setup
    targets = ", ".join(f"`{target}`" for target in setup.targets)
    every = "every step" if setup.stride == 1 else f"every {setup.stride} steps"
    scope = "one scaler per series" if setup.scope == "series" else "one scaler for all series"
    facts = [
        f"Data: `{data}`; target{'s' * (len(setup.targets) > 1)}: {targets}.",
        f"Forecasts: {setup.horizon} steps ahead from the last {setup.lookback} steps, "
        f"with an origin at {every}.",
        f"Scaling: `{setup.scaler}`, fitted on the training split, {scope}.",
        f"Test windows: {len(verdict.windows):,}, the same for every variant and baseline.",
        f"Seeds: {_seed_counts(verdict)}.",
        f"Baselines: the last value; seasonal naive, with a season length of "
        f"{setup.season_length} steps; ridge regression on the training windows, with a penalty "
        f"of {setup.ridge_penalty:g}.",
    ]
    lines = "\n".join(f"- {fact}" for fact in facts)
    series = "\n".join(_series(verdict))
    return f"## What was measured\n\n{lines}\n\n{series}"


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
    """Yield a table of the series and their test windows."""
    yield "| series | test windows | first origin (UTC) | last origin (UTC) |"
    yield "| :-- | --: | :-- | :-- |"
    origins = verdict.windows.groupby("series", sort=True)["origin"].agg(["size", "min", "max"])
    for series, row in origins.iterrows():
        first, last = f"{row['min']:%Y-%m-%d %H:%M}", f"{row['max']:%Y-%m-%d %H:%M}"
        yield f"| {series} | {row['size']:,} | {first} | {last} |"


SECTIONS: tuple[Callable[[Verdict, str], str], ...] = (_finding, _table, _figures, _measured)
