"""What is proposed for the time, holes, limits and scales of a table, and what is left out."""

from collections.abc import Sequence

import numpy as np
from sklearn.preprocessing import PowerTransformer

from pipeline.config.data import Csv
from pipeline.config.yaml import Reasoned
from pipeline.tables.describing import columns
from pipeline.tables.describing.columns import Column
from pipeline.tables.describing.survey import MAX_GAP, Survey
from pipeline.tables.describing.windows import Sizes
from pipeline.tables.rows import Array

MOST_MISSING = 0.5  # a larger share of missing values leaves a column out
SHORT_RUN = 12  # the longest run of missing values that is proposed to be filled
SKEWED = 2.0  # the least absolute skewness for which another scale is proposed
GAIN = 0.5  # the share of the skewness that another scale may leave
TRIED = 20_000  # values that the power transform is tried on


def left_out(column: Column, survey: Survey) -> str | None:
    """Return why a column is not proposed, or null."""
    examples = ", ".join(map(repr, column.words))
    several = len(survey.grouping.names) > 1
    reasons = [
        (columns.is_part_of_time(column.name), "part of the time; use `calendar`"),
        (column.kind == "empty", "no values"),
        (column.kind == "text", f"text{f' such as {examples}' if examples else ''}"),
        (column.kind == "number" and bool(column.words), f"cells such as {examples}"),
        (not column.varies, "constant"),
        (column.missing > MOST_MISSING, f"{column.missing:.0%} missing"),
        (column.kind == "number" and columns.is_row_number(column), "a row number"),
        (
            bool(column.stuck)
            and not (column.static or column.binary or column.kind == "category"),
            f"constant in training{f' of {column.stuck} series' * several}",
        ),
    ]
    return next((reason for applies, reason in reasons if applies), None)


def dialect(csv: Csv) -> dict[str, Reasoned]:
    """Return `csv` if the files are not written as is usual."""
    given = csv.model_dump(exclude_defaults=True)
    return {"csv": Reasoned(given, "as the first lines are written")} if given else {}


def time(survey: Survey) -> dict[str, Reasoned]:
    """Return the keys of `data` about times and series."""
    moments, groups, steps = survey.moments, survey.grouping, survey.steps
    names = list(moments.columns)
    rivals = f"; {', '.join(moments.rivals)} also hold times" if moments.rivals else ""
    doubt = "; day and month could be exchanged: check" if moments.doubtful else ""
    section = {
        "time": Reasoned(
            names if len(names) > 1 else names[0],
            f"{moments.distinct} different times{rivals}",
        ),
        "time_format": Reasoned(
            moments.format, f"read as {moments.format or 'ISO 8601'}{doubt}" if doubt else ""
        ),
        "time_zone": Reasoned(survey.zone.name, survey.zone.reason),
    }
    if survey.zone.ambiguous != "refuse":
        words = "repeated local times are told apart by their order"
        once = "repeated local times are there once: the first is meant"
        ambiguous = survey.zone.ambiguous
        section["ambiguous"] = Reasoned(ambiguous, words if ambiguous == "infer" else once)
    named: object = {"from": "filename"} if groups.by_file else groups.column
    section["series"] = Reasoned(named, f"{groups.reason}{_names(groups.names)}")
    section["frequency"] = Reasoned(steps.frequency, steps.reason)
    if steps.jitter:
        section["jitter"] = Reasoned(steps.jitter, "times lie this close to a regular grid")
    return section


def _names(names: Sequence[str]) -> str:
    if len(names) == 1:
        return ""
    more = ", ..." if len(names) > 5 else ""
    return f"; {len(names)} series: {', '.join(names[:5])}{more}"


def calendar(survey: Survey) -> dict[str, Reasoned]:
    """Return `calendar` and `holidays`: what repeats at least twice within the training rows."""
    times = survey.times[~np.isnat(survey.times)]
    days = (times.max() - times.min()) / np.timedelta64(1, "D") * columns.TRAINING
    step = np.median(np.diff(np.unique(times))) / np.timedelta64(1, "D")
    fitting = {
        "hour_of_day": step < 1 and days >= 2,
        "day_of_week": step < 7 and days >= 14,
        "day_of_year": step >= 1 and days >= 2 * 366,
    }
    used = [name for name, fits in fitting.items() if fits]
    words = "cycles that the training rows hold at least twice, in local time"
    place = "a country, or a part of one such as US-NY, if its holidays matter"
    return {"calendar": Reasoned(used, words), "holidays": Reasoned(None, place)}


def validation(
    survey: Survey, targets: Sequence[Column], used: Sequence[Column], sizes: Sizes
) -> dict[str, Reasoned]:
    """Return the section `validate`."""
    gaps = survey.steps.gaps()
    short = int((gaps <= MAX_GAP).sum())
    about = f"{short} gaps of up to {MAX_GAP} rows are filled; {len(gaps) - short} longer ones cut"
    longest = f" (the longest is {gaps.max()} rows)" if len(gaps) else ""
    missing = {"default": Reasoned({"policy": "forward_fill", "max_run": MAX_GAP})}
    for column in used:
        if column.longest and (rule := _rule(column, column in targets)):
            missing[column.name] = rule
    limits = {column.name: rule for column in used if (rule := _limits(column))}
    section = {
        "max_gap": Reasoned(MAX_GAP, f"{about}{longest}" if len(gaps) else "no row is missing"),
        "max_missing_fraction": Reasoned(MOST_MISSING),
        "series_policy": _series_policy(targets, sizes),
        "missing": Reasoned(missing),
        "limits": Reasoned(limits),
    }
    return section


def _series_policy(targets: Sequence[Column], sizes: Sizes) -> Reasoned:
    """Return what to do with series that are too short, or whose target does not vary."""
    reasons = []
    if sizes.short:
        named = ", ".join(sizes.short[:5]) + ", ..." * (len(sizes.short) > 5)
        reasons.append(f"too few rows for a window in every split in {len(sizes.short)}: {named}")
    reasons += [
        f"{column.name} is constant in training of {column.stuck}"
        for column in targets
        if column.stuck
    ]
    return Reasoned("leave_out" if reasons else "refuse", "; ".join(reasons))


def _rule(column: Column, target: bool) -> Reasoned | None:
    """Return what to do with the missing values of a column, or null for the default."""
    about = (
        f"{column.missing:.1%} missing; the longest run, short gaps included: {column.longest} rows"
    )
    if target:
        return Reasoned({"policy": "mask"}, f"{about}; a target is not to be invented")
    if column.longest <= MAX_GAP:
        return None
    if column.longest <= SHORT_RUN:
        return Reasoned({"policy": "forward_fill", "max_run": column.longest}, about)
    rule = {"policy": "forward_fill", "max_run": MAX_GAP, "beyond": "mask"}
    return Reasoned(rule, f"{about}; longer runs than {MAX_GAP} are masked")


def _limits(column: Column) -> Reasoned | None:
    """Return plausible limits of a column, or null where no value lies far from the others."""
    if not column.outside:
        return None
    low, high = column.extremes
    return Reasoned(
        {**column.limits, "outside": "missing"},
        f"cells far from the others: {column.outside}; the values go from {low:g} to {high:g}",
    )


def scaling(survey: Survey, used: Sequence[Column]) -> dict[str, Reasoned]:
    """Return the section `standardize`."""
    scales = {column.name: scale for column in used if (scale := _scale(column))}
    return {
        "scaler": Reasoned("standard"),
        "columns": Reasoned(scales),
        "scope": Reasoned("series"),
        "split": Reasoned({"train": 0.7, "validation": 0.15, "test": 0.15}, "in time order"),
    }


def _scale(column: Column) -> Reasoned | None:
    """Return the scale of a column that the standard one does not suit, or null."""
    if column.kind == "category":
        return None
    if column.binary:
        return Reasoned("none", "0 or 1")
    known = column.known
    skew = columns.skewness(known)
    if abs(skew) < SKEWED or column.static:
        return None
    left = {"power": columns.skewness(_power(known))}
    if known.min() >= 0:
        left["log"] = columns.skewness(np.log(known + 1))
    best = min(left, key=lambda kind: abs(left[kind]))
    if abs(left[best]) > GAIN * abs(skew):
        return None
    kind = {"kind": "log", "offset": 1} if best == "log" else "power"
    return Reasoned(kind, f"skewness {skew:.1f}, on this scale {left[best]:.1f}")


def _power(known: Array) -> Array:
    """Return some of the values after the Yeo-Johnson transform that suits them."""
    few = known[:: max(len(known) // TRIED, 1)]
    fitted: Array = PowerTransformer().fit_transform(few[:, None])[:, 0]
    return fitted
