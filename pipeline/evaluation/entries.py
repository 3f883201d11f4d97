"""An entry, that is a variant or a baseline, with its signed test errors, and both as files.

`<folder>/summary.json` holds the facts, `standardized.npy` and `units.npy` the errors (seed, window, horizon, target) in float32, forecast - truth.
Errors are written and read as memory maps, so that the disk and not the memory bounds their number.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.core import files
from pipeline.evaluation.metrics import Array, Scores, score

TRAINED = "trained"
NOT_FINITE = "not finite on the test part"


@dataclass(frozen=True)
class Summary:
    """The facts of an entry. Tuples run over the seeds; `note` is for the reader of the report."""

    name: str
    kind: Literal["variant", "baseline"]
    family: str
    seeds: tuple[int, ...]
    states: tuple[str, ...]
    epochs: tuple[int | None, ...]
    best_epochs: tuple[int | None, ...]
    parameters: int
    seconds_per_replica: float | None = None
    fingerprint: str | None = None
    model: Mapping[str, Any] | None = None
    train: Mapping[str, Any] | None = None
    note: str | None = None
    warnings: tuple[str, ...] = ()  # rules that the network breaks and that only warn
    cudnn: bool | None = None  # could a GPU's fused kernel have computed the recurrent layers?

    @property
    def state(self) -> str:
        """One phrase: `trained`, `deterministic` for a baseline, or how many seeds were lost and at which epochs."""
        if self.kind == "baseline":
            return "deterministic"
        lost: dict[str, list[int | None]] = {}
        for state, epoch in zip(self.states, self.epochs, strict=True):
            if state != TRAINED:
                lost.setdefault(state, []).append(epoch)
        return (
            "; ".join(
                f"{len(epochs)} of {len(self.seeds)} {_at(state, epochs)}"
                for state, epochs in lost.items()
            )
            or TRAINED
        )


def _at(state: str, epochs: list[int | None]) -> str:
    known = sorted({epoch for epoch in epochs if epoch is not None})
    return (
        f"{state} at epoch {', '.join(map(str, known))}" if known and state != NOT_FINITE else state
    )


def baseline(name: str, parameters: int, note: str | None) -> Summary:
    """The summary of a baseline, which has one deterministic "seed"."""
    return Summary(
        name,
        "baseline",
        "baseline",
        (0,),
        ("deterministic",),
        (None,),
        (None,),
        parameters,
        note=note,
    )


@dataclass(frozen=True)
class Entry:
    """A summary and the signed errors, each (seed, window, horizon, target) float32, memory-mapped."""

    summary: Summary
    standardized: Array
    units: Array

    @cached_property
    def scores(self) -> Scores:
        """Scores on the standardized scale."""
        return score(self.standardized)

    @cached_property
    def unit_scores(self) -> Scores:
        """Scores in the targets' own units (squared, for `squared`)."""
        return score(self.units)


def create(folder: Path, shape: tuple[int, int, int, int]) -> tuple[Array, Array]:
    """New files for the errors in standardized and in own units, open for writing: two arrays (seed, window, horizon, target)."""
    folder.mkdir(parents=True, exist_ok=True)
    first, second = (
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.float32, shape=shape)
        for name in ("standardized", "units")
    )
    return first, second


def save(folder: Path, summary: Summary) -> None:
    """The facts beside the errors."""
    files.write_json(folder / "summary.json", asdict(summary))


def load(folder: Path) -> Entry:
    """One entry, its errors memory-mapped."""
    content = files.read_json(folder / "summary.json")
    facts: dict[str, Any] = {field.name: content[field.name] for field in fields(Summary)}
    whole: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    return Entry(
        Summary(**whole),
        *(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("standardized", "units")),
    )


def load_all(errors: Path) -> tuple[Entry, ...]:
    """Every entry of the folder of errors, by name."""
    return tuple(load(path.parent) for path in sorted(errors.glob("*/summary.json")))
