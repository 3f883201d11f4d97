"""From what was found of a table to sections of `params.yaml`, each key with its reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.config.yaml import Reasoned, Sections
from pipeline.core.errors import InputError
from pipeline.tables.describing import columns, rules, windows
from pipeline.tables.describing.columns import Column
from pipeline.tables.describing.survey import Survey

TARGETS = re.compile(
    r"(y|ot|target|values?|sales|demand|load|power|consumption|energy|count|cnt|units|quantity"
    r"|delay|temp(erature)?|volume|passengers|traffic)",
    re.IGNORECASE,
)
AHEAD = re.compile(
    r"schedul|plan|holiday|promo|price|discount|event|forecast|campaign|capacity|open|school",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Proposal:
    """Sections of `params.yaml` with reasons, and what is proposed for single keys of others."""

    sections: Sections
    season_length: Reasoned
    notes: Sequence[str]  # about the table as a whole


def propose(survey: Survey, target: str | None) -> Proposal:
    """Return the proposal for a table; raises `InputError` where there is nothing to forecast."""
    series = len(survey.grouping.names)
    candidates = [column for column in survey.columns if _may_be_target(column, series)]
    targets = [_target(survey, candidates, target)]
    covariates = [
        column
        for column in survey.columns
        if column not in targets and rules.left_out(column, survey) is None
    ]
    sizes = windows.propose(survey, targets[0])
    season = Reasoned(
        sizes.season and sizes.season[0],
        f"autocorrelation {sizes.season[1]:.2f} of {targets[0].name} at this lag"
        if sizes.season
        else "the autocorrelation shows no season at the usual lengths; null infers it",
    )
    used = [*targets, *covariates]
    sections = {
        "data": _data(survey, targets, candidates, covariates, target is None),
        "validate": rules.validation(survey, targets, used, sizes),
        "standardize": rules.scaling(survey, used),
        "window": windows.section(sizes),
        "forecast": {"limits": _forecast_limits(targets)},
    }
    return Proposal(sections, season, survey.notes())


def _may_be_target(column: Column, series: int) -> bool:
    """Return whether the column is measured: numbers that vary in time, present in most rows."""
    few = column.missing > rules.MOST_MISSING or 2 * column.stuck >= series or column.static
    odd = columns.is_part_of_time(column.name) or columns.is_row_number(column)
    return column.usable and column.kind == "number" and not (few or odd or column.binary)


def _target(survey: Survey, candidates: Sequence[Column], name: str | None) -> Column:
    """Return the column to forecast: the named one, one that is named as a target, or the last."""
    if name is None:
        if not candidates:
            raise InputError(
                f"{survey.sample.path}: no column could be forecast: none holds numbers that vary"
                f" in time; {_why_not(survey)}"
            )
        named = [column for column in candidates if TARGETS.fullmatch(column.name)]
        return named[0] if named else candidates[-1]
    found = next((column for column in survey.columns if column.name == name), None)
    if found is None or found.kind not in ("number", "boolean"):
        close = get_close_matches(name, [column.name for column in candidates], n=1)
        hint = f"did you mean {close[0]!r}?" if close else ""
        reason = "holds no numbers" if found else "was not found"
        names = ", ".join(column.name for column in candidates)
        raise InputError(
            f"{survey.sample.path}: column {name!r} {reason} {hint}".rstrip()
            + f"; use a column of numbers: {names}"
        )
    return found


def _why_not(survey: Survey) -> str:
    """Say of each column why it cannot be forecast."""
    reasons = {c.name: rules.left_out(c, survey) or "few values" for c in survey.columns}
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())


def _data(
    survey: Survey,
    targets: Sequence[Column],
    candidates: Sequence[Column],
    covariates: Sequence[Column],
    guessed: bool,
) -> dict[str, Reasoned]:
    """Return the section `data`."""
    categories = [column for column in covariates if column.kind == "category"]
    out = {column.name: rules.left_out(column, survey) for column in survey.columns}
    names = [column.name for column in targets]
    left = [f"{name} ({why})" for name, why in out.items() if why and name not in names]
    others = [column.name for column in candidates if column not in targets]
    why_target = (
        f"a guess; name another one with --target, such as {', '.join(others[:8])}"
        if guessed and others
        else ""
    )
    section = {
        "path": Reasoned(str(survey.sample.path)),
        **rules.dialect(survey.sample.csv),
        **rules.time(survey),
        "targets": Reasoned(names, why_target),
        "past_covariates": Reasoned(
            [column.name for column in covariates],
            "known up to the origin of a forecast"
            + (f"; left out: {', '.join(left)}" * bool(left)),
        ),
        "future_covariates": Reasoned([], _ahead(covariates)),
    }
    if categories:
        few = ", ".join(f"{column.name}: {len(column.words)} values" for column in categories)
        unseen = {column.name: "other" for column in categories}
        section["categories"] = Reasoned(unseen, f"text with few values ({few}); one-hot")
    return {**section, **rules.calendar(survey)}


def _ahead(covariates: Sequence[Column]) -> str:
    """Name the columns that may be known ahead; whether they are, the table cannot say."""
    named = [c.name for c in covariates if AHEAD.search(c.name) and not c.open_end]
    if not named:
        return "columns whose future is known; none is named like one, and none is assumed"
    return (
        f"if the future of {', '.join(named)} is known when a forecast is made, move them here from"
        " past_covariates: their names suggest it, the table cannot say"
    )


def _forecast_limits(targets: Sequence[Column]) -> Reasoned:
    """Return limits of forecasts for targets that seem unable to be negative."""
    found: Mapping[str, object] = {
        column.name: {"min": 0} for column in targets if column.known.min() == 0
    }
    words = "no value below 0 was seen; forecasts below it are clipped" if found else ""
    return Reasoned(found, words)
