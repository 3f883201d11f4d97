"""`params.yaml` as frozen, typed, checked objects. This module is the only reader of YAML.

Every mistake of the file is reported at once, each with its dotted path, what was got and what is allowed.
"""

import fnmatch
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.network import rules
from pipeline.network.configuration import Frozen, Model, Shape
from pipeline.refusal import Refusal

Count = Annotated[int, Field(ge=1, strict=True)]
Steps = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value or ())]
Date = Annotated[datetime, BeforeValidator(lambda value: datetime.fromisoformat(str(value)))]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError("value", "is {name}; use an IANA name such as UTC or Europe/Berlin", {"name": repr(name)}) from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]

SMOKE = {"data": {"rows": 1000}, "train": {"epochs": 2, "seeds": 2}}


class Data(Frozen):
    """The user's table. `time_format` is that of `strptime`, null for ISO 8601; `rows` takes only so many first rows of each series."""

    path: str
    time: str
    time_format: str | None = None
    time_zone: Zone = "UTC"
    series: str | None = None
    frequency: str | None = None
    targets: Annotated[Names, Field(min_length=1)]
    covariates: Names = ()
    calendar: tuple[Literal["hour_of_day", "day_of_week", "hour_of_week", "day_of_year"], ...] = ()
    rows: Count | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Targets, then covariates: the measured columns in the order that every array has them."""
        return self.targets + self.covariates


class Missing(Frozen):
    """What happens to missing values: `up_to` rows in a row are filled, a longer run is refused."""

    policy: Literal["refuse", "interpolate", "forward_fill"] = "refuse"
    up_to: Count = 1


class Limits(Frozen):
    """The plausible values of a column, ends included; a value `outside` is refused or treated as missing."""

    min: float | None = None
    max: float | None = None
    outside: Literal["refuse", "missing"] = "refuse"

    @model_validator(mode="after")
    def _ordered(self) -> "Limits":
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise PydanticCustomError("value", "has min {min} and max {max}; min must be below max", {"min": self.min, "max": self.max})
        return self


class Validate(Frozen):
    """How much imperfection of the table is accepted."""

    gaps: Steps = 0
    mostly_missing: Annotated[float, Field(gt=0, le=1)] = 0.5
    missing: Mapping[str, Missing] = Field(default_factory=dict)
    limits: Mapping[str, Limits] = Field(default_factory=dict)


class Shares(Frozen):
    """Fractions of each series' rows, in time order."""

    train: Annotated[float, Field(gt=0, lt=1)]
    validation: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _whole(self) -> "Shares":
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise PydanticCustomError("split", "adds up to {sum}; the three shares must add up to 1", {"sum": self.train + self.validation + self.test})
        return self


class Rows(Frozen):
    """Numbers of rows of each series, in time order; what follows them is not used."""

    train: Count
    validation: Count
    test: Count


class Dates(Frozen):
    """First moment of the validation and of the test part, in `data.time_zone` unless it says otherwise."""

    validation: Date
    test: Date

    @model_validator(mode="after")
    def _ordered(self) -> "Dates":
        if self.validation.replace(tzinfo=None) >= self.test.replace(tzinfo=None):
            raise PydanticCustomError("split", "starts validation at {validation} and test at {test}; validation comes first", self.model_dump(mode="json"))
        return self


def _read_split(value: Any) -> Any:
    """A mapping with `train` splits by share or by row, one without by date."""
    if isinstance(value, Frozen):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("split", "is {value}; give train, validation and test, or the first dates of validation and test", {"value": repr(value)})
    if "train" not in value:
        return Dates.model_validate(value)
    whole = all(isinstance(part, int) for part in value.values())
    return Rows.model_validate(value) if whole else Shares.model_validate(value)


class Standardize(Frozen):
    """Split and scaler."""

    scaler: Literal["standard", "minmax", "robust", "none"] = "standard"
    scope: Literal["series", "global"] = "series"
    split: Annotated[Shares | Rows | Dates, BeforeValidator(_read_split)]


class Window(Frozen):
    """Lookback, horizon and stride, in steps of the table's frequency."""

    lookback: Count
    horizon: Count
    stride: Count = 1


class Train(Frozen):
    """How a fleet learns; a variant may override it under its own `train:`."""

    seeds: Count = 5
    epochs: Count = 20
    batch: Count = 64
    patience: Count = 4
    loss: Literal["mse", "mae", "huber"] = "mse"
    optimizer: Literal["adam", "nadam", "sgd", "rmsprop"] = "adam"
    learning_rate: Positive = 1e-3
    workers: Count | None = None


class Evaluate(Frozen):
    """The baselines: period of the seasonal naive one in steps, penalty of the ridge regression."""

    season: Count
    ridge: Positive = 1.0


class Track(Frozen):
    """The MLflow experiment."""

    experiment: Annotated[str, Field(min_length=1)]


class Promote(Frozen):
    """The registered model's name in MLflow."""

    name: Annotated[str, Field(min_length=1)]


class Variant(Frozen):
    """A named configuration of the network and of its training."""

    name: str
    family: str
    model: Model
    train: Train
    allow: tuple[str, ...] = ()


class Params(Frozen):
    """The whole of `params.yaml`: overlays merged into `variants`, `smoke` applied."""

    smoke: bool
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
        return tuple(variant for variant in self.variants if any(_names(entry, variant) for entry in self.study))

    @property
    def shape(self) -> Shape:
        """What goes into every network and comes out of it."""
        data = self.data
        return Shape(self.window.lookback, self.window.horizon, len(data.targets), len(data.covariates), 2 * len(data.calendar))

    def case(self, variant: Variant) -> rules.Case:
        """A variant as the rules see it."""
        return rules.Case(variant.model, self.shape, variant.train.batch)

    @model_validator(mode="after")
    def _study_selects(self) -> "Params":
        idle = [entry for entry in self.study if not any(_names(entry, variant) for variant in self.variants)]
        if idle:
            families = sorted({variant.family for variant in self.variants})
            told = {"idle": ", ".join(map(repr, idle)), "families": ", ".join(families)}
            raise PydanticCustomError("study", "study names {idle}, which selects nothing; use a variant's name, a glob, or a family: {families}", told)
        return self


def _names(entry: str, variant: Variant) -> bool:
    return entry == variant.family or fnmatch.fnmatchcase(variant.name, entry)


def read(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole file; raises `Refusal` with every mistake of it."""
    return parse(_load(path), path.name)


def parse(content: Any, source: str = "params.yaml") -> Params:
    """Check what a YAML reader made of the file; raises `Refusal` with every mistake of it."""
    if not isinstance(content, Mapping):
        raise Refusal(f"{source}: holds {type(content).__name__}; it must be a mapping of sections")
    try:
        params = Params.model_validate(_resolve(content))
    except ValidationError as error:
        raise Refusal(*_explain(error, content, source)) from None
    if broken := [f"{source}: variants.{v.name}: {rule}" for v in params.variants for rule in rules.findings(params.case(v), "refuse", v.allow)]:
        raise Refusal(*broken)
    return params


def _load(path: Path) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise Refusal(f"{path}: there is no such file; run the pipeline from the project's top folder") from None
    except YAMLError as error:
        raise Refusal(f"{path}: is not valid YAML: {error}") from None


def _resolve(content: Mapping[str, Any]) -> dict[str, Any]:
    """Each variant's overlay merged into `model` and `train`, and the smoke run's sizes over everything."""
    smoke = SMOKE if content.get("smoke") is True else {}
    whole = {**_merge(content, smoke), "study": content.get("study", "*")}
    variants = content.get("variants")
    if isinstance(variants, Mapping):
        whole["variants"] = [_variant(name, overlay, whole, smoke) for name, overlay in variants.items()]
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
    return {**base, **{key: _merge(base[key], value) if key in base else value for key, value in overlay.items()}}


def _explain(error: ValidationError, content: Mapping[str, Any], source: str) -> list[str]:
    """One line a mistake; one that a variant inherits from `model` or `train` is told once, where it stands."""
    names = list(content.get("variants") or ())
    lines: dict[str, None] = {}
    for detail in error.errors():
        path = detail["loc"]
        if path[:1] == ("variants",) and len(path) > 2 and path[2] in ("model", "train"):
            inherited = path[2:] in [other["loc"] for other in error.errors()]
            path = ("variants", names[int(path[1])], *(path[3:] if path[2] == "model" else path[2:]))
            if inherited:
                continue
        elif path[:1] == ("variants",) and len(path) > 1:
            path = ("variants", names[int(path[1])], *path[2:])
        lines[f"{source}: {_sentence('.'.join(map(str, path)), detail)}"] = None
    return list(lines)


def _sentence(path: str, detail: ErrorDetails) -> str:
    got = repr(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            return f"{path} is not a known key; remove it or correct its name"
        case "missing":
            return f"{path} is missing; it is required"
        case "literal_error":
            return f"{path} is {got}; choose one of {detail['ctx']['expected']}"
        case "slot" | "split" | "study" | "model" | "value":
            return f"{path} {detail['msg']}".strip()
        case _:
            return f"{path} is {got}; {detail['msg'][0].lower()}{detail['msg'][1:]}"
