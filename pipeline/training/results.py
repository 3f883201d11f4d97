"""What a variant's folder holds after training: its replicas' results, put together in the order of the seeds."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import read_json, write_arrays, write_json
from pipeline.network import rules
from pipeline.network.cell_rules import keeps_cudnn
from pipeline.network.rules import Case
from pipeline.params import Variant
from pipeline.training.fingerprint import digest


def gather(case: Case, variant: Variant, replicas: Sequence[Path], out: Path) -> None:
    """Write `weights.npz` (seed, ...), `history.parquet`, `fleet.json` and `cost.json` of `variant` (`case` to the rules) into the new folder `out`.

    `replicas` are the folders of its seeds in the store, in order.
    """
    out.mkdir()
    arrays = [np.load(replica / "weights.npz", allow_pickle=False) for replica in replicas]
    write_arrays(out / "weights.npz", {name: np.concatenate([array[name] for array in arrays]) for name in arrays[0].files})
    pq.write_table(pa.concat_tables([pq.read_table(replica / "history.parquet") for replica in replicas]), out / "history.parquet")
    facts = [read_json(replica / "replica.json") for replica in replicas]
    write_json(out / "fleet.json", _facts(case, variant, facts) | {"weights": digest(out / "weights.npz")})
    costs = [read_json(replica / "cost.json") for replica in replicas]
    write_json(out / "cost.json", {"seconds_per_replica": float(np.mean([cost["seconds"] for cost in costs])), "device": costs[0]["device"]})


def _facts(case: Case, variant: Variant, facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    steps = [fact["best_step"] for fact in facts if fact["state"] == "trained"]
    case = replace(case, trained=min(steps, default=None))
    per_seed = {"seeds": "seed", "states": "state", "best_epochs": "best_epoch", "epochs": "epochs"}
    return {
        "name": variant.name,
        "family": variant.family,
        "model": variant.model.model_dump(mode="json"),
        "train": variant.train.model_dump(mode="json", exclude={"workers"}),
        "shape": vars(case.shape),
        "warnings": [rule.name for rule in rules.broken(case, "warn", variant.allow)],
        "allowed": list(variant.allow),
        "cudnn": keeps_cudnn(variant.model.recurrent),
        "parameters": facts[0]["parameters"],
        **{key: [fact[name] for fact in facts] for key, name in per_seed.items()},
    }
