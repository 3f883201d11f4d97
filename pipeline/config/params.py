"""`params.yaml` as frozen, typed, checked objects. This module is the only reader of YAML.

Every mistake of the file is reported at once, each with its dotted path, what was got and what is allowed.
"""

import fnmatch
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from pipeline.config.kinds import Kind
from pipeline.config.learning import CLIPS, LOSSES, OPTIMIZERS, RANGES, SCHEDULES
from pipeline.config.model import Model, Section, Shape, Slot, read_slot
from pipeline.config.rules import table as rules
from pipeline.config.sections import (
    Count,
    Data,
    Evaluate,
    Names,
    Positive,
    Promote,
    Standardize,
    Track,
    Validate,
    Window,
)
from pipeline.config.yaml import load
from pipeline.core.errors import InputError

SMOKE = {
    "data": {"rows": 1000},
    "standardize": {
        "split": {"train": 0.7, "validation": 0.15, "test": 0.15}
    },  # dates and numbers of rows may lie beyond the slice
    "train": {"epochs": 2, "seeds": 2},
}
BASELINES = (
    "last_value",
    "seasonal_naive",
    "ridge",
)  # names that no variant may have; a test holds them to the table of baselines
SPREAD = {
    "workers",
    "fleet",
    "checkpoint_seconds",
    "cluster",
    "memory",
}  # keys of `train` that no weight hangs on, but to rounding
Checked = TypeVar("Checked", bound=Section)


def _setting(table: Mapping[str, Kind]) -> Any:
    return Annotated[
        Slot,
        BeforeValidator(lambda value: read_slot(table, "train", value, RANGES)),
        Field(validate_default=True),
    ]


class Train(Section):
    """How a fleet learns; a variant may override it under its own `train:`.

    Optimizer, schedule, loss and clip are slots, as those of the network are: a kind, or a kind with its options. `memory` is how many MiB of data a
    worker holds on its device; of larger data it gathers some steps' windows at a time, to the same weights. `precision` is what the layers compute in;
    weights, losses and optimizer are float32 always.
    """

    seeds: Count = 5
    epochs: Count = 20
    batch: Count = 64
    patience: Count = 4
    loss: _setting(LOSSES) = "mse"  # type: ignore[valid-type]
    optimizer: _setting(OPTIMIZERS) = "adam"  # type: ignore[valid-type]
    learning_rate: Positive = 1e-3
    schedule: _setting(SCHEDULES) = "constant"  # type: ignore[valid-type]
    clip: _setting(CLIPS) = "none"  # type: ignore[valid-type]
    precision: Literal["float32", "bfloat16"] = "float32"
    memory: Count = 1024
    workers: Count | None = None
    fleet: Count = 16
    checkpoint_seconds: Positive = 60.0
    cluster: Literal["ray"] | None = None

    @model_validator(mode="after")
    def _reduces_before_it_stops(self) -> "Train":
        waits = self.schedule.options.get("patience", 0)
        if waits >= self.patience:
            told = {"waits": waits, "patience": self.patience}
            raise PydanticCustomError(
                "value",
                "has schedule.patience {waits} and patience {patience}; below patience, or it stops before its rate falls",
                told,
            )
        return self


def _no_baseline(name: str) -> str:
    if name in BASELINES:
        raise PydanticCustomError(
            "value",
            "is the name of a baseline; choose another than {names}",
            {"names": ", ".join(BASELINES)},
        )
    return name


class Variant(Section):
    """A named configuration of the network and of its training."""

    name: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"), AfterValidator(_no_baseline)
    ]
    family: str
    model: Model
    train: Train
    allow: tuple[str, ...] = ()


class Params(Section):
    """The whole of `params.yaml`: overlays merged into `variants`, `smoke` applied."""

    smoke: StrictBool
    data: Data
    validate_: Annotated[Validate, Field(alias="validate")]
    standardize: Standardize
    window: Window
    train: Train
    model: Model
    evaluate: Evaluate
    track: Track
    promote: Promote
    study: Annotated[Names, Field(min_length=1)]
    variants: tuple[Variant, ...]

    @property
    def selected(self) -> tuple[Variant, ...]:
        """The variants that `study` names by name, glob or family, in the order of the file."""
        return tuple(
            variant
            for variant in self.variants
            if any(_names(entry, variant) for entry in self.study)
        )

    @property
    def shape(self) -> Shape:
        """What goes into every network and comes out of it."""
        return _shape(self.data, self.window)

    def case(self, variant: Variant) -> rules.Case:
        """A variant as the rules see it."""
        return rules.Case(variant.model, self.shape, variant.train.batch)


def _shape(data: Data, window: Window) -> Shape:
    return Shape(
        window.lookback,
        window.horizon,
        len(data.targets),
        len(data.covariates),
        2 * len(data.calendar),
    )


def _names(entry: str, variant: Variant) -> bool:
    return entry == variant.family or fnmatch.fnmatchcase(variant.name, entry)


def read(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole file; raises `InputError` with every mistake of it."""
    return parse(load(path), path.name)


def parse(content: Any, source: str = "params.yaml") -> Params:
    """Check what a YAML reader made of the file; raises `InputError` with every mistake of it."""
    if not isinstance(content, Mapping):
        raise InputError(
            f"{source}: holds {type(content).__name__}; it must be a mapping of sections"
        )
    whole = _resolve(content)
    mistakes = [*_idle(whole), *_broken(whole)]
    try:
        params = Params.model_validate(whole)
    except ValidationError as error:
        mistakes = [*_explain(error, content), *mistakes]
    if mistakes:
        raise InputError(*(f"{source}: {mistake}" for mistake in mistakes))
    return params


def _idle(whole: Mapping[str, Any]) -> Iterator[str]:
    """Entries of `study` that select no variant."""
    variants = [overlay for overlay in whole.get("variants") or () if isinstance(overlay, Mapping)]
    known = [(str(overlay["name"]), str(overlay.get("family"))) for overlay in variants]
    study = [whole["study"]] if isinstance(whole["study"], str) else whole["study"] or ()
    for entry in map(str, study):
        if not any(entry == family or fnmatch.fnmatchcase(name, entry) for name, family in known):
            families = ", ".join(sorted({family for _, family in known}))
            yield f"study names {entry!r}, which selects nothing; use a variant's name, a glob, or a family: {families}"


def _broken(whole: Mapping[str, Any]) -> Iterator[str]:
    """Combinations that the rules refuse, of every variant that can be read, where the shape of its input can."""
    shapes = [
        _shape(data, window)
        for data, window in zip(
            _read(Data, whole.get("data")), _read(Window, whole.get("window")), strict=False
        )
    ]
    for shape in shapes:
        for variant in (
            variant
            for overlay in whole.get("variants") or ()
            for variant in _read(Variant, overlay)
        ):
            case = rules.Case(variant.model, shape, variant.train.batch)
            yield from (
                f"variants.{variant.name}: {finding}"
                for finding in rules.findings(case, "refuse", variant.allow)
            )


def _read(section: type[Checked], value: Any) -> Iterator[Checked]:
    """The section, if `value` is a valid one."""
    with suppress(ValidationError):
        yield section.model_validate(value)


def _resolve(content: Mapping[str, Any]) -> dict[str, Any]:
    """Each variant's overlay merged into `model` and `train`, and the smoke run's sizes over everything."""
    smoke = SMOKE if content.get("smoke") is True else {}
    whole = {**_merge(content, smoke), "study": content.get("study", "*")}
    variants = content.get("variants")
    if isinstance(variants, Mapping):
        whole["variants"] = [
            _variant(name, overlay, whole, smoke) for name, overlay in variants.items()
        ]
    return whole


def _variant(name: str, overlay: Any, whole: Mapping[str, Any], smoke: Mapping[str, Any]) -> Any:
    if not isinstance(overlay, Mapping):
        return overlay
    rest = dict(overlay)
    own = {key: rest.pop(key) for key in ("family", "allow") if key in rest}
    train = _merge(_merge(whole.get("train", {}), rest.pop("train", {})), smoke.get("train", {}))
    return {"name": name, **own, "train": train, "model": _merge(whole.get("model", {}), rest)}


def _merge(base: Any, overlay: Any) -> Any:
    """`overlay` over `base`, section by section; a slot that names its kind replaces the slot, a list replaces the list."""
    if not (isinstance(base, Mapping) and isinstance(overlay, Mapping)) or "kind" in overlay:
        return overlay
    return {
        **base,
        **{
            key: _merge(base[key], value) if key in base else value
            for key, value in overlay.items()
        },
    }


def _explain(error: ValidationError, content: Mapping[str, Any]) -> list[str]:
    """One line a mistake; one that a variant inherits from `model` or `train` is told once, where it stands."""
    names = list(content.get("variants") or ())
    lines: dict[str, None] = {}
    for detail in error.errors():
        path = detail["loc"]
        if path[:1] == ("variants",) and len(path) > 2 and path[2] in ("model", "train"):
            inherited = path[2:] in [other["loc"] for other in error.errors()]
            path = (
                "variants",
                names[int(path[1])],
                *(path[3:] if path[2] == "model" else path[2:]),
            )
            if inherited:
                continue
        elif path[:1] == ("variants",) and len(path) > 1:
            path = ("variants", names[int(path[1])], *path[2:])
        lines[_sentence(".".join(map(str, path)), detail)] = None
    return list(lines)


def _sentence(path: str, detail: ErrorDetails) -> str:
    got = repr(detail["input"])
    match detail["type"]:
        case "model_type" | "dataclass_type" | "dict_type" | "mapping_type":
            return f"{path} is {got}; it must be a mapping of keys to values"
        case "extra_forbidden":
            return f"{path} is not a known key; remove it or correct its name"
        case "missing":
            return f"{path} is missing; it is required"
        case "literal_error":
            return f"{path} is {got}; choose one of {detail['ctx']['expected']}"
        case "slot" | "split" | "model" | "value":
            return f"{path} {detail['msg']}".strip()
        case _:
            return f"{path} is {got}; {detail['msg'][0].lower()}{detail['msg'][1:]}"
