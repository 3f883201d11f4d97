"""`factors:` span grids of variants: every combination of the levels of several factors.

A level of a factor is one of its values at one of its places; besides, each factor has the level
`off`, which leaves the base as it is. The combination of all `off` is the base itself and no
variant. A variant is named after its levels: `ln_conv-dropout_before`.
"""

import fnmatch
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from pipeline.config.section import Names, Section, as_tuple, value_error

Levels = Mapping[str, Mapping[str, object]]  # name -> settings by dotted path
OFF = "off"


class Place(Section):
    """A place of the network by its dotted path, and what else is set where it is used."""

    slot: Annotated[str, Field(min_length=1)]
    set: Mapping[str, object] = Field(default_factory=dict)


def _as_place(value: object) -> object:
    return {"slot": value} if isinstance(value, str) else value


def _as_places(value: object) -> object:
    """Return places by name; a single one has no name."""
    return value if isinstance(value, Mapping) and "slot" not in value else {"": value}


def _as_values(value: object) -> object:
    """Return values by name: a value in a list is its own name, a slot in it that of its kind."""
    if isinstance(value, Mapping) and "kind" not in value:
        return value
    listed = [value] if isinstance(value, Mapping) else as_tuple(value)
    return {str(each.get("kind") if isinstance(each, Mapping) else each): each for each in listed}


class Factor(Section):
    """What may be set, `values` by name, and where, `at`: one path, or several by name."""

    values: Annotated[Mapping[str, Any], BeforeValidator(_as_values), Field(min_length=1)]
    at: Annotated[
        Mapping[str, Annotated[Place, BeforeValidator(_as_place)]],
        BeforeValidator(_as_places),
        Field(min_length=1),
    ]

    @property
    def levels(self) -> Levels:
        """What each level sets, `off` first."""
        levels: dict[str, Mapping[str, object]] = {OFF: {}}
        for (value, setting), (name, place) in product(self.values.items(), self.at.items()):
            levels[f"{value}_{name}" if name else value] = {place.slot: setting, **place.set}
        return levels


class Grid(Section):
    """All combinations of the levels of the factors in `span`, but for those that `exclude` names.

    An entry of `exclude` names a level, several, or globs of them, for some of the factors; it
    excludes the combinations that have all of these. `allow` and `reference` are as in a variant.
    """

    family: Annotated[str, Field(min_length=1)]
    span: Annotated[Mapping[str, Factor], Field(min_length=1)]
    exclude: tuple[Mapping[str, Names], ...] = ()
    allow: tuple[str, ...] = ()
    reference: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Grid":
        for number, entry in enumerate(self.exclude):
            for factor, levels in entry.items():
                self._check_exclusion(f"exclude.{number}", factor, levels)
        for one, other in combinations(self.span, 2):
            if both := _paths(self.span[one]) & _paths(self.span[other]):
                raise value_error(
                    f"sets {', '.join(sorted(both))} by {one} and by {other}; a setting belongs to "
                    "one factor"
                )
        paths = {path for factor in self.span.values() for path in _paths(factor)}
        if inner := sorted(path for path in paths if any(path.startswith(f"{p}.") for p in paths)):
            raise value_error(f"sets {inner[0]}, and the whole section too; set one of them")
        return self

    def _check_exclusion(self, where: str, factor: str, levels: Names) -> None:
        if factor not in self.span:
            raise value_error(
                f"has no factor {factor!r} ({where}); its factors are {', '.join(self.span)}"
            )
        known = self.span[factor].levels
        for level in levels:
            if not fnmatch.filter(known, level):
                raise value_error(
                    f"has no level {level!r} of {factor} ({where}); its levels are "
                    f"{', '.join(known)}"
                )

    def variants(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield name and overlay of each variant, in the order of the factors and their levels."""
        levels = {name: factor.levels for name, factor in self.span.items()}
        for chosen in product(*levels.values()):
            combination = dict(zip(levels, chosen, strict=True))
            if set(chosen) == {OFF} or any(_matches(combination, each) for each in self.exclude):
                continue
            settings = {
                path: value
                for factor, level in combination.items()
                for path, value in levels[factor][level].items()
            }
            own = {"family": self.family, "allow": self.allow, "reference": self.reference}
            yield "-".join(each for each in chosen if each != OFF), {**_nested(settings), **own}


def _paths(factor: Factor) -> set[str]:
    return {path for settings in factor.levels.values() for path in settings}


def _matches(combination: Mapping[str, str], excluded: Mapping[str, Names]) -> bool:
    return all(
        any(fnmatch.fnmatchcase(combination[factor], level) for level in levels)
        for factor, levels in excluded.items()
    )


def _nested(settings: Mapping[str, object]) -> dict[str, Any]:
    """Return settings by dotted path as nested mappings."""
    nested: dict[str, Any] = {}
    for path, value in settings.items():
        *sections, key = path.split(".")
        inner = nested
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
    return nested
