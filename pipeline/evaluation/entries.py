"""An entry is a variant or a baseline with its signed test errors; here it is written and read.

A folder per entry holds `summary.json`, and the errors (forecast - truth) as `standardized.npy` and
`units.npy`, (seed, window, horizon, target) float32, NaN where the truth was not measured and for
lost seeds. A trained variant also has the files of a `diagnosis`. Errors are memory-mapped for
writing and for reading, so that their number is bounded by the disk and not by the memory.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.core import files
from pipeline.evaluation import diagnosis
from pipeline.evaluation.diagnosis import Diagnosis
from pipeline.evaluation.metrics import Array, Mask, Scores, score

TRAINED, DETERMINISTIC = "trained", "deterministic"
NOT_FINITE = "not finite on the test split"


@dataclass(frozen=True)
class Summary:
    """What is known of an entry besides its errors; tuples run over the seeds.

    `validation_losses` are the lowest of each seed, that of the weights which are kept.
    `latency` is the milliseconds of a forecast from one window with all seeds, and
    `seconds_to_trace` what the graphs of its training took before the first step.
    `clipped` counts the forecasts of each seed that `forecast.limits` clipped, `intervals` are
    what the intervals of the ensemble hold of the test values (`intervals.held`), `note` is
    for readers of the report, `warnings` are the rules that the network breaks and that only warn,
    and `cudnn` says whether a fused GPU kernel can compute the recurrent layers.
    """

    name: str
    kind: Literal["variant", "baseline"]
    family: str
    seeds: tuple[int, ...]
    states: tuple[str, ...]
    epochs: tuple[int | None, ...]
    best_epochs: tuple[int | None, ...]
    parameters: int
    validation_losses: tuple[float | None, ...] = ()
    clipped: tuple[int, ...] = ()
    intervals: tuple[Mapping[str, Any], ...] = ()
    seconds_per_replica: float | None = None
    seconds_to_trace: float | None = None
    latency: float | None = None
    weights_sha256: str | None = None
    model: Mapping[str, object] | None = None
    train: Mapping[str, object] | None = None
    note: str | None = None
    warnings: tuple[str, ...] = ()
    cudnn: bool | None = None

    @property
    def lost(self) -> Mask:
        """Which seeds failed and have no errors, (seed,)."""
        return ~np.isin(self.states, (TRAINED, DETERMINISTIC))

    @property
    def state(self) -> str:
        """`trained`, or `deterministic`, or how many seeds failed, how, and at which epochs."""
        if self.kind == "baseline":
            return DETERMINISTIC
        failed: dict[str, list[int | None]] = {}
        for state, epoch in zip(self.states, self.epochs, strict=True):
            if state != TRAINED:
                failed.setdefault(state, []).append(epoch)
        phrases = [
            f"{len(epochs)} of {len(self.seeds)} {_at(state, epochs)}"
            for state, epochs in failed.items()
        ]
        return "; ".join(phrases) or TRAINED


def _at(state: str, epochs: list[int | None]) -> str:
    """Return a state with the epochs at which it was reached, where they matter."""
    reached = sorted({epoch for epoch in epochs if epoch is not None})
    if state == NOT_FINITE or not reached:
        return state
    return f"{state} at epoch {', '.join(map(str, reached))}"


def baseline(
    name: str, parameters: int, note: str | None, clipped: tuple[int, ...] = ()
) -> Summary:
    """Return the summary of a baseline, which has one deterministic "seed"."""
    return Summary(
        name=name,
        kind="baseline",
        family="baseline",
        seeds=(0,),
        states=(DETERMINISTIC,),
        epochs=(None,),
        best_epochs=(None,),
        parameters=parameters,
        clipped=clipped,
        note=note,
    )


@dataclass(frozen=True)
class Entry:
    """A summary and the signed errors, each (seed, window, horizon, target) float32.

    `diagnosis` is what was measured inside a variant, null where nothing was.
    """

    summary: Summary
    standardized: Array
    units: Array
    diagnosis: Diagnosis | None = None

    @cached_property
    def scores(self) -> Scores:
        """Scores on the standardized scale."""
        return score(self.standardized, self.summary.lost)

    @cached_property
    def unit_scores(self) -> Scores:
        """Scores in the units of the targets, squared for `squared`."""
        return score(self.units, self.summary.lost)


def create(folder: Path, shape: tuple[int, int, int, int]) -> tuple[Array, Array]:
    """Create the files of the errors and open both for writing.

    Returns the standardized errors and those in the units of the targets, of the given `shape`
    (seed, window, horizon, target).
    """
    folder.mkdir(parents=True, exist_ok=True)
    standardized, units = (
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.float32, shape=shape)
        for name in ("standardized", "units")
    )
    return standardized, units


def save(folder: Path, summary: Summary) -> None:
    """Write `summary.json` beside the errors."""
    files.write_json(folder / "summary.json", asdict(summary))


def load(folder: Path) -> Entry:
    """Read one entry, its errors memory-mapped."""
    content = files.read_json(folder / "summary.json")
    content |= {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
    standardized = np.load(folder / "standardized.npy", mmap_mode="r")
    units = np.load(folder / "units.npy", mmap_mode="r")
    return Entry(Summary(**content), standardized, units, diagnosis.load(folder))


def load_all(errors: Path) -> tuple[Entry, ...]:
    """Read every entry in the folder of errors, by name."""
    return tuple(load(path.parent) for path in sorted(errors.glob("*/summary.json")))
