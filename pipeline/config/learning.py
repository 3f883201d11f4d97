"""How a fleet learns: the tables of optimizers, schedules, losses, clips, averages; and `train:`.

A row names a class or a function of `training/engine/`, imported only where a fleet is built, so
that reading `params.yaml` costs no import of TensorFlow; and its options with their defaults.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from pipeline.config.section import Count, Positive, Section, value_error
from pipeline.config.slots import REQUIRED, Kind, Slot, fills
from pipeline.config.tuning import Tune

EXECUTION = frozenset({"workers", "fleet", "checkpoint_seconds", "cluster", "memory", "tune"})
"""Keys of `train:` on which no weight depends, except for rounding; `tune` sets other keys."""


def _kind(name: str, **options: Any) -> Kind:
    return Kind(f"pipeline.training.engine.{name}", frozenset({"train"}), options)


def _optimizer(name: str, weight_decay: float = 0.0, **options: Any) -> Kind:
    """Return the row of an optimizer; each decays weights, and can spare some of them."""
    return _kind(f"optimizers.{name}", **options, weight_decay=weight_decay, spare="none")


OPTIMIZERS: Mapping[str, Kind] = {
    "adam": _optimizer("Adam"),
    "adamw": _optimizer("Adam", weight_decay=0.004),
    "nadam": _optimizer("Nadam"),
    "sgd": _optimizer("SGD", momentum=0.0),
    "rmsprop": _optimizer("RMSprop"),
}

SCHEDULES: Mapping[str, Kind] = {
    "constant": _kind("schedules.constant"),
    "step": _kind("schedules.step", every=REQUIRED, factor=0.5),
    "cosine": _kind("schedules.cosine", warmup=0),
    "plateau": _kind("schedules.plateau", factor=0.5, patience=2),
}

LOSSES: Mapping[str, Kind] = {
    "mse": _kind("losses.mse"),
    "mae": _kind("losses.mae"),
    "huber": _kind("losses.huber", delta=1.0),
    "pinball": _kind("losses.pinball", quantile=0.5),
}

CLIPS: Mapping[str, Kind] = {
    "none": _kind("clipping.none"),
    "norm": _kind("clipping.norm", limit=REQUIRED),
    "value": _kind("clipping.value", limit=REQUIRED),
}

AVERAGES: Mapping[str, Kind] = {
    "none": _kind("averaging.none"),
    "ema": _kind("averaging.ema", decay=REQUIRED),
}

_LOSS = fills(LOSSES, "train")
_OPTIMIZER = fills(OPTIMIZERS, "train")
_SCHEDULE = fills(SCHEDULES, "train")
_CLIP = fills(CLIPS, "train")
_AVERAGE = fills(AVERAGES, "train")


class Race(Section):
    """How many seeds each variant has if their number is not fixed.

    All variants start with `first`; those that are still in question get more, up to `most`.
    Losses within the relative `margin` count as equal. `minutes` of training, summed over the
    workers, are the budget; null for none.
    """

    first: Annotated[int, Field(ge=2, strict=True)] = 5
    most: Annotated[int, Field(ge=2, strict=True)] = 40
    margin: Positive = 0.02
    minutes: Positive | None = None

    @model_validator(mode="after")
    def _grows(self) -> "Race":
        if self.most < self.first or self.margin >= 1:
            raise value_error(
                f"has first {self.first}, most {self.most} and margin {self.margin}; first must be"
                " at most most, and margin below 1"
            )
        return self


NUMBER, RACE = SEEDS = ("seeds: number", "seeds: race")
"""What `seeds` may be; these tags are parts of no path that a user sees."""


def _seeds(value: object) -> str:
    return RACE if isinstance(value, Mapping | Race) else NUMBER


Seeds = Annotated[Annotated[Count, Tag(NUMBER)] | Annotated[Race, Tag(RACE)], Discriminator(_seeds)]


class Train(Section):
    """How a fleet learns; a variant may override it under its own `train:`.

    Optimizer, schedule, loss, clip and average are slots, like those of the network. `memory` is
    how many MiB of data a worker holds on its device; of larger data it gathers the windows of some
    steps at a time, with the same weights as a result. `precision` is what the layers compute in;
    weights, losses and optimizer are always float32. `tune` is the grid from which validation
    chooses the settings of each variant.
    """

    seeds: Seeds = 5
    epochs: Count = 20
    batch: Count = 64
    patience: Count = 4
    loss: Annotated[Slot, _LOSS] = _LOSS.read("mse")
    optimizer: Annotated[Slot, _OPTIMIZER] = _OPTIMIZER.read("adam")
    learning_rate: Positive = 2e-3
    schedule: Annotated[Slot, _SCHEDULE] = _SCHEDULE.read("constant")
    clip: Annotated[Slot, _CLIP] = _CLIP.read("none")
    average: Annotated[Slot, _AVERAGE] = _AVERAGE.read("none")
    precision: Literal["float32", "bfloat16"] = "float32"
    memory: Count = 1024
    tune: Tune | None = None
    workers: Count | None = None
    fleet: Count = 16
    checkpoint_seconds: Positive = 60.0
    cluster: Literal["ray"] | None = None

    @property
    def first_seeds(self) -> int:
        """The number of seeds that are trained whatever comes of them."""
        return self.seeds.first if isinstance(self.seeds, Race) else self.seeds

    @model_validator(mode="after")
    def _reduces_the_rate_before_it_stops(self) -> "Train":
        waits = self.schedule.options.get("patience", 0)
        if waits >= self.patience:
            raise PydanticCustomError(
                "value",
                "has schedule.patience {waits} and patience {patience}; schedule.patience must be"
                " below patience, or training stops before the learning rate falls",
                {"waits": waits, "patience": self.patience},
            )
        return self
