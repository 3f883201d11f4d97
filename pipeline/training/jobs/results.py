"""What training leaves: the result of a replica, and a variant's folder with those of its seeds put together in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.learning import EXECUTION
from pipeline.config.rules.case import Case
from pipeline.config.rules.cells import keeps_cudnn
from pipeline.config.rules.findings import broken
from pipeline.config.variants import Variant
from pipeline.core.files import new_file, read_json, write_arrays, write_json
from pipeline.training.jobs.fingerprint import digest


@dataclass(frozen=True)
class Replica:
    """Best weights by name, each (1, ...); history by column, each (epoch,); facts; cost."""

    weights: Mapping[str, np.ndarray]
    history: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    cost: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Write what `gather` reads."""
        write_arrays(folder / "weights.npz", self.weights)
        with new_file(folder / "history.parquet") as draft:
            pq.write_table(pa.table(dict(self.history)), draft)
        write_json(folder / "replica.json", self.facts)
        write_json(folder / "cost.json", self.cost)


def gather(case: Case, variant: Variant, replicas: Sequence[Path], out: Path) -> Case:
    """Write `weights.npz` (seed, ...), `history.parquet`, `fleet.json` and `cost.json` of `variant` (`case` to the rules) into the new folder `out`.

    `replicas` are the folders of its seeds in the store, in order. Returns the case with what training added to it.
    """
    out.mkdir()
    arrays = [np.load(replica / "weights.npz", allow_pickle=False) for replica in replicas]
    write_arrays(
        out / "weights.npz",
        {name: np.concatenate([array[name] for array in arrays]) for name in arrays[0].files},
    )
    pq.write_table(
        pa.concat_tables([pq.read_table(replica / "history.parquet") for replica in replicas]),
        out / "history.parquet",
    )
    facts = [read_json(replica / "replica.json") for replica in replicas]
    trained = replace(
        case,
        trained=min(
            (fact["best_step"] for fact in facts if fact["state"] == "trained"), default=None
        ),
    )
    write_json(
        out / "fleet.json",
        _facts(trained, variant, facts) | {"weights": digest(out / "weights.npz")},
    )
    costs = [read_json(replica / "cost.json") for replica in replicas]
    write_json(
        out / "cost.json",
        {
            "seconds_per_replica": float(np.mean([cost["seconds"] for cost in costs])),
            "device": costs[0]["device"],
        },
    )
    return trained


def _facts(case: Case, variant: Variant, facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    per_seed = {"seeds": "seed", "states": "state", "best_epochs": "best_epoch", "epochs": "epochs"}
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
        **{key: [fact[name] for fact in facts] for key, name in per_seed.items()},
    }
