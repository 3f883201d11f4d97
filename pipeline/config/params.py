"""`params.yaml` and its catalogue as one frozen, typed, checked object.

Every mistake of the files is reported at once, with its file and dotted path, what was got and what
is allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr, StrictBool, ValidationError

from pipeline.config import calendars
from pipeline.config.catalogue import ALONE, Origin, include
from pipeline.config.claims import Claim
from pipeline.config.data import Data
from pipeline.config.explain import explain
from pipeline.config.factors import Grid
from pipeline.config.learning import Train
from pipeline.config.mentions import (
    empty_selections,
    unknown_columns,
    unknown_in_claims,
    unknown_references,
)
from pipeline.config.model import Model, Shape
from pipeline.config.rules.case import Case
from pipeline.config.section import Names, Section, as_tuple
from pipeline.config.sections import Compare, Evaluate, Forecast, Promote, Track, Window
from pipeline.config.standardization import Standardize
from pipeline.config.study import broken_rules, is_left_out, own_races, tried, valid
from pipeline.config.validation import Validate
from pipeline.config.variants import Content, Variant, resolve, selects
from pipeline.config.yaml import load
from pipeline.core.errors import InputError


class Params(Section):
    """The whole of `params.yaml`: overlays merged into `variants`, `smoke` applied.

    `catalogue` is the folder of the files that define variants as well.
    """

    smoke: StrictBool
    data: Data
    validate_: Annotated[Validate, Field(alias="validate")]
    standardize: Standardize
    window: Window
    train: Train
    model: Model
    forecast: Forecast = Forecast()
    evaluate: Evaluate
    compare: Compare = Compare()
    track: Track
    promote: Promote
    study: Annotated[Names, Field(min_length=1)]
    catalogue: str | None = None
    factors: Mapping[str, Grid] = Field(default_factory=dict)
    claims: Mapping[str, Claim] = Field(default_factory=dict)
    variants: tuple[Variant, ...]
    _unusable: tuple[tuple[str, str], ...] = PrivateAttr(default=())
    _origin: Origin = PrivateAttr(default=ALONE)

    @property
    def unusable(self) -> tuple[tuple[str, str], ...]:
        """Name and reason of each variant that is not selected and cannot run with this base."""
        return self._unusable

    @property
    def selected(self) -> tuple[Variant, ...]:
        """The variants that `study` selects, in the order of the file."""
        return tuple(
            variant
            for variant in self.variants
            if any(selects(entry, variant.name, variant.family) for entry in self.study)
        )

    @property
    def expected_shape(self) -> Shape:
        """The least shape of every network; the values of categories may add channels."""
        return _expected_shape(self.data, self.validate_, self.window)

    def case(self, variant: Variant, shape: Shape) -> Case:
        """Return a variant as the rules see it."""
        return Case(variant.model, shape, variant.train.batch)

    def check(self, shape: Shape) -> None:
        """Raise `InputError` with what the rules reject, now that the data's shape is known."""
        if broken := broken_rules(self.selected, self.model, self.train, shape):
            raise InputError(*self._origin.locate(broken))


def read(path: Path = Path("params.yaml")) -> Params:
    """Read and check the file and its catalogue; raises `InputError` with every mistake of them."""
    return parse(*include(load(path), path))


def parse(content: object, origin: Origin = ALONE) -> Params:
    """Check the content of `params.yaml`, the catalogue's included; raises `InputError`."""
    if not isinstance(content, Mapping):
        found = type(content).__name__
        raise InputError(f"{origin.source}: contains {found}; it must be a mapping of sections")
    content, origin, mistakes = _with_grids(content, origin)
    whole = resolve(content)
    entries, overlays = _entries(whole), _overlays(content, whole)
    checked = {
        name: overlay for name, overlay in overlays.items() if not is_left_out(overlay, entries)
    }
    whole["variants"] = list(checked.values())
    mistakes += [
        *_no_variants(content),
        *empty_selections(entries, overlays.values()),
        *unknown_references(overlays),
        *unknown_in_claims(whole, overlays),
        *unknown_columns(whole),
        *_broken_rules(whole),
    ]
    try:
        params = Params.model_validate(whole)
    except ValidationError as error:
        mistakes = [*explain(error, [*checked]), *mistakes]
    if mistakes:
        raise InputError(*origin.locate(mistakes))
    params._origin = origin
    return _with_the_others(params, overlays)


def _with_grids(content: Content, origin: Origin) -> tuple[Content, Origin, list[str]]:
    """Return the content with the variants that `factors` span, whose each is, and mistakes."""
    factors, variants = content.get("factors"), content.get("variants")
    if not isinstance(factors, Mapping) or not isinstance(variants, Mapping):
        return content, origin, []
    every, twice = dict(variants), list[str]()
    grids: dict[str, str] = {}
    for grid_name, entry in factors.items():
        grid = valid(Grid, entry)
        for name, overlay in grid.variants() if grid else ():
            if name in every:
                owner = f"factors.{grids[name]}" if name in grids else "variants"
                twice.append(
                    f"factors.{grid_name}: spans {name}, which {owner} has as well; rename a level "
                    "or exclude it"
                )
                continue
            every[name], grids[name] = overlay, str(grid_name)
    return {**content, "variants": every}, replace(origin, grids=grids), twice


def _entries(whole: Content) -> Sequence[str]:
    """Return the entries of `study`, which may be a single one."""
    return [str(entry) for entry in as_tuple(whole.get("study"))]


def _overlays(content: Content, whole: Content) -> Mapping[str, object]:
    """Return each variant written out, by its name in the file."""
    variants = content.get("variants")
    if not isinstance(variants, Mapping):
        return {}
    return dict(zip(variants, whole["variants"], strict=True))


def _no_variants(content: Content) -> Iterator[str]:
    """Yield a sentence if `variants` is not what it must be."""
    variants = content.get("variants")
    if not isinstance(variants, Mapping):
        yield f"variants is {variants!r}; it must be a mapping of names to variants"


def _with_the_others(params: Params, overlays: Mapping[str, object]) -> Params:
    """Return the parameters with the variants that are not selected, or why they cannot run."""
    selected = {variant.name: variant for variant in params.variants}
    found = {
        name: selected.get(name) or tried(overlay, params.expected_shape)
        for name, overlay in overlays.items()
    }
    variants = tuple(each for each in found.values() if isinstance(each, Variant))
    whole = params.model_copy(update={"variants": variants})
    whole._unusable = tuple((name, each) for name, each in found.items() if isinstance(each, str))
    return whole


def _expected_shape(data: Data, rules: Validate, window: Window) -> Shape:
    """Return the least shape.

    The calendar has two channels for each of its entries, a column that may be masked has an
    indicator, and a category has as many channels as values, of which the table has one or more.
    """
    masked = sum(rules.rule(column).masks for column in data.targets + data.past_covariates)
    calendar = calendars.channels(data.calendar, data.holidays)
    future = len(data.future_covariates) + len(calendar)
    past = len(data.past_covariates) + masked
    return Shape(
        window.lookback, window.horizon, len(data.targets), past, future, calendar=calendar
    )


def _broken_rules(whole: Content) -> list[str]:
    """Return what the rules reject of every variant that can be read, if the shape is known."""
    data, window = valid(Data, whole.get("data")), valid(Window, whole.get("window"))
    rules = valid(Validate, whole.get("validate"))
    model, train = valid(Model, whole.get("model")), valid(Train, whole.get("train"))
    if data is None or window is None or rules is None or model is None or train is None:
        return []
    found = [valid(Variant, overlay) for overlay in whole["variants"]]
    variants = [each for each in found if each is not None]
    shape = _expected_shape(data, rules, window)
    return [*broken_rules(variants, model, train, shape), *own_races(variants, train)]
