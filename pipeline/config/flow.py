"""The one walk along a network: its parts in the order of the data, each with what arrives there.

The assembly makes a layer of each part; the rules ask about the filled slots among them. Widths and
numbers of steps are computed nowhere else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

from pipeline.config.model import Model, Shape
from pipeline.config.slots import Kind, Slot

Layer = Literal[
    "convolution", "activation", "squeeze_excite", "pooling", "recurrent", "hidden", "slot"
]


@dataclass(frozen=True)
class Part:
    """A part of a network, `name` being unique, and the shape (batch, steps, width) of its input.

    `depth` counts parts of the same sort from 1. `preceding` is the activation whose output
    arrives, or the other part that it comes from.
    """

    layer: Layer
    name: str
    depth: int
    # windows, times the target columns, or the horizon steps, where they share the part
    batch: int
    steps: int  # 1 for a vector
    width: int  # channels
    preceding: str

    @property
    def in_head(self) -> bool:
        """Whether it belongs to the head, which sees the future covariates as well."""
        return self.name.startswith("hidden_")


@dataclass(frozen=True)
class Place(Part):
    """A filled slot; `key` is its dotted path in `params.yaml`."""

    key: str
    slot: Slot

    @property
    def kind(self) -> Kind:
        """The row that fills the slot."""
        return self.slot.row

    @property
    def in_cell(self) -> bool:
        """Whether the slot is inside a recurrent layer, which fills it itself."""
        return self.key in IN_CELL

    @property
    def axes(self) -> frozenset[str]:
        """The axes of its statistics; none for a dropout."""
        return self.kind.axes(self.slot.options)

    @property
    def groups(self) -> int:
        """The number of equal parts of the channels that have statistics of their own."""
        options = self.slot.options
        return int(options.get("groups", options.get("heads", 1)))

    @property
    def values(self) -> int:
        """The number of values that one of its statistics is computed from."""
        channels = self.width // self.groups
        sizes = {"batch": self.batch, "time": self.steps, "channels": channels}
        return prod(sizes[axis] for axis in self.axes)


IN_CELL = ("recurrent.input_dropout", "recurrent.recurrent_dropout", "recurrent.normalization")


def parts(model: Model, shape: Shape, batch: int = 1) -> Iterator[Part]:
    """Yield the parts of a network for batches of `batch` windows, from the input to the head.

    Slots that hold `none` are left out, as are weight reparametrizations, which belong to a layer.
    """
    return _Walk(model, shape, batch).parts()


class _Walk:
    """Follows the data, and keeps its shape and the part that it comes from."""

    def __init__(self, model: Model, shape: Shape, batch: int) -> None:
        self.model, self.shape = model, shape
        self.batch, self.steps, self.width = batch, shape.lookback, shape.channels
        self.preceding = "input"

    def parts(self) -> Iterator[Part]:
        yield from self.slot("input.season", "input_season")
        yield from self.slot("input.normalization", "input_normalization")
        if self.model.columns == "shared":
            self.batch *= self.shape.targets
            self.width -= self.shape.targets - 1
        yield from self.convolutions()
        yield from self.pooling()
        yield from self.recurrent_layers()
        yield from self.hidden_layers()

    def part(self, layer: Layer, name: str, depth: int = 1) -> Part:
        return Part(layer, name, depth, self.batch, self.steps, self.width, self.preceding)

    def slot(self, key: str, name: str, depth: int = 1) -> Iterator[Place]:
        """Yield the place if it is filled; alpha dropout keeps what it gets, so it is no source."""
        section, _, field = key.partition(".")
        slot: Slot = getattr(getattr(self.model, section), field)
        if slot.row.layer is not None:
            yield Place(**vars(self.part("slot", name, depth)), key=key, slot=slot)
            self.preceding = self.preceding if slot.row.alpha else slot.kind

    def convolutions(self) -> Iterator[Part]:
        conv = self.model.conv
        for depth, (filters, _, stride, _) in enumerate(conv.blocks, 1):
            name = f"conv_{depth}"
            yield self.part("convolution", name, depth)
            self.width, self.steps = filters, -(-self.steps // stride)
            self.preceding = "convolution"
            if conv.position == "before":
                yield from self.slot("conv.normalization", f"{name}_normalization", depth)
            yield self.part("activation", f"{name}_activation", depth)
            self.preceding = conv.activation
            if conv.position == "after":
                yield from self.slot("conv.normalization", f"{name}_normalization", depth)
            yield from self.slot("conv.dropout", f"{name}_dropout", depth)
            if conv.squeeze_excite is not None:
                yield self.part("squeeze_excite", f"{name}_squeeze_excite", depth)
                self.preceding = "squeeze_excite"

    def pooling(self) -> Iterator[Part]:
        pooling = self.model.pooling
        if pooling.position == "before":
            yield from self.slot("pooling.normalization", "pooling_normalization")
        if pooling.kind != "none":
            yield self.part("pooling", "pooling")
            self.steps //= pooling.size
            self.preceding = "pooling"
        if pooling.position == "after":
            yield from self.slot("pooling.normalization", "pooling_normalization")

    def recurrent_layers(self) -> Iterator[Part]:
        recurrent = self.model.recurrent
        yield from self.slot("recurrent.dropout_before", "dropout_before")
        for depth, units in enumerate(recurrent.units, 1):
            name, last = f"recurrent_{depth}", depth == len(recurrent.units)
            yield self.part("recurrent", name, depth)
            yield from self.slot("recurrent.input_dropout", f"{name}_input_dropout", depth)
            self.width = units
            yield from self.slot("recurrent.recurrent_dropout", f"{name}_recurrent_dropout", depth)
            yield from self.slot("recurrent.normalization", f"{name}_cell_normalization", depth)
            self.width = units * (2 if recurrent.bidirectional else 1)
            self.steps = 1 if last and not self.model.head.sequence else self.steps
            # the output of an LSTM and of a GRU is a product, not that of an activation
            simple = recurrent.cell == "simple_rnn"
            self.preceding = recurrent.activation if simple else recurrent.cell
            yield from self.slot("recurrent.output_normalization", f"{name}_normalization", depth)
            dropout = "recurrent.dropout_after" if last else "recurrent.dropout_between"
            yield from self.slot(dropout, f"{name}_dropout", depth)

    def hidden_layers(self) -> Iterator[Part]:
        if self.model.head.kind.row.for_each_step:
            self.batch *= self.shape.horizon
            self.width += self.shape.future
        else:
            self.width += self.shape.horizon * self.shape.future
        for depth, units in enumerate(self.model.head.hidden, 1):
            name = f"hidden_{depth}"
            yield self.part("hidden", name, depth)
            self.width, self.preceding = units, self.model.head.hidden_activation
            yield from self.slot("head.normalization", f"{name}_normalization", depth)
            yield from self.slot("head.dropout", f"{name}_dropout", depth)
