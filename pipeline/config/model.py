"""A network as frozen, typed values: what `model:` and a variant's overlay in `params.yaml` mean. Never imports Keras."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS, RANGES, REQUIRED, WEIGHTS, Kind


class Section(BaseModel):
    """A section of `params.yaml`: immutable, no unknown keys, no coercion of a number to text or of a fraction to a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Slot(Section):
    """One place of the network, filled: the kind and all of its options, defaults written out."""

    kind: str
    options: Mapping[str, Any] = Field(default_factory=dict)

    @model_serializer
    def flat(self) -> dict[str, Any]:
        """As in `params.yaml`: `{kind: batch, momentum: 0.99, ...}`, which reads back to the same slot."""
        return {"kind": self.kind, **self.options}


def read_slot(
    table: Mapping[str, Kind], place: str, value: Any, ranges: Mapping[str, Any] = RANGES
) -> Slot:
    """Read `null`, `kind` or `{kind: ..., option: ...}`; raises for a kind that cannot stand in `place` and for bad options."""
    if isinstance(value, Slot):
        return value
    given = (
        {"kind": "none" if value is None else value}
        if not isinstance(value, Mapping)
        else dict(value)
    )
    kind = given.pop("kind", None)
    here = sorted(name for name, row in table.items() if place in row.places)
    if kind not in here:
        raise PydanticCustomError(
            "slot", "is {kind}; choose one of {here}", {"kind": repr(kind), "here": ", ".join(here)}
        )
    if mistakes := _mistakes(kind, table[kind].options, given, ranges):
        raise PydanticCustomError("slot", "{mistakes}", {"mistakes": "; ".join(mistakes)})
    return Slot(kind=kind, options={**table[kind].options, **given})


def _mistakes(
    kind: str, options: Mapping[str, Any], given: Mapping[str, Any], ranges: Mapping[str, Any]
) -> list[str]:
    allowed = ", ".join(options) or "none at all"
    unknown = [
        f"has no option {name!r} for kind {kind!r}; its options are {allowed}"
        for name in given
        if name not in options
    ]
    missing = [
        f"needs the option {name!r} for kind {kind!r}"
        for name, default in options.items()
        if default is REQUIRED and name not in given
    ]
    wrong = [
        f"{name} is {given[name]!r}; it must be {ranges[name][1]}"
        for name in options
        if name in given and not ranges[name][0](given[name])
    ]
    return unknown + missing + wrong


def _slot(table: Mapping[str, Kind], place: str) -> Any:
    reader: Callable[[Any], Slot] = partial(read_slot, table, place)
    return Annotated[Slot, BeforeValidator(reader)]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else () if value is None else (value,)


Size = Annotated[int, Field(ge=1, strict=True)]
Sizes = Annotated[tuple[Size, ...], BeforeValidator(_as_tuple)]


def _read_sizes(value: Any) -> int | tuple[int, ...]:
    sizes = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(
        isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in sizes
    ):
        raise PydanticCustomError("sizes", "It must be a whole number from 1 up, or a list of them")
    return sizes if isinstance(value, list | tuple) else sizes[0]


SizePerBlock = Annotated[int | tuple[int, ...], BeforeValidator(_read_sizes)]
Activation = Literal["linear", "relu", "selu", "elu", "gelu", "silu", "tanh", "sigmoid", "softplus"]
Initializer = Literal[
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
]
Position = Literal["before", "after"]
OFF = Slot(kind="none")


class Input(Section):
    """What the network is fed, and the normalization in front of everything (undone behind the head where it can be)."""

    values: Literal["standardized", "raw"] = "standardized"
    normalization: _slot(NORMALIZATIONS, "input") = OFF  # type: ignore[valid-type]


class Conv(Section):
    """A stack of causal 1-D convolutions, one block per entry of `filters`; `position` places the normalization about the activation.

    `kernel`, `stride` and `dilation` are one number for all blocks, or a list of one for each.
    """

    filters: Sizes = (10,)
    kernel: SizePerBlock = 3
    stride: SizePerBlock = 1
    dilation: SizePerBlock = 1
    activation: Activation = "relu"
    initializer: Initializer = "glorot_uniform"
    bias: bool = True
    normalization: _slot(NORMALIZATIONS, "conv") = OFF  # type: ignore[valid-type]
    position: Position = "before"
    dropout: _slot(DROPOUTS, "conv") = OFF  # type: ignore[valid-type]
    squeeze_excite: Size | None = None
    weights: _slot(WEIGHTS, "conv") = OFF  # type: ignore[valid-type]

    @field_validator("kernel", "stride", "dilation")
    @classmethod
    def _for_each_block(
        cls, value: int | tuple[int, ...], info: ValidationInfo
    ) -> int | tuple[int, ...]:
        blocks = len(info.data.get("filters", ()))
        if isinstance(value, tuple) and "filters" in info.data and len(value) != blocks:
            told = {"has": len(value), "blocks": blocks}
            raise PydanticCustomError(
                "model",
                "has {has} entries and filters {blocks}; give one number, or one for each entry of filters",
                told,
            )
        return value

    @model_validator(mode="after")
    def _strides_or_dilates(self) -> "Conv":
        if any(stride > 1 and dilation > 1 for _, _, stride, dilation in self.blocks):
            raise PydanticCustomError(
                "model",
                "has stride and dilation above 1 in one block, which Keras refuses; set stride or dilation to 1 there",
            )
        return self

    @property
    def blocks(self) -> list[tuple[int, int, int, int]]:
        """Filters, kernel, stride and dilation of each block."""
        sizes = [
            size if isinstance(size, tuple) else (size,) * len(self.filters)
            for size in (self.kernel, self.stride, self.dilation)
        ]
        return list(zip(self.filters, *sizes, strict=True))


class Pooling(Section):
    """Pooling over time that keeps the newest samples, with a normalization before or after it."""

    kind: Literal["none", "average", "max"] = "none"
    size: Size = 2
    normalization: _slot(NORMALIZATIONS, "pooling") = OFF  # type: ignore[valid-type]
    position: Position = "before"


class Recurrent(Section):
    """A stack of recurrent layers, one per entry of `units`. `normalization` stands inside the cell, `output_normalization` after each layer.

    `stateful` is how many steps make a piece of the window: from piece to piece the state goes on, its gradient does not. `initial_noise` is the sd of h
    before the first step, in training.
    """

    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Sizes = (15,)
    activation: Activation = "tanh"
    bidirectional: bool = False
    stateful: Size | None = None
    initial_noise: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] = 0.0
    normalization: _slot(NORMALIZATIONS, "cell") = OFF  # type: ignore[valid-type]
    output_normalization: _slot(NORMALIZATIONS, "between") = OFF  # type: ignore[valid-type]
    dropout_before: _slot(DROPOUTS, "before") = OFF  # type: ignore[valid-type]
    dropout_between: _slot(DROPOUTS, "between") = OFF  # type: ignore[valid-type]
    dropout_after: _slot(DROPOUTS, "after") = OFF  # type: ignore[valid-type]
    input_dropout: _slot(DROPOUTS, "input") = OFF  # type: ignore[valid-type]
    recurrent_dropout: _slot(DROPOUTS, "recurrent") = OFF  # type: ignore[valid-type]
    weights: _slot(WEIGHTS, "recurrent") = OFF  # type: ignore[valid-type]


class Head(Section):
    """Hidden dense layers, then one dense layer that forecasts every horizon step of every target directly.

    `sequence` makes a forecast at every step of the window in training; the last one is what counts.
    """

    hidden: Sizes = ()
    hidden_activation: Activation = "relu"
    normalization: _slot(NORMALIZATIONS, "head") = OFF  # type: ignore[valid-type]
    dropout: _slot(DROPOUTS, "head") = OFF  # type: ignore[valid-type]
    activation: Activation = "linear"
    sequence: bool = False
    weights: _slot(WEIGHTS, "head") = OFF  # type: ignore[valid-type]


class Model(Section):
    """The whole network: input normalization, convolutions, pooling, recurrent layers, head, inverse of the input normalization."""

    columns: Literal["joint", "shared"] = "joint"
    input: Input = Input()
    conv: Conv = Conv()
    pooling: Pooling = Pooling()
    recurrent: Recurrent = Recurrent()
    head: Head = Head()

    @model_validator(mode="after")
    def _has_a_layer(self) -> "Model":
        if not self.recurrent.units:
            raise PydanticCustomError(
                "model", "recurrent.units is empty; the network needs at least one recurrent layer"
            )
        return self


@dataclass(frozen=True)
class Shape:
    """What goes in and out: `lookback` x (`targets` + `covariates` + `known`) channels in, `horizon` x `targets` out."""

    lookback: int
    horizon: int
    targets: int
    covariates: int = 0
    known: int = 0

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.targets + self.covariates + self.known
