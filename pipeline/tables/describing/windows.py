"""Lookback, horizon and season length, as far as the rows of the series allow them."""

from dataclasses import dataclass

import numpy as np

from pipeline.config.yaml import Reasoned
from pipeline.tables.describing import season
from pipeline.tables.describing.columns import Column
from pipeline.tables.describing.survey import Survey
from pipeline.tables.rows import Array

SPLITS = (0.7, 0.85)  # where validation and test begin
WINDOWS = 5  # the least number of windows of a series in each split
LONGEST_LOOKBACK, LONGEST_HORIZON = 168, 48
SHORTEST = 2


@dataclass(frozen=True)
class Sizes:
    """The sizes of a window, the season behind them, and the series that have no windows."""

    lookback: int
    horizon: int
    season: tuple[int, float] | None  # length and autocorrelation
    wanted: tuple[int, int]  # lookback and horizon before they were shortened
    short: tuple[str, ...]  # series


def propose(survey: Survey, target: Column) -> Sizes:
    """Return sizes from the season, shortened until most series have windows in every split."""
    spans = survey.grid.spans
    longest = max(spans, key=lambda span: span.stop - span.start)
    frequency = str(survey.steps.frequency)
    found = season.find(target.values[longest], frequency)
    cycle = (season.cycles(frequency) or (1,))[0]
    length = found[0] if found else cycle
    horizon = min(max(cycle, 6), LONGEST_HORIZON) if cycle > 1 else 6
    lookback = min(max(2 * length, 4 * cycle if cycle < 12 else 0, 12), LONGEST_LOOKBACK)
    wanted = lookback, horizon
    while _share(survey, lookback, horizon) < 0.9 and max(lookback, horizon) > SHORTEST:
        if lookback > 2 * horizon or horizon == SHORTEST:
            lookback = max(lookback // 2, SHORTEST)
        else:
            horizon = max(horizon // 2, SHORTEST)
    names = survey.grouping.names
    short = tuple(
        names[survey.grid.series[span.start]]
        for span in spans
        if not _fits(survey.grid.segment[span], lookback, horizon)
    )
    return Sizes(lookback, horizon, found, wanted, short)


def section(sizes: Sizes) -> dict[str, Reasoned]:
    """Return the section `window`."""
    shortened = (sizes.lookback, sizes.horizon) != sizes.wanted
    rows = "; shortened so that every split of every series has windows" if shortened else ""
    basis = f"a season is {sizes.season[0]} steps" if sizes.season else "no season was found"
    return {
        "lookback": Reasoned(sizes.lookback, f"{basis}{rows}"),
        "horizon": Reasoned(sizes.horizon, "in steps: write how far you need to see"),
        "stride": Reasoned(1),
    }


def _share(survey: Survey, lookback: int, horizon: int) -> float:
    """Return the share of the series that have windows in every split."""
    spans = survey.grid.spans
    fits = [_fits(survey.grid.segment[span], lookback, horizon) for span in spans]
    return float(np.mean(fits))


def _fits(segment: Array, lookback: int, horizon: int) -> bool:
    """Return whether a series, with the `segment` of each place, has windows in every split."""
    rows = len(segment)
    starts = np.arange(max(rows - lookback - horizon + 1, 0))
    whole = segment[starts] == segment[starts + lookback + horizon - 1]
    validation, test = (int(rows * share) for share in SPLITS)
    first, stop = starts + lookback, starts + lookback + horizon  # of the steps to forecast
    parts = [
        stop <= validation,
        (first >= validation) & (stop <= test),
        first >= test,
    ]
    return all((whole & part).sum() >= WINDOWS for part in parts)
