"""Checks of what `params.yaml` declares about columns and times, before any row is read."""

import pandas as pd

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import frequency
from pipeline.tables import rows as table
from pipeline.tables.jitter import Rounding

DEFAULT = "default"  # the entry of validate.missing for columns without one of their own


def roles(data: Data) -> list[str]:
    """Return findings about columns with two roles, or with a name of the clean table's."""
    used = [*data.time, *([data.series_column] if data.series_column else []), *data.columns]
    findings = [
        f"params.yaml: data: column {name!r} is named {used.count(name)} times; give it one role"
        for name in dict.fromkeys(used)
        if used.count(name) > 1
    ]
    reserved = [name for name in data.columns if name in table.NAMES]
    findings += [
        f"params.yaml: data: the name {name!r} is reserved for the clean table; rename that column"
        for name in reserved
    ]
    return findings


def unused(data: Data, rules: Validate) -> list[str]:
    """Return findings about rules for columns that are not used."""
    allowed = (*data.columns, DEFAULT)
    keys = [f"validate.missing.{name}" for name in rules.missing if name not in allowed]
    keys += [f"validate.limits.{name}" for name in rules.limits if name not in data.columns]
    choice = f"use one of data.targets and the covariates: {', '.join(data.columns)}"
    return [f"params.yaml: {key}: no such column is used; {choice}" for key in keys]


def unusable(data: Data, rules: Validate) -> list[str]:
    """Return findings about rules that do not suit their column."""
    findings = [
        f"params.yaml: validate.limits.{name}: the column is a category; remove its limits"
        for name in data.categories
        if name in rules.limits
    ]
    for name in data.columns:
        rule, known = rules.rule(name), name in data.future_covariates
        if name in data.categories and (rule.policy in ("constant", "interpolate") or rule.masks):
            findings.append(_unsuitable(name, "a category", "forward_fill, cut or refuse"))
        elif known and rule.masks:
            allowed = "constant, interpolate, forward_fill, cut or refuse"
            findings.append(_unsuitable(name, "a future covariate, which has no mask", allowed))
    return findings


def _unsuitable(name: str, what: str, allowed: str) -> str:
    return (
        f"params.yaml: validate.missing: the rule for column {name!r} does not suit {what}; give "
        f"validate.missing.{name} the policy {allowed}, with beyond: cut or refuse"
    )


def jitter(data: Data) -> list[str]:
    """Return findings about `data.jitter`."""
    if data.jitter is None:
        return []
    if data.frequency is None:
        return [
            f"params.yaml: data.jitter is {data.jitter}, and data.frequency is null; declare the "
            "frequency whose grid the times are rounded to"
        ]
    try:
        rounding = Rounding(data.jitter, frequency.read(data.frequency), data.time_zone)
    except InputError:
        return []  # reported as a frequency
    if not rounding.too_wide:
        return []
    step = pd.Timedelta(rounding.step)
    return [
        f"params.yaml: data.jitter is {data.jitter}, half a step ({step}) or more; use less, since "
        "a time could belong to two steps"
    ]


def drop(data: Data, column: str) -> str:
    """Return the advice to take a column out of the study."""
    roles = ("targets", "past_covariates", "future_covariates")
    return f"drop it from data.{next(role for role in roles if column in getattr(data, role))}"
