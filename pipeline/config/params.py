"""`params.yaml` as one frozen, typed, checked object.

Every mistake of the file is reported at once, with its dotted path, what was got and what is
allowed.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, StrictBool, ValidationError

from pipeline.config.data import Data
from pipeline.config.explain import explain
from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.config.rules.case import Case
from pipeline.config.rules.findings import findings
from pipeline.config.section import Names, Section
from pipeline.config.sections import Evaluate, Forecast, Promote, Track, Window
from pipeline.config.standardization import Standardize
from pipeline.config.validation import Validate
from pipeline.config.variants import Content, Variant, resolve, selects
from pipeline.config.yaml import load
from pipeline.core.errors import InputError

Checked = TypeVar("Checked", bound=Section)


class Params(Section):
    """The whole of `params.yaml`: overlays merged into `variants`, `smoke` applied."""

    smoke: StrictBool
    data: Data
    validate_: Annotated[Validate, Field(alias="validate")]
    standardize: Standardize
    window: Window
    train: Train
    model: Model
    forecast: Forecast = Forecast()
    evaluate: Evaluate
    track: Track
    promote: Promote
    study: Annotated[Names, Field(min_length=1)]
    variants: tuple[Variant, ...]

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
        """The least shapes of every network; the table's categories may add channels."""
        return _expected_shape(self.data, self.validate_, self.window)

    def case(self, variant: Variant, shape: Shape) -> Case:
        """Return a variant as the rules see it."""
        return Case(variant.model, shape, variant.train.batch)


def read(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole file; raises `InputError` with every mistake of it."""
    return parse(load(path), path.name)


def parse(content: object, source: str = "params.yaml") -> Params:
    """Check the content of the file `source`; raises `InputError` with every mistake of it."""
    if not isinstance(content, Mapping):
        found = type(content).__name__
        raise InputError(f"{source}: contains {found}; it must be a mapping of sections")
    whole = resolve(content)
    mistakes = [*_empty_selections(whole), *_broken_rules(whole)]
    try:
        params = Params.model_validate(whole)
    except ValidationError as error:
        mistakes = [*explain(error, list(content.get("variants") or ())), *mistakes]
    if mistakes:
        raise InputError(*(f"{source}: {mistake}" for mistake in mistakes))
    return params


def _expected_shape(data: Data, rules: Validate, window: Window) -> Shape:
    """Return the least shapes.

    The calendar has two channels for each of its entries, a column that may be masked has an
    indicator, and a category has as many channels as values, of which the table has one or more.
    """
    masked = sum(rules.rule(column).masks for column in data.targets + data.past_covariates)
    future = len(data.future_covariates) + 2 * len(data.calendar) + (data.holidays is not None)
    past = len(data.past_covariates) + masked
    return Shape(window.lookback, window.horizon, len(data.targets), past, future)


def _empty_selections(whole: Content) -> Iterator[str]:
    """Yield a sentence for every entry of `study` that selects no variant."""
    overlays = [each for each in whole.get("variants") or () if isinstance(each, Mapping)]
    variants = [(str(overlay["name"]), str(overlay.get("family"))) for overlay in overlays]
    study = [whole["study"]] if isinstance(whole["study"], str) else whole["study"] or ()
    for entry in map(str, study):
        if not any(selects(entry, name, family) for name, family in variants):
            families = ", ".join(sorted({family for _, family in variants}))
            yield (
                f"study: {entry!r} selects no variant; use the name of a variant, a glob,"
                f" or a family: {families}"
            )


def _broken_rules(whole: Content) -> Iterator[str]:
    """Yield what the rules reject, of every variant that can be read, if the shapes are known."""
    data, window = _valid(Data, whole.get("data")), _valid(Window, whole.get("window"))
    rules = _valid(Validate, whole.get("validate"))
    if data is None or rules is None or window is None:
        return
    for overlay in whole.get("variants") or ():
        if variant := _valid(Variant, overlay):
            case = Case(variant.model, _expected_shape(data, rules, window), variant.train.batch)
            for finding in findings(case, "reject", variant.allow):
                yield f"variants.{variant.name}: {finding}"


def _valid(section: type[Checked], value: object) -> Checked | None:
    """Return the section if `value` is a valid one."""
    with suppress(ValidationError):
        return section.model_validate(value)
    return None
