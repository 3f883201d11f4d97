"""Names that one section uses and another one defines: variants, families, columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from pipeline.config.claims import Claim, unknown
from pipeline.config.data import Data
from pipeline.config.sections import Forecast, bound_column
from pipeline.config.standardization import Standardize
from pipeline.config.study import valid
from pipeline.config.variants import Content, selects


def empty_selections(entries: Sequence[str], overlays: Iterable[object]) -> Iterator[str]:
    """Yield a sentence for every entry of `study` that selects no variant."""
    variants = [
        (str(overlay["name"]), str(overlay.get("family")))
        for overlay in overlays
        if isinstance(overlay, Mapping)
    ]
    for entry in entries:
        if not any(selects(entry, name, family) for name, family in variants):
            families = ", ".join(sorted({family for _, family in variants}))
            yield (
                f"study: {entry!r} selects no variant; use the name of a variant, a glob,"
                f" or a family: {families}"
            )


def unknown_references(overlays: Mapping[str, object]) -> Iterator[str]:
    """Yield a sentence for every variant whose reference is no other variant."""
    for name, overlay in overlays.items():
        reference = overlay.get("reference") if isinstance(overlay, Mapping) else None
        if isinstance(reference, str) and (reference == name or reference not in overlays):
            yield (
                f"variants.{name}.reference is {reference!r}; name another variant, the one to "
                "compare with"
            )


def unknown_in_claims(whole: Content, overlays: Mapping[str, object]) -> Iterator[str]:
    """Yield a sentence for every variant that a claim names and that no file defines."""
    claims = whole.get("claims")
    if isinstance(claims, Mapping):
        found = {str(name): valid(Claim, claim) for name, claim in claims.items()}
        yield from unknown({name: claim for name, claim in found.items() if claim}, overlays)


def unknown_columns(whole: Content) -> Iterator[str]:
    """Yield a sentence for every column that a section names and that `data` does not."""
    data = valid(Data, whole.get("data"))
    if data is None:
        return
    if standardize := valid(Standardize, whole.get("standardize")):
        numbers = [column for column in data.columns if column not in data.categories]
        yield from _not_among("standardize.columns", standardize.columns, numbers)
    if forecast := valid(Forecast, whole.get("forecast", {})):
        yield from _not_among("forecast.limits", forecast.limits, data.targets)
        yield from _overwritten(data, forecast)


def _overwritten(data: Data, forecast: Forecast) -> Iterator[str]:
    """Yield a sentence for every column of a forecast whose name is that of a bound."""
    columns = {*data.targets, data.time_name, data.series_column or "series"}
    for target, end, level in product(data.targets, range(2), forecast.levels):
        if (name := bound_column(target, end, level)) in columns:
            yield (
                f"forecast.levels: {level:g} names a bound of {target} {name!r}, as a column of "
                "the table is called; use another level, or rename the column"
            )


def _not_among(section: str, named: Iterable[str], columns: Sequence[str]) -> Iterator[str]:
    for name in named:
        if name not in columns:
            yield f"{section}.{name}: no such column; use one of {', '.join(columns)}"
