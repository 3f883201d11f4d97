"""A variant as the rules see it: its filled slots in the order in which the data flows, each with what arrives there."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS, Kind
from pipeline.config.model import Model, Shape, Slot


@dataclass(frozen=True)
class Place:
    """A filled slot. `behind` is the activation whose output arrives, or something else that does."""

    key: str  # dotted, as in params.yaml
    slot: Slot
    kind: Kind
    batch: int  # windows
    steps: int  # 1 for a vector
    width: int  # channels
    behind: str

    @property
    def axes(self) -> frozenset[str]:
        """The axes of its statistics; none for a dropout."""
        return self.kind.axes(self.slot.options)

    @property
    def values(self) -> int:
        """How many values one of its statistics is taken over."""
        sizes = {
            "batch": self.batch,
            "time": self.steps,
            "channels": self.width // self.slot.options.get("groups", 1),
        }
        return int(prod(sizes[axis] for axis in self.axes))


@dataclass(frozen=True)
class Case:
    """A network, what goes in and out of it, the windows in a batch; and, once it is trained, the steps up to its best weights."""

    model: Model
    shape: Shape
    batch: int
    trained: int | None = None

    def places(self) -> list[Place]:
        """The filled slots, in the order in which the data flows."""
        return list(_Walk(self).places())

    @property
    def steps(self) -> int:
        """Steps that reach the recurrent layers; 0 where the pool is longer than what it is given."""
        time = self.shape.lookback
        for _, _, stride, _ in self.model.conv.blocks:
            time = -(-time // stride)
        return time if self.model.pooling.kind == "none" else time // self.model.pooling.size


class _Walk:
    """Goes where the data goes, and keeps what it has become: its steps, its channels, what it comes from."""

    def __init__(self, case: Case) -> None:
        self.case, self.model = case, case.model
        self.batch, self.steps, self.width, self.behind = (
            case.batch,
            case.shape.lookback,
            case.shape.channels,
            "input",
        )

    def places(self) -> Iterator[Place]:
        yield from self.slot("input", "normalization")
        if self.model.columns == "shared":
            self.batch, self.width = (
                self.batch * self.case.shape.targets,
                self.width - self.case.shape.targets + 1,
            )
        yield from self.conv()
        yield from self.pooling()
        yield from self.recurrent()
        yield from self.head()

    def slot(self, section: str, name: str) -> Iterator[Place]:
        """The place, if it is filled; what comes out of alpha dropout passes for what came in."""
        slot: Slot = getattr(getattr(self.model, section), name)
        kind = (DROPOUTS if "dropout" in name else NORMALIZATIONS)[slot.kind]
        if kind.layer is not None:
            yield Place(
                f"{section}.{name}", slot, kind, self.batch, self.steps, self.width, self.behind
            )
            self.behind = self.behind if kind.alpha else slot.kind

    def conv(self) -> Iterator[Place]:
        conv = self.model.conv
        for filters, _, stride, _ in conv.blocks:
            self.width, self.steps, self.behind = filters, -(-self.steps // stride), "convolution"
            if conv.position == "before":
                yield from self.slot("conv", "normalization")
            self.behind = conv.activation
            if conv.position == "after":
                yield from self.slot("conv", "normalization")
            yield from self.slot("conv", "dropout")
            self.behind = self.behind if conv.squeeze_excite is None else "squeeze_excite"

    def pooling(self) -> Iterator[Place]:
        pooling = self.model.pooling
        if pooling.position == "before":
            yield from self.slot("pooling", "normalization")
        if pooling.kind != "none":
            self.steps, self.behind = self.case.steps, "pooling"
        if pooling.position == "after":
            yield from self.slot("pooling", "normalization")

    def recurrent(self) -> Iterator[Place]:
        recurrent = self.model.recurrent
        yield from self.slot("recurrent", "dropout_before")
        for depth, units in enumerate(recurrent.units, 1):
            last = depth == len(recurrent.units)
            yield from self.slot("recurrent", "input_dropout")
            self.width = units
            yield from self.slot("recurrent", "recurrent_dropout")
            yield from self.slot("recurrent", "normalization")
            self.width = units * (2 if recurrent.bidirectional else 1)
            self.steps = 1 if last and not self.model.head.sequence else self.steps
            self.behind = (
                recurrent.activation if recurrent.cell == "simple_rnn" else recurrent.cell
            )  # h of the others is a product
            yield from self.slot("recurrent", "output_normalization")
            yield from self.slot("recurrent", "dropout_after" if last else "dropout_between")

    def head(self) -> Iterator[Place]:
        for units in self.model.head.hidden:
            self.width, self.behind = units, self.model.head.hidden_activation
            yield from self.slot("head", "normalization")
            yield from self.slot("head", "dropout")
