"""`study:` selects the variants that run; a variant that it leaves out rejects nothing."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from pydantic import ValidationError

from pipeline.config.catalogue import listed
from pipeline.config.explain import explain
from pipeline.config.learning import Race, Train
from pipeline.config.model import Model, Shape
from pipeline.config.rules.case import Case
from pipeline.config.rules.findings import findings
from pipeline.config.section import Section
from pipeline.config.variants import Label, Variant, selects

Checked = TypeVar("Checked", bound=Section)


def is_left_out(overlay: object, study: Sequence[str]) -> bool:
    """Return whether no entry of `study` selects this variant, which has a name and a family."""
    if not isinstance(overlay, Mapping):
        return False
    label = valid(Label, {key: overlay.get(key) for key in ("name", "family")})
    return label is not None and not any(
        selects(entry, label.name, label.family) for entry in study
    )


def tried(overlay: object, shape: Shape) -> Variant | str:
    """Return a variant, or the reason why it cannot run with this base."""
    try:
        variant = Variant.model_validate(overlay)
    except ValidationError as error:
        return explain(error, ())[0]
    reasons = findings(Case(variant.model, shape, variant.train.batch), "reject", variant.allow)
    return reasons[0] if reasons else variant


def broken_rules(
    variants: Sequence[Variant], model: Model, train: Train, shape: Shape
) -> list[str]:
    """Return one sentence for each variant that the rules reject.

    What several variants inherit from the base `model` is one sentence about the base.
    """
    found = {
        variant.name: findings(
            Case(variant.model, shape, variant.train.batch), "reject", variant.allow
        )
        for variant in variants
    }
    inherited: dict[str, list[str]] = {}
    for finding in findings(Case(model, shape, train.batch), "reject"):
        names = [name for name, sentences in found.items() if finding in sentences]
        if len(names) > 1:
            inherited[finding] = names
    own = {
        name: [sentence for sentence in sentences if sentence not in inherited]
        for name, sentences in found.items()
    }
    return [
        *(f"model: {finding} (in {listed(names)})" for finding, names in inherited.items()),
        *(f"variants.{name}: {'; also '.join(each)}" for name, each in own.items() if each),
    ]


def own_races(variants: Sequence[Variant], train: Train) -> list[str]:
    """Return one sentence for each variant with a race for seeds other than that of `train`."""
    return [
        f"variants.{variant.name}: train.seeds is a race of its own; all variants run one race, "
        "that of train.seeds: change it there, or give this variant a number of seeds"
        for variant in variants
        if isinstance(variant.train.seeds, Race) and variant.train.seeds != train.seeds
    ]


def valid(section: type[Checked], value: object) -> Checked | None:
    """Return the section if `value` is a valid one."""
    with suppress(ValidationError):
        return section.model_validate(value)
    return None
