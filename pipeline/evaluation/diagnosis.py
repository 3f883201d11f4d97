"""What was measured inside a trained variant, as files beside its errors.

`diagnosis.json` holds facts, each a mean over the seeds, and `diagnosis.npz` what they are at every
step. The stage `evaluate` measures them on validation windows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core import files
from pipeline.evaluation.metrics import Array

FACTS, ARRAYS = "diagnosis.json", "diagnosis.npz"


@dataclass(frozen=True)
class Diagnosis:
    """The facts of a variant on `windows` validation windows; what it lacks is null.

    `layers` has mean and sd of the outputs of each layer, and the share of its ReLU units that are
    always 0. `gates` has the share of values of a gate that are saturated (below 0.05 or above
    0.95), by layer, direction and gate. `weights` has the norm of each trained variable.
    `batch_gap` says what the statistics of the batch, in place of the moving ones of a batch
    normalization, change: the `forecast`, relative to the `error`, which is the root mean square,
    and the `loss`. `dropout_noise` is the sd of the forecast over draws of the dropout, relative to
    the error. `arrays` are (seed, step): `<layer>.<direction>.h` and `.c` are norms of the gradient
    of the loss with respect to the state after each step, the other keys are those of `gates`.
    """

    layers: Mapping[str, Mapping[str, float | None]]
    gates: Mapping[str, float | None]
    weights: Mapping[str, float | None]
    batch_gap: Mapping[str, float | None] | None
    dropout_noise: float | None
    error: float | None
    windows: int
    seeds: int
    arrays: Mapping[str, Array]

    @property
    def gradients(self) -> Array:
        """The norm at every step with respect to h of the first recurrent layer, (step,).

        It is a geometric mean over the seeds; the first layer is the one that reads the data, in
        the direction of time.
        """
        name = next(name for name in self.arrays if name.endswith(".forward.h"))
        with np.errstate(divide="ignore"):
            logs = np.log(self.arrays[name].astype(np.float64))
        return np.asarray(np.exp(logs.mean(axis=0)))

    @property
    def gradient_ratio(self) -> float:
        """The norm of the gradient at the oldest step, relative to that at the newest."""
        found = self.gradients
        return float(found[0] / found[-1]) if found[-1] else math.nan

    def saturated(self) -> dict[str, float]:
        """Return the share of saturated values of each gate, a mean over layers and directions."""
        shares: dict[str, list[float]] = {}
        for name, share in self.gates.items():
            shares.setdefault(name.rpartition(".")[2], []).append(_number(share))
        return {gate: float(np.mean(each)) for gate, each in shares.items()}

    def dead(self) -> dict[str, float]:
        """Return the share of dead units of each layer with ReLU."""
        found = {name: layer["dead"] for name, layer in self.layers.items()}
        return {name: share for name, share in found.items() if share is not None}

    def metrics(self) -> dict[str, float]:
        """Return the few numbers that sum it up, by short names; without what is unknown."""
        gap = self.batch_gap or {}
        found = {
            "gradient_ratio": self.gradient_ratio,
            **{f"saturated_{gate}": share for gate, share in self.saturated().items()},
            "dead_units": max(self.dead().values(), default=math.nan),
            "weight_norm": math.hypot(*(_number(norm) for norm in self.weights.values())),
            "batch_gap": _number(gap.get("forecast")),
            "batch_gap_loss": _number(gap.get("loss")),
            "dropout_noise": _number(self.dropout_noise),
        }
        return {name: value for name, value in found.items() if math.isfinite(value)}


def save(folder: Path, facts: Mapping[str, object], arrays: Mapping[str, Array]) -> None:
    """Write the files of a diagnosis beside the errors of its variant."""
    files.write_json(folder / FACTS, facts)
    files.write_arrays(folder / ARRAYS, arrays)


def load(folder: Path) -> Diagnosis | None:
    """Read the files; null for a baseline, and for a variant none of whose seeds was trained."""
    if not (folder / FACTS).exists():
        return None
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        return Diagnosis(**files.read_json(folder / FACTS), arrays=dict(arrays))


def _number(value: float | None) -> float:
    return math.nan if value is None else value
