"""A slot is a place of the network, or of its training, that one row of a table fills.

A row is a `Kind`; `params.yaml` names it, perhaps with options. A section declares its slots as
`normalization: Annotated[Slot, fills(NORMALIZATIONS, "conv")] = OFF`. `slots` is the one walk over
all slots of a section; everything that asks what fills a network uses it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pipeline.config.options import RANGES
from pipeline.config.section import Section

REQUIRED = cast(Any, ...)
Options = Mapping[str, Any]
CELLS = frozenset({"lstm", "gru", "simple_rnn"})


@dataclass(frozen=True)
class Kind:
    """A row of a table: a layer, or a function that a fleet learns with, and its options.

    `layer` is a dotted name, or null for the identity; `places` are the slots that it may fill;
    `options` are names with their defaults, `REQUIRED` where there is none. `cells` are the
    recurrent cells that have what the kind acts on. The rules ask about the rest:
    `reduction_axes`, the axes of a normalization's statistics (batch, time, channels);
    `batch_stats_at_inference`, whether it uses statistics of the batch at inference too;
    `reversible`, whether it is undone after the head; `noise`, whether it is a dropout; `alpha`,
    whether it is a dropout that keeps the mean and the variance of selu only; `for_each_step`,
    whether it is a head that forecasts each step of the horizon by itself.
    """

    layer: str | None
    places: frozenset[str]
    options: Options = field(default_factory=dict)
    cells: frozenset[str] = CELLS
    reduction_axes: frozenset[str] = frozenset()
    batch_stats_at_inference: bool = False
    reversible: bool = False
    noise: bool = False
    alpha: bool = False
    for_each_step: bool = False

    def axes(self, options: Options) -> frozenset[str]:
        """Return the axes of the statistics with these options."""
        return self.reduction_axes - ({"time"} if options.get("per_step") else set())

    def load(self) -> Any:
        """Import and return the class or function that `layer` names."""
        module, _, name = str(self.layer).rpartition(".")
        return getattr(import_module(module), name)


@dataclass(frozen=True)
class Slot:
    """A filled slot: the name of its kind, all options with defaults written out, and the row."""

    kind: str
    options: Options = field(default_factory=dict)
    row: Kind = field(default=Kind(None, frozenset()), compare=False, repr=False)

    def flat(self) -> dict[str, Any]:
        """Return `{kind: batch, momentum: 0.99, ...}`, which reads back as the same slot."""
        return {"kind": self.kind, **self.options}


OFF = Slot("none")


@dataclass(frozen=True)
class fills:
    """Annotates a `Slot` with the table of its kinds and the place where it stands."""

    table: Mapping[str, Kind]
    place: str

    def __get_pydantic_core_schema__(self, _: type, __: GetCoreSchemaHandler) -> CoreSchema:
        """Read with `read`, write with `Slot.flat`."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(Slot.flat)
        )

    def read(self, value: object) -> Slot:
        """Read null, a kind, or `{kind: ..., option: ...}`.

        Raises `PydanticCustomError` for a kind that may not fill this slot, and for wrong options.
        """
        if isinstance(value, Slot):
            return value
        given = (
            dict(value)
            if isinstance(value, Mapping)
            else {"kind": "none" if value is None else value}
        )
        kind = given.pop("kind", None)
        choices = sorted(name for name, row in self.table.items() if self.place in row.places)
        if kind not in choices:
            raise PydanticCustomError(
                "slot",
                "is {kind}; choose one of {choices}",
                {"kind": repr(kind), "choices": ", ".join(choices)},
            )
        row = self.table[kind]
        if mistakes := [*_mistakes(kind, row.options, given)]:
            raise PydanticCustomError("slot", "{mistakes}", {"mistakes": "; ".join(mistakes)})
        return Slot(kind, {**row.options, **given}, row)


def _mistakes(kind: str, options: Options, given: Options) -> Iterator[str]:
    """Yield a phrase for every option that is unknown, missing, or outside of its range."""
    allowed = ", ".join(options) or "none"
    for name in given:
        if name not in options:
            yield f"has no option {name!r} for kind {kind!r}; its options are {allowed}"
    for name, default in options.items():
        if name not in given:
            if default is REQUIRED:
                yield f"needs the option {name!r} for kind {kind!r}"
        elif not RANGES[name].allows(given[name]):
            yield f"{name} is {given[name]!r}; it must be {RANGES[name].words}"


def slots(section: Section, path: str = "") -> Iterator[tuple[str, Slot]]:
    """Yield every slot of a section and of the sections in it, each after its dotted path."""
    for name, value in section:
        if isinstance(value, Slot):
            yield f"{path}{name}", value
        elif isinstance(value, Section):
            yield from slots(value, f"{path}{name}.")
