"""The network as frozen, typed values: `model:` with the overlay of a variant."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pipeline.config.kinds import DROPOUTS, HEADS, NORMALIZATIONS, SEASONS, WEIGHTS
from pipeline.config.options import COUNT, FIRST
from pipeline.config.section import Count, Counts, Section
from pipeline.config.slots import OFF, Slot, fills


def _read_counts(value: object) -> object:
    """Return one count as it is, and a list of them as a tuple."""
    counts = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(COUNT.allows(count) for count in counts):
        raise PydanticCustomError(
            "counts", "It must be a whole number, at least 1, or a list of them"
        )
    return counts if isinstance(value, list | tuple) else value


CountPerBlock = Annotated[int | tuple[int, ...], BeforeValidator(_read_counts)]
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
_HEAD = fills(HEADS, "head")


class Input(Section):
    """The input of the network, its season, and its normalization.

    The season is subtracted before the normalization. It is added again, and a reversible
    normalization undone, after the head.
    """

    values: Literal["standardized", "raw"] = "standardized"
    season: Annotated[Slot, fills(SEASONS, "input")] = OFF
    normalization: Annotated[Slot, fills(NORMALIZATIONS, "input")] = OFF


class Conv(Section):
    """A stack of causal 1-D convolutions, one block per entry of `filters`.

    `kernel`, `stride` and `dilation` are one number for all blocks, or a list with one for each.
    `position` is that of the normalization, before or after the activation.
    """

    filters: Counts = (10,)
    kernel: CountPerBlock = 3
    stride: CountPerBlock = 1
    dilation: CountPerBlock = 1
    activation: Activation = "relu"
    initializer: Initializer = "glorot_uniform"
    bias: bool = True
    normalization: Annotated[Slot, fills(NORMALIZATIONS, "conv")] = OFF
    position: Position = "before"
    dropout: Annotated[Slot, fills(DROPOUTS, "conv")] = OFF
    squeeze_excite: Count | None = None
    weights: Annotated[Slot, fills(WEIGHTS, "conv")] = OFF

    @field_validator("kernel", "stride", "dilation")
    @classmethod
    def _for_each_block(
        cls, value: int | tuple[int, ...], info: ValidationInfo
    ) -> int | tuple[int, ...]:
        blocks = len(info.data.get("filters", ()))
        if isinstance(value, tuple) and "filters" in info.data and len(value) != blocks:
            raise PydanticCustomError(
                "model",
                "has {entries} entries and filters has {blocks}; give one number, or one for each"
                " entry of filters",
                {"entries": len(value), "blocks": blocks},
            )
        return value

    @model_validator(mode="after")
    def _strides_or_dilates(self) -> "Conv":
        if any(stride > 1 and dilation > 1 for _, _, stride, dilation in self.blocks):
            raise PydanticCustomError(
                "model",
                "has stride and dilation above 1 in one block, which Keras does not support;"
                " set one of them to 1 there",
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
    size: Count = 2
    normalization: Annotated[Slot, fills(NORMALIZATIONS, "pooling")] = OFF
    position: Position = "before"


class Recurrent(Section):
    """A stack of recurrent layers, one per entry of `units`.

    `normalization` is inside the cell, `output_normalization` after each layer. `stateful` is the
    number of steps in a piece of the window: each piece begins with the state that the one before
    it ended with, and the gradient stops there. `initial_noise` is the standard deviation of h
    before the first step, in training.
    """

    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Counts = (15,)
    activation: Activation = "tanh"
    bidirectional: bool = False
    stateful: Count | None = None
    initial_noise: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] = 0.0
    normalization: Annotated[Slot, fills(NORMALIZATIONS, "cell")] = OFF
    output_normalization: Annotated[Slot, fills(NORMALIZATIONS, "between")] = OFF
    dropout_before: Annotated[Slot, fills(DROPOUTS, "before")] = OFF
    dropout_between: Annotated[Slot, fills(DROPOUTS, "between")] = OFF
    dropout_after: Annotated[Slot, fills(DROPOUTS, "after")] = OFF
    input_dropout: Annotated[Slot, fills(DROPOUTS, "input")] = OFF
    recurrent_dropout: Annotated[Slot, fills(DROPOUTS, "recurrent")] = OFF
    weights: Annotated[Slot, fills(WEIGHTS, "recurrent")] = OFF


class Head(Section):
    """Hidden dense layers, then one that forecasts every horizon step of every target.

    `kind` says how the future covariates of the horizon reach the forecasts. With `sequence` the
    network forecasts at every step of the window in training; at inference the last of these
    forecasts is used.
    """

    kind: Annotated[Slot, _HEAD] = _HEAD.read("direct")
    hidden: Counts = ()
    hidden_activation: Activation = "relu"
    normalization: Annotated[Slot, fills(NORMALIZATIONS, "head")] = OFF
    dropout: Annotated[Slot, fills(DROPOUTS, "head")] = OFF
    activation: Activation = "linear"
    sequence: bool = False
    weights: Annotated[Slot, fills(WEIGHTS, "head")] = OFF


class Model(Section):
    """The whole network: input normalization, convolutions, pooling, recurrent layers, head.

    With `columns: shared` one network is applied to every target column in turn.
    """

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
                "model", "recurrent.units is empty; list the units of at least one recurrent layer"
            )
        return self


@dataclass(frozen=True)
class Shape:
    """The shapes of inputs and output, in steps and channels.

    In: the past (lookback, channels) of all columns, and the future (horizon, future). Out:
    (horizon, targets). `past` counts the channels that are neither targets nor known ahead: past
    covariates, indicators of measured cells, static features. `future` counts the future
    covariates. `levels` counts the last of the `past` whose level is all that they say, so that no
    statistics of a window may remove it: categories, indicators, static features. `calendar` are
    the names of the calendar channels, which are the last of the future covariates.
    """

    lookback: int
    horizon: int
    targets: int
    past: int = 0
    future: int = 0
    levels: int = 0
    calendar: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Make a list of a JSON file a tuple."""
        object.__setattr__(self, "calendar", tuple(self.calendar))

    @property
    def channels(self) -> int:
        """The number of channels of the past."""
        return self.targets + self.past + self.future

    @property
    def measured(self) -> int:
        """The number of channels, the first ones, that are targets and numeric past covariates."""
        return self.targets + self.past - self.levels

    def cycle(self, name: str) -> str | None:
        """Return the cycle of this name, or the first; null if the calendar does not have it."""
        sines = [channel for channel in self.calendar if channel.endswith("_sin")]
        cycles = [channel.removesuffix("_sin") for channel in sines]
        found = cycles[:1] if name == FIRST else [name] if name in cycles else []
        return found[0] if found else None

    def pair(self, cycle: str) -> int:
        """Return where the sine of a cycle is, from the end of the channels; the cosine is next."""
        return self.calendar.index(f"{cycle}_sin") - len(self.calendar)
