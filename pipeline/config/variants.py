"""Variants: each is the base network and training with an overlay of two or three lines."""

import fnmatch
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from pipeline.config.learning import Train
from pipeline.config.model import Model
from pipeline.config.section import Section

Content = Mapping[str, Any]

SMOKE: Content = {
    "data": {"rows": 1000},
    # dates and numbers of rows may lie beyond these rows
    "standardize": {"split": {"train": 0.7, "validation": 0.15, "test": 0.15}},
    "train": {"epochs": 2, "seeds": 2},
}
SHIPPED: Content = {
    "train": {
        "epochs": 6,
        "batch": 128,
        "patience": 4,
        "optimizer": {"kind": "adamw", "weight_decay": 0.01},
        "learning_rate": 0.003,
        "schedule": {"kind": "cosine", "warmup": 1},
    },
    "model": {
        "conv": {"filters": 16},
        "recurrent": {"units": 16},
        "head": {"kind": "per_step", "hidden": 64},
    },
}
"""What an omitted key means: what the shipped `params.yaml` says. A test compares the two."""

OWN = ("family", "allow", "reference")
"""The keys of a variant that say nothing of its network and its training."""

BASELINES = ("last_value", "seasonal_naive", "drift", "ridge", "gradient_boosting")
"""Names that no variant may have; a test compares them with the table of baselines."""


def _is_no_baseline(name: str) -> str:
    if name in BASELINES:
        raise PydanticCustomError(
            "value",
            "is the name of a baseline; choose a name other than {names}",
            {"names": ", ".join(BASELINES)},
        )
    return name


class Label(Section):
    """What every variant has, whether or not it is selected: a name and a family."""

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"), AfterValidator(_is_no_baseline)
    ]
    family: str


class Variant(Label):
    """A named configuration of the network and of its training; `allow` names rules to break.

    `reference` is the variant that its effect is relative to; null for `plain`.
    """

    model: Model
    train: Train
    allow: tuple[str, ...] = ()
    reference: str | None = None


def selects(entry: str, name: str, family: str) -> bool:
    """Return whether an entry of `study` selects this variant: by name, glob or family."""
    return entry == family or fnmatch.fnmatchcase(name, entry)


def resolve(content: Content) -> dict[str, Any]:
    """Return the content with omitted keys and variants written out, and sizes of a smoke run."""
    content = {
        **content,
        "train": _merge(SHIPPED["train"], content.get("train", {})),
        "model": _over_model(SHIPPED["model"], content.get("model", {})),
    }
    smoke = SMOKE if content.get("smoke") is True else {}
    small = {key: _merge(content.get(key), value) for key, value in smoke.items()}
    whole: dict[str, Any] = {**content, **small}
    variants = content.get("variants")
    if isinstance(variants, Mapping):
        whole["variants"] = [
            _variant(name, overlay, whole, smoke) for name, overlay in variants.items()
        ]
    return whole


def _variant(name: str, overlay: object, whole: Content, smoke: Content) -> object:
    """Return a variant with its overlay merged into `model` and `train`."""
    if not isinstance(overlay, Mapping):
        return overlay
    rest = dict(overlay)
    own = {key: rest.pop(key) for key in OWN if key in rest}
    train = _merge(whole.get("train", {}), rest.pop("train", {}))
    if isinstance(train, Mapping):
        train = _merge(train, smoke.get("train", {}))
    return {"name": name, **own, "train": train, "model": _over_model(whole.get("model", {}), rest)}


def _over_model(base: object, overlay: object) -> object:
    """Return the base network with the sections of a variant over it; some have a `kind`."""
    return _over(base, overlay, lambda section, rest: _over(section, rest, _merge))


def _merge(base: object, overlay: object) -> object:
    """Return `base` with `overlay` over it, section by section.

    A slot that names its kind replaces the slot, and a list replaces the list.
    """
    is_slot = isinstance(overlay, Mapping) and "kind" in overlay
    return overlay if is_slot else _over(base, overlay, _merge)


def _over(base: object, overlay: object, merge: Callable[[object, object], object]) -> object:
    """Return the mapping `base` with the keys of `overlay` merged into it; else `overlay`."""
    if not (isinstance(base, Mapping) and isinstance(overlay, Mapping)):
        return overlay
    merged = {key: merge(base.get(key), value) for key, value in overlay.items()}
    return {**base, **merged}
