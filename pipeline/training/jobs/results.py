"""What training writes: the result of each replica, and the folder of a variant with all seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.learning import EXECUTION
from pipeline.config.rules.case import Case
from pipeline.config.rules.cells import keeps_cudnn
from pipeline.config.rules.findings import broken
from pipeline.config.variants import Variant
from pipeline.core import manifest
from pipeline.core.files import new_file, read_json, write_arrays, write_json

PER_SEED = {"seeds": "seed", "states": "state", "best_epochs": "best_epoch", "epochs": "epochs"}


class Facts(TypedDict):
    """How a replica's training ended; `best_epoch` counts from 0, -1 if there is none."""

    seed: int
    state: str  # trained or diverged
    best_epoch: int
    best_step: int  # optimizer steps taken at the end of the best epoch
    epochs: int
    parameters: int


class Cost(TypedDict):
    """What a replica cost: its share of the fleet's seconds, on a CPU or GPU.

    `tracing` is what the graphs of the whole fleet took, which is no part of `seconds`; trainings
    of earlier versions in a store lack it.
    """

    seconds: float
    tracing: NotRequired[float]
    device: str


@dataclass(frozen=True)
class ReplicaResult:
    """The best weights of a replica by name, each (1, ...); history by column, each (epoch,)."""

    weights: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray]
    facts: Facts
    cost: Cost

    def write(self, folder: Path) -> None:
        """Write what `gather` reads."""
        write_arrays(folder / "weights.npz", self.weights)
        with new_file(folder / "history.parquet") as draft:
            pq.write_table(pa.table(dict(self.history)), draft)
        write_json(folder / "replica.json", self.facts)
        write_json(folder / "cost.json", self.cost)


def lowest_loss(replica: Path) -> float | None:
    """Return the lowest validation loss of the replica in this folder, null if it diverged."""
    if read_json(replica / "replica.json")["state"] != "trained":
        return None
    history = pq.read_table(replica / "history.parquet", columns=["validation_loss"])
    return float(np.nanmin(history["validation_loss"].to_numpy()))


def gather(
    case: Case,
    variant: Variant,
    replicas: Sequence[Path],
    out: Path,
    tuning: Mapping[str, object] | None = None,
) -> Case:
    """Write a trained variant to the new folder `out`.

    `case` is the variant as the rules see it; `replicas` are the folders of its seeds in the
    store, in order. The files are `weights.npz` (seed, ...), `history.parquet`, `fleet.json`,
    `cost.json` and their manifest; and `tuning.json` with what `tuning` found. Returns the case
    with what training added to it.
    """
    out.mkdir()
    arrays = [np.load(replica / "weights.npz", allow_pickle=False) for replica in replicas]
    weights = {name: np.concatenate([array[name] for array in arrays]) for name in arrays[0].files}
    write_arrays(out / "weights.npz", weights)
    histories = [pq.read_table(replica / "history.parquet") for replica in replicas]
    pq.write_table(pa.concat_tables(histories), out / "history.parquet")
    facts: list[Facts] = [read_json(replica / "replica.json") for replica in replicas]
    best_steps = [fact["best_step"] for fact in facts if fact["state"] == "trained"]
    case = replace(case, trained=min(best_steps, default=None))
    write_json(out / "fleet.json", _facts(case, variant, facts))
    costs: list[Cost] = [read_json(replica / "cost.json") for replica in replicas]
    seconds = float(np.mean([cost["seconds"] for cost in costs]))
    tracing = [cost["tracing"] for cost in costs if "tracing" in cost]
    cost = {
        "seconds_per_replica": seconds,
        "seconds_to_trace": float(np.mean(tracing)) if tracing else None,
        "device": costs[0]["device"],
    }
    write_json(out / "cost.json", cost)
    if tuning is not None:
        write_json(out / "tuning.json", tuning)
    manifest.write(out)
    return case


def _facts(case: Case, variant: Variant, facts: Sequence[Facts]) -> dict[str, object]:
    """Return the facts of a trained variant, as `fleet.json` keeps them."""
    named: list[dict[str, object]] = [{**fact} for fact in facts]
    return {
        "name": variant.name,
        "family": variant.family,
        "model": variant.model.model_dump(mode="json"),
        "train": variant.train.model_dump(mode="json", exclude=set(EXECUTION)),
        "shape": vars(case.shape),
        "warnings": [rule.name for rule in broken(case, "warn", variant.allow)],
        "allowed": list(variant.allow),
        "cudnn": keeps_cudnn(variant.model.recurrent),
        "parameters": facts[0]["parameters"],
        **{key: [fact[name] for fact in named] for key, name in PER_SEED.items()},
    }
